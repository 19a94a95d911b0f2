"""What people take away: the HTML report, its ZIP, the page of one explanation. No Streamlit."""
