"""The workbench for many stores from one process: `python -m tests.made.many_stores FOLDER run app.py`.

Who comes to http://NAME.localhost:PORT gets the store whose path stands in the file FOLDER/NAME; all else is what
`streamlit run app.py` shows. So tests of a process share a server, which imports everything once.
"""

import sys
from pathlib import Path

import streamlit as st
from streamlit.web import cli

from cxrcore.ui import shell


def main(folder: Path) -> None:
    """Run Streamlit with what is left of the command line."""

    def store_of_the_address() -> Path:
        return Path((folder / st.context.headers["Host"].split(".")[0]).read_text())

    shell.default_store = store_of_the_address  # in place of the one that reads the environment
    sys.exit(cli.main(prog_name="streamlit"))


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
