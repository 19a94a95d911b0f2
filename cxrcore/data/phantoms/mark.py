"""The file that marks a folder of phantoms: a fact that readers need without loading what draws them."""

MARK = "phantoms.json"  # as `phantoms.folder` writes it; importing that would load what draws phantoms
