"""The Cases page: the films behind a number."""
