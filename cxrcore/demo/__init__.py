"""The demo, the dashboard as a process, and the pictures of the README."""
