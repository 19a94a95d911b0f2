"""The dashboard itself as what is killed: a visitor renames a run through its pages meanwhile."""

import contextlib
import json
import os
import signal
import socket
import threading

from click.exceptions import Abort
from killed_work import Home, Subject
from page_session import PageSession, wait_for

from cxrcore.config import PROJECT_ROOT

RENAMES = 6
_NAMES = "renamed.jsonl"


def serve_and_rename(home: Home, number: int) -> None:
    """Serve the home's store until a visitor has given a run several names; what the page confirmed is noted."""
    from streamlit.web import cli

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.chdir(PROJECT_ROOT)
    os.environ["CXR_STORE"] = home.store.key
    said: list[BaseException] = []
    threading.Thread(target=_rename, args=(home, number, port, said), daemon=True).start()
    with contextlib.suppress(Abort):  # a Ctrl-C ends it
        cli.main(["run", "app.py", "--server.headless", "true", "--server.port", str(port)], standalone_mode=False)
    if said:
        raise said[0]


def rename(session: PageSession, run_id: str, name: str) -> list[str]:
    """Give a run a name through the page Runs; returns the page's errors."""
    seen = session.open("runs", f"run={run_id}")
    note, field = seen.widget("text_area", f"manage_note_{run_id}"), seen.widget("text_input", f"manage_name_{run_id}")
    session.act(note=(note.id, "string_value", note.default), name=(field.id, "string_value", name),
                save=(seen.widget("button", "manage_save").id, "trigger_value", True))
    return session.seen.errors


def _rename(home: Home, number: int, port: int, said: list[BaseException]) -> None:
    try:
        wait_for(f"http://localhost:{port}")
        run_id = run_to_rename(home)
        with PageSession(f"http://localhost:{port}") as session, (home.folder / _NAMES).open("a", buffering=1) as file:
            for place in range(RENAMES):
                name = f"renamed {number}.{place}"
                print(json.dumps(["asked", name]), file=file)
                errors = rename(session, run_id, name)
                assert not errors, errors
                print(json.dumps(["done", name]), file=file)
    except BaseException as error:
        said.append(error)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def run_to_rename(home: Home) -> str:
    """The oldest imported run, whose names are nobody else's matter."""
    runs = home.store.runs()
    return runs.loc[runs["kind"] == "imported", "run_id"].iloc[-1]


def mend_dashboard(home: Home, number: int) -> None:
    """The run has the name that was confirmed last, or the one that was asked for after it."""
    lines = (home.folder / _NAMES).read_text().splitlines() if (home.folder / _NAMES).exists() else []
    told = [json.loads(line) for line in lines if line.endswith("]")]
    asked, done = ([name for kind, name in told if kind == wanted] for wanted in ("asked", "done"))
    name = home.store.run(run_to_rename(home))["name"]
    if asked:
        assert name in {asked[-1], *done[-1:]} or not done, f"{name}; confirmed {done[-1:]}, asked {asked[-1:]}"
        with (home.folder / _NAMES).open("a") as file:  # one that was saved and not confirmed stands now
            print(json.dumps(["done", name]), file=file)


DASHBOARD = Subject("dashboard", serve_and_rename, mend_dashboard)
