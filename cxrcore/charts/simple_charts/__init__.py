"""Bars, marks and columns, drawn in the browser as SVG from one small payload."""
