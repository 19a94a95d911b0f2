"""The six architectures, their checkpoints and weights, and from pixels to scores."""
