"""What decisions ask of a store: promises beside what was kept, and what repeats of a training tell."""
