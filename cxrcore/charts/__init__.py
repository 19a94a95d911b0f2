"""Arrays and frames in, Plotly figures out: the only room that imports Plotly. Knows nothing of the store."""
