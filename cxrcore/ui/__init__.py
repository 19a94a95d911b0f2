"""What pages are made of, a folder a page: the only room that knows Streamlit. It never writes SQL."""
