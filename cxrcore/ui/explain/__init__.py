"""The Explain page: one film, its scores, and where the network looked."""
