"""The Thresholds page: the board, its sets, fitting, and what fitting promises."""
