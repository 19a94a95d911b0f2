"""One finding or all of them, as the link says: for every page that reads a finding."""

from collections.abc import Sequence

import streamlit as st

from cxrcore.errors import FindingError
from cxrcore.findings import NO_FINDING, display_name, one_of
from cxrcore.ui import widgets
from cxrcore.ui.link import forget, in_link

ALL = "All findings"
FINDING = "finding"  # the picker's key, and so its name in the link
_AS_ALL = ("all 14", NO_FINDING.lower())  # in links of earlier versions, and of the Data page


def means_all(text: str | None) -> bool:
    """Whether what a link says of the finding means all of them: nothing, or a spelling of `ALL`."""
    return text is None or text == ALL or text.lower() in _AS_ALL


def stop_at_unknown_finding(findings: Sequence[str]) -> None:
    """End the page at a link to a finding that there is not; call before the picker, which would show all instead.

    Args:
        findings: those that can be chosen.
    """
    text = st.query_params.get(FINDING, ALL)
    if {text, st.session_state.get(FINDING)} & set(_choices(findings)):  # the latter by the page itself, just now
        return
    if means_all(text):
        st.session_state[FINDING] = ALL
        return
    try:
        show_finding(one_of(findings, text))  # 'Pleural_Thickening' and the like
    except FindingError as error:
        st.error(widgets.escape(f"The link names an {error}."), icon=":material/link_off:")
        st.button("Show all findings", on_click=forget, args=(FINDING,))
        st.stop()


def finding_picker(findings: Sequence[str]) -> str | None:
    """Choose one of the findings, or all (None)."""
    text = st.selectbox("Finding", _choices(findings), **in_link(FINDING), width=220,
                        help="All findings small, side by side, or one large.")
    return None if text == ALL else one_of(findings, text)


def show_finding(finding: str) -> None:
    """Lead to another finding; for buttons."""
    st.session_state[FINDING] = display_name(finding)


def _choices(findings: Sequence[str]) -> list[str]:
    return [ALL, *map(display_name, findings)]
