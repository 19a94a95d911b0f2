"""An nginx of the tests' own, with a server block as the docs give it, and visitors of other networks."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cxrcore.config import PROJECT_ROOT

PATIENCE = 20  # seconds
UNCHECKED = ssl._create_unverified_context()  # its certificate is its own
_WHOLE = """
pid {folder}/pid;
error_log {folder}/errors;
daemon off;
{user}
events {{}}
http {{
    log_format of_tests '$remote_addr $upstream_addr $status $request_uri';
    access_log {folder}/asked of_tests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running web server in front of several.

    Attributes:
        port: where it speaks TLS.
        folder: with what it wrote.
    """

    port: int
    folder: Path

    def servers_of(self, visitor: str) -> list[str]:
        """'host:port' of the server that answered, for each request of a visitor's address that has ended."""
        lines = [line.split(" ", 3) for line in (self.folder / "asked").read_text().splitlines()]
        return [server for address, server, _, _ in lines if address == visitor]

    def server_of(self, visitor: str) -> str:
        """The one that has answered a visitor so far; nginx tells of an answer a moment after it has gone out."""
        end = time.monotonic() + PATIENCE
        while not (answered := set(self.servers_of(visitor))):
            assert time.monotonic() < end, f"nginx tells of no answer to {visitor}"
            time.sleep(0.05)
        (server,) = answered
        return server


def documented(page: Path, servers: Sequence[int], port: int, folder: Path) -> str:
    """The block of a page of docs, with other ports and a certificate of the tests' own."""
    block = page.read_text().split("```nginx\n")[1].split("```")[0]
    changed = {"10.0.0.11:8501": f"127.0.0.1:{servers[0]}", "10.0.0.12:8501": f"127.0.0.1:{servers[1]}",
               "listen 443 ssl": f"listen 127.0.0.1:{port} ssl", "/etc/ssl/cxr.pem": f"{folder}/own.pem",
               "/etc/ssl/cxr.key": f"{folder}/own.key"}
    for old, new in changed.items():
        assert block.count(old) == 1, f"{old} does not stand once in the block of {page.name}"
        block = block.replace(old, new)
    return block


@contextlib.contextmanager
def running(folder: Path, servers: Sequence[int]) -> Iterator[Nginx]:
    """It, for as long as the block runs; skips with the reason where it cannot start.

    Args:
        folder: empty.
        servers: ports of the two that it stands before.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("no nginx, or no openssl, on this machine (Debian: apt-get install nginx-light openssl)")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", "own.key", "-out", "own.pem"], cwd=folder, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_WHOLE.format(folder=folder, user=user, documented=documented(
        PROJECT_ROOT / "docs" / "team.md", servers, port, folder)))
    server = subprocess.Popen([program, "-e", folder / "errors", "-p", folder, "-c", folder / "nginx.conf"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        if not _listens(server, port):
            pytest.skip(f"nginx cannot be started here: {(server.communicate()[0] or '').strip()[-300:]}")
        yield Nginx(port, folder)
    finally:
        server.terminate()
        server.wait(30)


def _listens(server: subprocess.Popen, port: int) -> bool:
    until = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def from_network(visitor: str, port: int) -> Iterator[str]:
    """https://localhost:PORT of a port behind which all that is asked comes to another port from this address.

    Args:
        visitor: of 127.0.0.0/8.
    """
    with socket.create_server(("127.0.0.1", 0)) as ear:
        threading.Thread(target=_listen, args=(ear, visitor, port), daemon=True).start()
        yield f"https://localhost:{ear.getsockname()[1]}"


def _listen(ear: socket.socket, visitor: str, port: int) -> None:
    while True:
        try:
            near, _ = ear.accept()
        except OSError:  # it was closed
            return
        threading.Thread(target=_carry_on, args=(near, visitor, port), daemon=True).start()


def _carry_on(near: socket.socket, visitor: str, port: int) -> None:
    """One connection, both ways, until both have ended."""
    with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 30, (visitor, 0)) as far:
        far.settimeout(None)
        back = threading.Thread(target=_carry, args=(far, near), daemon=True)
        back.start()
        _carry(near, far)
        back.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def is_well(address: str) -> bool:
    """Whether a workbench answers there."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=30,
                                                              context=UNCHECKED) as answer:
        return answer.status == 200
    return False
