"""Synthetic chest films in the NIH layout, drawn by this project, with known findings and boxes."""
