"""The film viewer: a film under its maps beside its scores, drawn in the browser."""
