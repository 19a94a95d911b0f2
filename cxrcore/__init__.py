"""Chest X-ray results workbench: the library behind the scripts and the dashboard."""

__version__ = "0.1.0"
