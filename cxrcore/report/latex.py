"""Tables as a paper prints them: LaTeX with nothing in it that LaTeX would read."""

import pandas as pd

_LATEX = str.maketrans({sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}",
    ">": "\\textgreater{}", "|": "\\textbar{}", '"': "\\textquotedbl{}", "`": "\\textasciigrave{}",
    "±": "$\\pm$"})


def as_latex(frame: pd.DataFrame) -> str:
    """A frame as a LaTeX tabular; signs that LaTeX reads are escaped, numbers have four decimals."""
    texts = frame.set_axis(frame.columns.map(latex_text), axis="columns")
    for place, kind in enumerate(texts.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            texts.isetitem(place, texts.iloc[:, place].map(latex_text))
    return texts.to_latex(index=False, float_format="%.4f", na_rep="--", escape=False)


def latex_text(value: object) -> str:
    """A text for LaTeX, which makes a dash of two hyphens, and whose line's end would take a [ or * behind it."""
    text = " ".join(str(value).split())
    if text == "--":  # our own dash
        return text
    return "{}" * text.startswith(("[", "*")) + text.translate(_LATEX).replace("--", "-{}-")
