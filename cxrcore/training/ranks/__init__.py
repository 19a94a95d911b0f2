"""The processes that make one training together: how they find each other, share its films, and end."""
