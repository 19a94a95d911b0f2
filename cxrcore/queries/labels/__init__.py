"""Readings of films: how good the own labels are, which of them to read again, and what pages say of a set."""
