"""What the files of a run are called: a fact that pages need without loading what writes them."""

BEST, LAST = "model_best.pth", "model_last.pth"  # checkpoints: of the best epoch, and of the last one
PROGRESS = "progress.json"
INPUT_CHECK = "input_check.npz"
HOME_MAPS = "home_maps.npz"  # small maps of a few test films
MAP_CHECK = "maps.json"  # what the planted-blob test said of the best checkpoint
