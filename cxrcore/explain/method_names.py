"""What the ways to a map are called on screens, and what they mean; `methods`, which runs them, needs torch."""

LABELS = {  # {key of `methods.METHODS`: label}
    "gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++", "hirescam": "HiResCAM", "layercam": "LayerCAM",
    "eigencam": "EigenCAM", "scorecam": "Score-CAM"}
METHODS = {label: key for key, label in LABELS.items()}
SLOW, SHARED, HIRES = LABELS["scorecam"], LABELS["eigencam"], LABELS["hirescam"]
MEANINGS = ("Ways to ask where the network looked. Grad-CAM, Grad-CAM++, HiResCAM and LayerCAM follow the finding's "
            "gradient. EigenCAM shows what stands out to the network and does not depend on the finding. Score-CAM "
            "tries each channel and takes long.")
