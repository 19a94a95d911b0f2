"""The Present page: slides for a class."""
