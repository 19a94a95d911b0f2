"""Files of a folder of phantoms whose names readers need without loading what draws them."""

MARK = "phantoms.json"  # the recipe; a folder with it is ours
TRUTH = "truth.csv"  # what the films truly have; a folder of an older version lacks it
