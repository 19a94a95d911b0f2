"""Questions to predictions of other people, asked before their numbers are believed."""
