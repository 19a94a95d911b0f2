"""The Home page: live objects of the store in place of text."""
