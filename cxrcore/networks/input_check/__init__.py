"""Whether a film looks like those that a run was trained on: asked before any score is believed."""
