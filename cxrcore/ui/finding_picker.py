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


def chosen_finding(findings: Sequence[str]) -> str | None:
    """The finding that the link or the page itself names, None for all; after `stop_at_unknown_finding`."""
    chosen = st.session_state.get(FINDING)
    text = chosen if chosen in _choices(findings) else st.query_params.get(FINDING, ALL)
    return None if means_all(text) else one_of(findings, text)


def finding_picker(findings: Sequence[str], width: int = 220) -> None:
    """The control that chooses one of the findings, or all; `chosen_finding` says which."""
    st.selectbox("Finding", _choices(findings), **in_link(FINDING), width=width, label_visibility="collapsed",
                 help="All findings small, side by side, or one large.")


def steps(findings: Sequence[str], finding: str) -> None:
    """Back to all findings, and to the finding before and the one after, around the control that chooses one."""
    at = findings.index(finding)
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.button("All findings", key="back_to_all", on_click=show_all, icon=":material/apps:")
        for by, icon in ((-1, ":material/arrow_back:"), (1, ":material/arrow_forward:")):
            other = findings[(at + by) % len(findings)]
            st.button(display_name(other), key=f"step_{by}", on_click=show_finding, args=(other,), type="tertiary",
                      icon=icon, icon_position="left" if by < 0 else "right")


def show_all() -> None:
    """Lead back to all findings; for buttons."""
    st.session_state[FINDING] = ALL


def show_finding(finding: str) -> None:
    """Lead to another finding; for buttons."""
    st.session_state[FINDING] = display_name(finding)


def _choices(findings: Sequence[str]) -> list[str]:
    return [ALL, *map(display_name, findings)]
