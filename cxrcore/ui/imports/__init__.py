"""The Import page: predictions of other people, and the mean of runs."""
