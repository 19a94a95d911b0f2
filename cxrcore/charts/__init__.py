"""Arrays and frames in, Plotly figures out: the only package that imports Plotly. Knows nothing of the store."""
