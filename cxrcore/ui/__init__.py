"""What the pages share: the only package of the library that knows Streamlit. It never writes SQL."""
