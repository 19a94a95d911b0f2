"""What stands around every page's content: its head line, its bar of controls, and the look of both."""
