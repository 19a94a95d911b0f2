"""Films to look at where a network looked: which ones tell most, and their maps, kept once they were made."""
