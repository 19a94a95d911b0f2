"""Weights that other programs wrote: what they are, and how they fit the six networks."""
