"""Small curves of all findings side by side, drawn in the browser from one payload."""
