"""Predictions of other people, examined and saved as runs; a run as plain files, and back."""
