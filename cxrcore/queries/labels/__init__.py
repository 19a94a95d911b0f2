"""Label sets as pages show them: whose labels are read, how good they are, and which of them to read again."""
