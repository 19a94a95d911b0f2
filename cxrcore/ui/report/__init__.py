"""The report: what the pages say of some runs, as an HTML file without a server, and as a ZIP of tables and figures.

Everything is read by the pages' own readers, so its numbers are theirs.
"""
