"""A PostgreSQL server of the tests' own: a free port and a folder of its own, and nothing that outlives them."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from cxrcore.store import Store

USER = "postgres"  # whom Debian's package makes; the server refuses to run as root
QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40",
         "autovacuum=off")  # a server that is killed loses nothing by it, only a machine without power would


@dataclass(frozen=True)
class Postgres:
    """A server.

    Attributes:
        folder: with `data` and the log.
    """

    programs: Path
    folder: Path
    port: int

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = " ".join(f"-c {one}" for one in (*QUICK, f"port={self.port}", "listen_addresses=127.0.0.1",
                                                   f"unix_socket_directories={self.folder}"))
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "60", "-o", options,
                  "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; 'immediate' as if it were killed."""
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def address(self, schema: str, films: Path, user: str = USER) -> str:
        """Of a store whose tables lie in a schema of their own."""
        return (f"postgresql://{user}@127.0.0.1:{self.port}/postgres?films={quote(str(films))}"
                f"&options={quote(f'-csearch_path={schema}')}")

    def sql(self, *statements: str) -> str:
        """Do statements by the server's own client; returns what it prints."""
        return self._run("psql", "-h", self.folder, "-p", str(self.port), "-Atq", "-v", "ON_ERROR_STOP=1",
                         *(word for one in statements for word in ("-c", one)))

    def store(self, films: Path, schema: str | None = None) -> Store:
        """A store in a new schema, and its folder."""
        schema = schema or f"s{uuid.uuid4().hex[:12]}"
        films.mkdir(parents=True, exist_ok=True)
        self.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        store = Store(self.address(schema, films))
        store.make()
        return store

    def _run(self, program: str, *words: object) -> str:
        done = subprocess.run([*_as_user(), str(self.programs / program), *map(str, words)], cwd="/", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}")
        return done.stdout.strip()


def _as_user() -> list[str]:
    return ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []


def _programs() -> Path | None:
    """Of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    own = shutil.which("initdb")
    return Path(own).parent if own else None


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server for as long as the block runs; skips with the reason where none can run."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    pytest.importorskip("psycopg", reason="the package psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="cxr-pg-"))
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Postgres(programs, folder, port)
    try:
        if os.geteuid() == 0:
            own = pwd.getpwnam(USER)
            os.chown(folder, own.pw_uid, own.pw_gid)
        server._run("initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                    "--no-sync")
        server.start()
    except (KeyError, OSError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL cannot be started here: {' '.join(str(error).split())[:200]}")
    try:
        yield server
    finally:
        with contextlib.suppress(RuntimeError):  # a test may have stopped it
            server.stop()
        time.sleep(0.05)
        shutil.rmtree(folder, ignore_errors=True)
