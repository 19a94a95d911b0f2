"""Questions about compared runs: which is best, where they agree, what they cost."""
