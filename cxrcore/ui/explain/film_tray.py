"""The films to explain: those that were uploaded, stepped through by J and K, or a stored one that the link names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cxrcore.data.pixels import decode_film, limits
from cxrcore.errors import FilmError
from cxrcore.findings import display_name
from cxrcore.queries import chosen_film, film_pixels
from cxrcore.queries.chosen_film import ChosenFilm, RunFilms
from cxrcore.store import Store
from cxrcore.ui.widgets import escape

MOST = 20  # films at once
_STYLE = """<style>
.st-key-film_tray { flex-wrap: nowrap; }
.st-key-film_tray [data-testid="stFileUploaderDropzone"] { min-height: 0; padding: 0; border: 0; background: none; }
.st-key-film_tray [data-testid="stFileUploaderDropzoneInstructions"],
.st-key-film_tray [data-testid="stFileChips"] > div { display: none; }
.st-key-film_tray [data-testid="stFileChips"] > button {
  width: 104px; height: 38px; border-radius: 8px; border: 1px solid color-mix(in srgb, currentColor 22%, transparent);
}
.st-key-film_tray [data-testid="stFileChips"] > button:focus-visible { outline: 2px solid currentColor; }
.st-key-film_tray [data-testid="stFileChips"] > button::after { content: "Upload"; font-size: 1rem; margin-left: 6px; }
</style>"""
_DROP = """<style>
.st-key-film_drop { display: grid; grid-template-columns: minmax(260px, 2fr) minmax(0, 3fr); gap: 16px 28px; }
@media (max-width: 900px) { .st-key-film_drop { grid-template-columns: minmax(0, 1fr); } }
.st-key-film_zone, .st-key-film_zone :has([data-testid="stFileUploaderDropzone"]) { height: 100%; }
.st-key-film_zone [data-testid="stFileUploaderDropzone"] {
  min-height: 250px; height: 100%; flex-direction: column; justify-content: center; align-items: center; gap: 14px;
  border: 2px dashed color-mix(in srgb, currentColor 45%, transparent); border-radius: 14px; text-align: center;
}
.st-key-film_zone [data-testid="stFileUploaderDropzone"]:hover { border-color: #2B86BF; }
.st-key-film_zone [data-testid="stFileUploaderDropzone"]::before {
  content: "Drop a chest X-ray here"; font-size: 1.5rem; font-weight: 650; line-height: 1.2;
}
.st-key-film_zone [data-testid="stFileUploaderDropzone"]::after {
  content: "PNG, JPEG or DICOM, up to 20 at once. They are scored on this machine, and kept nowhere."; max-width: 30ch;
}
.st-key-film_zone [data-testid="stFileUploaderDropzoneInstructions"] { display: none; }
.st-key-film_examples { flex-wrap: nowrap; }
[class*="st-key-film_example_"] { position: relative; flex: 1 1 0; min-width: 0; max-width: 260px; gap: 0; }
[class*="st-key-film_example_"] img { border-radius: 10px; }
[class*="st-key-film_example_"]:has(img) > :has(.stButton) { position: absolute; inset: 0; }
[class*="st-key-film_example_"]:has(img) :is(.stButton, .stButton > *, .stButton button) { width: 100%; height: 100%; }
[class*="st-key-film_example_"]:has(img) .stButton button {
  align-items: flex-end; background: transparent; border: 3px solid transparent; border-radius: 10px; overflow: hidden;
  color: #fff; text-shadow: 0 0 4px #000, 0 0 4px #000;
}
[class*="st-key-film_example_"]:has(img) .stButton button:is(:hover, :focus-visible) { border-color: #56B4E9; }
</style>"""
_UPLOADS, _AT, _KNOWN, _HELD = "film_uploads", "film_at", "film_known", "film_held"  # in the session


@dataclass(frozen=True)
class Wanted:
    """A film that was asked for and is not read yet.

    Attributes:
        name: for the person who chose it.
        key: changes with the film.
        read: reads it; raises FilmError.
        notes: what else has to be said of it.
    """

    name: str
    key: str
    read: Callable[[], ChosenFilm]
    notes: tuple[str, ...] = ()


def any_film() -> bool:
    """Whether a film is chosen by now, so that the uploader needs no more than a button."""
    return bool(st.query_params.get("film") or st.session_state.get(_KNOWN))


def pick_film(store: Store, films: RunFilms, runs: pd.DataFrame, offer: Callable[[], None]) -> Wanted | None:
    """The uploader and the steps, in a row of their own where there is a film already; None until there is one.

    Args:
        offer: shows, beside the place to drop a film, what else can be chosen.
    """
    decode_film.PROCESSES.warm()
    size = chosen_film.size_of(runs.iloc[0])
    if not any_film():
        st.html(_DROP)
        with st.container(key="film_drop"):
            with st.container(key="film_zone"):
                files = _uploader(compact=False)
            _free_others(files)
            with st.container(key="film_offer"):
                offer()
        return _uploaded(store, films, size, files)
    st.html(_STYLE)
    with st.container(horizontal=True, key="film_tray", vertical_alignment="center", gap="small", width="content"):
        steps = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content")
        files = _uploader(compact=True)
        _free_others(files)
        with steps:
            wanted = (Wanted(stored, f"stored {stored} {size}", lambda: chosen_film.stored(store, films, stored, size))
                      if (stored := st.query_params.get("film")) else _uploaded(store, films, size, files))
        if wanted is not None:
            st.button("Close", key="film_close", icon=":material/close:", type="tertiary", on_click=_close,
                      help="Leave these films, and choose others")
    return wanted


def _uploader(compact: bool) -> list[Any]:
    return st.file_uploader("Films: PNG, JPEG or DICOM", accept_multiple_files=True, on_change=_take_uploads,
                            key=_uploader_key(),
                            max_upload_size=limits.MAX_BYTES // 1_000_000,
                            label_visibility="collapsed", width=110 if compact else "stretch")


def _free_others(files: list[Any]) -> None:
    """Forget the bytes of films that were uploaded here before the page was left, or closed them.

    Else Streamlit holds them until the visitor's tab is closed.
    """
    shown, context = {file.file_id for file in files}, get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file_id in st.session_state.get(_HELD, set()) - shown:
            context.uploaded_file_mgr.remove_file(context.session_id, file_id)
    st.session_state[_HELD] = shown


def _uploaded(store: Store, films: RunFilms, size: int, files: list[Any]) -> Wanted | None:
    """One of these files."""
    notes = (f"The first {MOST} of {len(files)} films are shown.",) if len(files) > MOST else ()
    files = files[:MOST]
    if not files:
        return None
    at = min(st.session_state.get(_AT, 0), len(files) - 1)
    if len(files) > 1:
        _steps(at, len(files))
    file = files[at]
    return Wanted(file.name, f"uploaded {file.file_id} {size}",
                  lambda: chosen_film.uploaded(store, films, file.getvalue(), file.name, size), notes)


def _steps(at: int, n: int) -> None:
    def go(to: int) -> None:
        st.session_state[_AT] = to % n

    st.button("", key="film_before", icon=":material/chevron_left:", shortcut="k", on_click=go, args=(at - 1,),
              help="The film before")
    st.markdown(f"{at + 1} of {n}", width="content")
    st.button("", key="film_next", icon=":material/chevron_right:", shortcut="j", on_click=go, args=(at + 1,),
              help="The next film")


def _uploader_key() -> str:
    return f"film_upload_{st.session_state.get(_UPLOADS, 0)}"


def _take_uploads() -> None:
    """An upload takes the place of a stored film, and of several the first new one is shown."""
    st.query_params.pop("film", None)
    known = st.session_state.get(_KNOWN, [])
    names = [file.file_id for file in st.session_state.get(_uploader_key()) or ()]
    fresh = [place for place, name in enumerate(names) if name not in known]
    st.session_state[_KNOWN], st.session_state[_AT] = names, fresh[0] if fresh else 0


def _close() -> None:
    st.query_params.pop("film", None)
    st.session_state.pop(_KNOWN, None)
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1  # another uploader, which holds none


def read(wanted: Wanted) -> ChosenFilm | None:
    """The film; None, said, where it cannot be read."""
    try:
        return wanted.read()
    except FilmError as error:
        st.error(escape(f"{wanted.name}: {error}"), icon=":material/error:")
        return None


def offer_examples(store: Store, dataset_id: str, films: RunFilms, finding: str | None, size: int) -> None:
    """Some films of the test split, each a click away; a sentence where none is at hand."""
    found = chosen_film.examples(store, films, finding, size)
    if not found:
        of = f" labelled {display_name(finding)}" if finding else ""
        st.markdown(f"No film{of} of this data set lies on this machine, so there is none to try: bring one of your "
                    "own.")
        return
    of = f"labelled **{display_name(finding)}**" if finding else "of the data set"
    st.markdown(f"Or click a test film {of}:")
    held = film_pixels.films_of(store, dataset_id)
    with st.container(horizontal=True, key="film_examples"):
        for place, image_id in enumerate(found):
            with st.container(key=f"film_example_{place}", gap="xsmall"):
                if held and (pixels := held.film(image_id)) is not None:
                    st.image(pixels, width="stretch", alt=f"Film {image_id}")
                st.button(escape(image_id), key=f"example_{image_id}", width="stretch", on_click=_take,
                          args=(image_id,))


def _take(image_id: str) -> None:
    st.query_params["film"] = image_id
