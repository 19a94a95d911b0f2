"""One training: its plan, its steps, its losses, and an honest end."""
