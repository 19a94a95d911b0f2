"""A Streamlit page with nothing of ours: one of each stock element, for what a browser finds wrong with those."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

FRAME = pd.DataFrame({"One": [1, 2], "Two": [3.0, 4.0]})
OPTIONS = ["Measured", "Predicted"]

st.set_page_config(page_title="Bare", layout="wide")
with st.sidebar:
    st.write("Sidebar")
    st.caption("A caption")
st.title("Bare")
st.write("Text with a [link](https://example.org)")
st.caption("A caption")
st.header("Header")
st.code("python app.py --flag 1", language="bash")
for alert in (st.info, st.warning, st.error, st.success):
    alert("An alert")
st.markdown(":orange-badge[badge] `code`")
st.button("Plain button")
st.button("Main button", type="primary")
st.download_button("Download", "text")
st.checkbox("Checkbox", True)
st.toggle("Toggle", True)
st.radio("Radio", OPTIONS)
st.selectbox("Selectbox", OPTIONS, help="Help")
st.multiselect("Multiselect", OPTIONS, OPTIONS[:1])
st.slider("Slider")
st.number_input("Number")
st.text_input("Text")
st.segmented_control("Segmented control", OPTIONS, default=OPTIONS[0])
st.file_uploader("File")
st.dataframe(FRAME)
st.metric("Metric", 1, 2, help="Help")
st.progress(50, "Progress")
st.plotly_chart(go.Figure(go.Scatter(y=[1, 2])))
st.image(np.zeros((8, 8), np.uint8))
with st.expander("Expander"):
    st.write("Inside")
with st.popover("Popover"):
    st.write("Inside")
