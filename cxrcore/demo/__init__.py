"""The demo, the dashboard as a process, the doctor of an installation, and the pictures of the README."""
