"""The line on the Explain page that says how a film was read."""

import numpy as np
from dicom_films import described, written
from opened_pages import text_of
from streamlit.testing.v1 import AppTest

from cxrcore.data.pixels import film_file


def page() -> None:
    import streamlit as st

    from cxrcore.queries.chosen_film import ChosenFilm
    from cxrcore.ui.explain import behind_numbers

    behind_numbers.say_film(ChosenFilm("x.dcm", st.session_state["film"], None, None), None)


def test_what_was_read_and_assumed_stands_in_one_line_in_words():
    levels = np.linspace(100, 4000, 4096).astype(np.uint16).reshape(64, 64)
    found = described(levels, WindowCenter="128", WindowWidth="256", PhotometricInterpretation="MONOCHROME1")
    del found.SamplesPerPixel
    app = AppTest.from_function(page)
    app.session_state["film"] = film_file.read_film(written(found))
    app.run(timeout=60)
    (line,) = [caption.value for caption in app.caption]
    assert not app.exception and "x.dcm" in text_of(app)
    assert "Read as: assumed, as the file does not say: one number a pixel; its window 128/256 makes " in line
    assert line.endswith("(black) to 4463 (white), by its 0.5 and 99.5 percentiles; "
                         "light and dark turned, as the file says (MONOCHROME1).")
