"""One finding or all of them, as the link says: for every page that reads a finding."""

import streamlit as st

from cxrcore.errors import FindingError
from cxrcore.findings import FINDINGS, NO_FINDING, canonical, display_name
from cxrcore.ui import widgets
from cxrcore.ui.link import forget, in_link

ALL = "All 14"
FINDING = "finding"  # the picker's key, and so its name in the link
CHOICES = (ALL, *map(display_name, FINDINGS))


def stop_at_unknown_finding() -> None:
    """End the page at a link to a finding that there is not; call before the picker, which would show all instead."""
    text = st.query_params.get(FINDING, ALL)
    if text in CHOICES:
        return
    if text.lower() == NO_FINDING.lower():  # chosen on the Data page
        st.session_state[FINDING] = ALL
        return
    try:
        show_finding(canonical(text))  # 'Pleural_Thickening' and the like
    except FindingError as error:
        st.error(widgets.escape(f"The link names an {error}."), icon=":material/link_off:")
        st.button("Show all 14 findings", on_click=forget, args=(FINDING,))
        st.stop()


def finding_picker() -> str | None:
    """Choose one finding, or all (None)."""
    text = st.selectbox("Finding", CHOICES, **in_link(FINDING), width=220,
                        help="All findings small, side by side, or one large.")
    return None if text == ALL else canonical(text)


def show_finding(finding: str) -> None:
    """Lead to another finding; for buttons."""
    st.session_state[FINDING] = display_name(finding)
