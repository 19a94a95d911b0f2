"""Class activation maps: where a network looked, over the film; figures and box measurements by command."""
