"""The Subgroups page: the same measure in groups of patients."""
