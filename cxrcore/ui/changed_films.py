"""Placeholder: to be replaced by the real module."""
import streamlit as st


def waiting() -> None:
    st.caption("...")


def show(*args) -> None:
    st.write(args[3:])
