"""From a checkpoint to stored scores, thresholds, metrics and tables; and the mean of several runs."""
