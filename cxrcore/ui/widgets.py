"""Small pieces that several pages draw alike: charts, legends, badges, the download menu, commands to copy."""

import contextlib
import re
import shlex
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cxrcore.charts.look import Figure, RunStyle, plot_config
from cxrcore.config import PROJECT_ROOT
from cxrcore.data.files import csv_file
from cxrcore.errors import FindingError
from cxrcore.findings import display_name, one_of
from cxrcore.glossary import meaning, meanings
from cxrcore.queries import data_set
from cxrcore.queries.run_groups import LEAKY_NOTE, SYNTHETIC_NOTE, Group
from cxrcore.report.latex import as_latex
from cxrcore.store import OWN, Store
from cxrcore.store.audit_marks import BADGE, Marks, questions, told_once
from cxrcore.ui import link, table_signs
from cxrcore.ui.frame import frame
from cxrcore.ui.link import LABELS, forget, in_link
from cxrcore.ui.markdown import bold, escape

PATIENCE = 0.4  # seconds without a bar, which then says how far the work is
MOST_NAMED = 3  # runs beside a badge
ANSWER_TURN = 0.45  # seconds in which a browser draws the answer, before it reads what draws charts
_ANSWERED, _CHARTED = "widgets_answered", "widgets_charted"


def answer(text: str) -> DeltaGenerator:
    """The sentence that answers the page's question, first of its content; gives the place where it stands.

    Args:
        text: a few words of HTML: names are escaped by the caller, numbers may stand in <b>.
    """
    place = st.html(f'<p class="answer" data-first-content>{text}</p>')
    st.session_state[_ANSWERED] = time.monotonic()
    return place


def chart(figure: Figure, key: str, alt: str) -> None:
    """A Plotly figure with the page's theme, a vector download and a text for screen readers.

    Args:
        key: unique on the page and stable, so that new data moves the lines instead of drawing anew; names the file.
    """
    leave_the_answer_its_turn()
    st.plotly_chart(figure, key=key, config=plot_config(key), alt=alt)


def leave_the_answer_its_turn(seconds: float = ANSWER_TURN) -> None:
    """Before a tab's first chart: its browser then reads what draws it, and draws nothing else meanwhile.

    Args:
        seconds: from the answer on; by default before Plotly's 4.5 MB.
    """
    answered = st.session_state.get(_ANSWERED)
    if answered is not None and _CHARTED not in st.session_state and st.context.headers:  # which a browser sends
        st.session_state[_CHARTED] = True
        time.sleep(max(0.0, seconds - (time.monotonic() - answered)))


def explain_measures(keys: Iterable[str], more: str = "") -> None:
    """What the measures of the bar are, behind *Numbers*: in the bar there is no room for help; as `meanings`."""
    with frame.numbers(), st.expander("What the measures are"):  # folded, so that what is above needs no scrolling
        st.markdown(meanings(keys, more))


def legend(lines: Sequence[tuple[str, RunStyle]], mark: str = "") -> None:
    """One legend for several charts: (name, look) of each run; wraps on a narrow screen."""
    with st.container(horizontal=True, gap="medium"):
        for name, style in lines:
            st.markdown(f"![]({style.swatch()}) {escape(name)}", width="content")
        if mark:
            st.markdown(mark, width="content")


def number(term: str, title: str | None = None, format: str | None = None, width: int | None = None,
           more: str = "") -> Any:
    """A column of numbers for `column_config`, with the help that explains them.

    Args:
        term, more: as for `glossary.meaning`.
        title: the column's head; the frame's own without it.
    """
    return st.column_config.NumberColumn(title, format=format, width=width, help=meaning(term, more))


def show_table(frame: pd.DataFrame, **as_dataframe: Any) -> Any:
    """As `st.dataframe`, whose toolbar and clipboard serve spreadsheets; the minus sign is the screen's alone."""
    shown, config = table_signs.with_minus_signs(csv_file.for_people(frame), as_dataframe.pop("column_config", None))
    return st.dataframe(shown, column_config=config, **as_dataframe)


def download_menu(tables: Mapping[str, tuple[str, Callable[[], pd.DataFrame]]], latex: bool = False) -> None:
    """The page's one menu of downloads.

    Args:
        tables: {label: (file name without ending, function that gives the frame when it is asked for)}.
        latex: also offer each as a LaTeX tabular.
    """
    with frame.tools(), st.popover("Download", icon=":material/download:",
                                   help="The data of this page's tables and charts"):
        for label, (name, table) in tables.items():
            file = f"{name}{_of_labels()}"
            st.download_button(
                label, lambda table=table: csv_file.csv_text(table()), f"{file}.csv", "text/csv", key=f"csv_{name}",
                on_click="ignore", type="tertiary", icon=":material/table:",
            )
            if latex:
                st.download_button(
                    f"{label} as LaTeX", lambda table=table: as_latex(table()), f"{file}.tex", "text/x-tex",
                    key=f"tex_{name}", on_click="ignore", type="tertiary", icon=":material/function:",
                )


def _of_labels() -> str:
    """Which label set a file's numbers were measured on, as the end of its name; '' for the films' own labels."""
    title = st.query_params.get(LABELS, OWN)
    return "" if title == OWN else re.sub(r"[^A-Za-z0-9._-]+", "_", f"_{title}")


def badges(group: Group) -> None:
    """What a reader must be warned of wherever numbers of this group stand: drawn films, a leaky split, an audit.

    Marks beside the page's title; what they mean comes by hover or tap.
    """
    if group.synthetic:
        synthetic_badge()
    if group.leaky:
        frame.chip("leaky split", f"{LEAKY_NOTE.capitalize()}.", icon=":material/warning:")
    if group.warned:
        warned_badge({group.table.at[run_id, "run"]: marks for run_id, marks in group.warned.items()})


def badges_in_words(group: Group) -> None:
    """The same where groups of other marks stand on the page too: beside the group, with what they mean."""
    if group.synthetic:
        synthetic_badge()
    if group.leaky:
        st.markdown(f":orange-badge[:material/warning: leaky split] {LEAKY_NOTE}.")
    if group.warned:
        warned = {group.table.at[run_id, "run"]: marks for run_id, marks in group.warned.items()}
        st.markdown(f":{_warned_colour(warned)}-badge[:material/warning: {BADGE}] {len(warned)} of {len(group.table)} "
                    "runs, see *Audit* below.", help=_warned_meaning(warned))


def warned_badge(warned: Mapping[str, Marks]) -> None:
    """Which runs' imports were warned of, by which questions, and what was found.

    Args:
        warned: {run's name: marks}.
    """
    named = [f"{bold(name)}: {escape(questions(marks))}" for name, marks in list(warned.items())[:MOST_NAMED]]
    said = "; ".join(named) + (f"; and {len(warned) - MOST_NAMED} more" if len(warned) > MOST_NAMED else "")
    frame.chip(BADGE, f"{said}.\n\n{_warned_meaning(warned)}", colour=_warned_colour(warned),
               icon=":material/warning:")


def _warned_colour(warned: Mapping[str, Marks]) -> Literal["orange", "gray"]:
    return "orange" if any(mark.grave for marks in warned.values() for mark in marks) else "gray"


def _warned_meaning(warned: Mapping[str, Marks]) -> str:
    found = "\n".join(f"- {bold(name)}\n" + "\n".join(f"    - {escape(line)}" for line in lines)
                      for name, lines in told_once(warned).items())
    return f"What the audit warned of when the predictions were imported:\n\n{found}"


def synthetic_badge() -> None:
    """The mark of phantoms, on every page that shows them or numbers measured on them."""
    frame.chip("SYNTHETIC", f"{SYNTHETIC_NOTE.capitalize()}.")


def stop_at_unknown_runs(chosen: Sequence[str], runs: pd.DataFrame) -> None:
    """End the page at a link to runs that are not there: say so, and show nothing else in their place.

    Args:
        chosen: the run ids of the link.
        runs: those of the store.
    """
    known = set(runs["run_id"])
    unknown = [run_id for run_id in chosen if run_id not in known]
    if not unknown:
        return
    names = ", ".join(map(bold, unknown))
    st.error(f"The link names a run that is not in this store: {names}. It may have been deleted, or the link belongs "
             "to another store.", icon=":material/link_off:")
    st.button("Show the runs that are here", on_click=link.put_runs_in_link, args=([],))
    st.stop()


def choice_in_link(label: str, key: str, options: Sequence[str], meaning: str,
                   read: Callable[[str], str] = str) -> str | None:
    """A selectbox whose choice stands in the link; a link that names something else is said, and gives None.

    Args:
        key: the widget's, and so the name in the link.
        meaning: the help beside the label.
        read: turns what a link says into an option, where it may be said in several ways.
    """
    asked, chosen = st.query_params.get(key), st.session_state.get(key)
    if chosen in options:  # by the page itself, just now; another page's picker of this key may hold what is not here
        asked = chosen
    if asked is not None and read(asked) not in options:
        st.error(f"The link asks for {label.lower()} “{escape(asked)}”, which is not here.", icon=":material/link_off:")
        st.button("Show what is here", key=f"leave_{key}", on_click=forget, args=(key,))
        return None
    if asked is not None and asked not in options:
        st.query_params[key] = read(asked)
        st.rerun()  # the widget reads the link before the page runs
    return st.selectbox(label, options, **in_link(key), help=meaning)


def finding_picker(findings: Sequence[str], meaning: str) -> str:
    """One of these findings, which stands in the link; ends the page at an unknown one."""
    titles = {display_name(finding): finding for finding in findings}
    title = choice_in_link("Finding", "finding", list(titles), meaning, finding_title(findings))
    if title is None:
        st.stop()
    return titles[title]


def finding_title(findings: Sequence[str]) -> Callable[[str], str]:
    """For `choice_in_link`: 'Pleural_Thickening' and the like as pickers write it; other texts as they are."""
    def read(text: str) -> str:
        try:
            return display_name(one_of(findings, text))
        except FindingError:
            return text

    return read


@contextlib.contextmanager
def slow_steps(text: str, n: int, patience: float = PATIENCE) -> Generator[Callable[[], None]]:
    """A progress bar for n steps that appears only where they take long; call what it gives after each step.

    Args:
        patience: seconds that may pass without a bar.
    """
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        told(done / n, f"{text}: {done} of {n}")

    with slow_share(text, patience) as told:
        yield step


@contextlib.contextmanager
def slow_share(text: str, patience: float = PATIENCE) -> Generator[Callable[..., None]]:
    """A progress bar for work that tells its share, 0 to 1, which appears only where it takes long.

    What it gives takes the share and, where the text changes on the way, the text of now.
    """
    slot, began = st.empty(), time.perf_counter()

    def told(share: float, said: str = text) -> None:
        if time.perf_counter() - began > patience:
            slot.progress(min(share, 1.0), said)

    yield told
    slot.empty()


def oracle(runs: pd.DataFrame) -> None:
    """A line on the oracle of the phantoms that these runs were trained on, behind *Numbers*; nothing for others."""
    if text := data_set.oracle_in_words(runs):
        with frame.numbers():
            st.caption(text)


def command(text: str, store: Store) -> None:
    """A script's command line with a button that copies it; names the store where it is not the project's own."""
    commands([text], store)


def commands(texts: Sequence[str], store: Store) -> None:
    """Several of `command`, copied at once."""
    own = store.key == Store(PROJECT_ROOT / "runs" / "store.duckdb").key
    flag = "" if own else f" --store {shlex.quote(store.key)}"
    # without a language: Streamlit's colours for code are too pale on white
    st.code("\n".join(text + flag for text in texts), language=None, wrap_lines=True)
