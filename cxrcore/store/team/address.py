"""What names a team's store: postgresql://user@host/database?films=/shared/folder.

All but `films` is PostgreSQL's own form of an address. It holds no password: that comes from ~/.pgpass, PGPASSWORD or
whatever else PostgreSQL's clients know, so that it is in no command, log, link or run.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cxrcore.errors import StoreError

_SCHEMES = ("postgresql:", "postgres:")
_STARTS = ("postgresql://", "postgres://")
_SECRETS = ("password", "sslpassword", "passfile")
_OTHER = re.compile(r"\s*[A-Za-z][\w+.-]+:/")  # two letters: one is a drive
_FORM = "postgresql://USER@HOST/DATABASE?films=/SHARED/FOLDER"


@dataclass(frozen=True)
class Address:
    """Where a team's store is.

    Attributes:
        database: the address of the database, as PostgreSQL's clients take it.
        films: the shared folder, absolute.
        title: 'database on host'.
    """

    database: str
    films: Path
    title: str

    @property
    def key(self) -> str:
        """The whole address."""
        return f"{self.database}{'&' if '?' in self.database else '?'}films={quote(str(self.films))}"


def is_one(url: object) -> bool:
    """Whether a text names a team's store, and no file."""
    return str(url).startswith(_SCHEMES)


def require_readable(url: object) -> None:
    """StoreError at an address of another form, which may hold a password: as a file's name it would be seen."""
    if _OTHER.match(str(url)):
        raise StoreError(f"the address of the store cannot be read: expected a file, or {_FORM}")


def parsed(url: str) -> Address:
    """The parts of an address.

    Raises:
        StoreError: it is none, or it holds a password; the text repeats neither.
    """
    try:
        if not url.startswith(_STARTS):
            raise ValueError(url)
        split = urlsplit(url)
        _ = split.port  # fails where it is no number
        told = parse_qsl(split.query, keep_blank_values=True)
    except ValueError:
        raise StoreError(f"the address of the team's store cannot be read: expected {_FORM}") from None
    if split.password is not None or any(name in _SECRETS for name, _ in told):
        raise StoreError("the address of the team's store holds a password, which would be seen in commands and logs: "
                         "put it in ~/.pgpass or PGPASSWORD")
    films = [value for name, value in told if name == "films"]
    database = unquote(split.path.lstrip("/"))
    if len(films) != 1 or not films[0].startswith("/") or "\0" in films[0] or not database or split.fragment:
        raise StoreError(f"the address of the team's store names no database, or no shared folder by its full path: "
                         f"expected {_FORM}")
    further = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(told) if name != "films")
    base = f"postgresql://{split.netloc}/{quote(database)}"
    host = split.hostname or dict(told).get("host") or "this machine"
    return Address(f"{base}?{further}" if further else base, Path(films[0]).resolve(),
                   f"{database} on {'this machine' if host.startswith('/') else host}")
