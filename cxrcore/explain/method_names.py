"""What the ways to a map are called on screens, and what they mean; `methods`, which runs them, needs torch."""

METHODS = {  # {label: key of `methods.METHODS`}, which needs torch; a test holds them together
    "Grad-CAM": "gradcam", "Grad-CAM++": "gradcam++", "HiResCAM": "hirescam", "LayerCAM": "layercam",
    "EigenCAM": "eigencam", "Score-CAM": "scorecam"}
SLOW, SHARED, HIRES = "Score-CAM", "EigenCAM", "HiResCAM"
MEANINGS = ("Ways to ask where the network looked. Grad-CAM, Grad-CAM++, HiResCAM and LayerCAM follow the finding's "
            "gradient. EigenCAM shows what stands out to the network and does not depend on the finding. Score-CAM "
            "tries each channel and takes long.")
