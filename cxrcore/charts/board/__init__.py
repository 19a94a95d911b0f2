"""The threshold board: its JavaScript and style, and the counts that it is sent. No server, no Streamlit."""
