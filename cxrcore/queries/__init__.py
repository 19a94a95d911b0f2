"""What pages and reports ask of a store, worked out once and kept. No Streamlit, no drawing."""
