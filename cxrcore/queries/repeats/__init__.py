"""Runs that are repeats of one training: which they are, their mean and their spread, and what tells two apart."""
