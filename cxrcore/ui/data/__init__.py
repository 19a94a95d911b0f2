"""The Data page: what a data set holds, and how it is split."""
