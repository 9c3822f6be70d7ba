"""Where the server is and with what token to speak to it.

Sources, the first that is given wins. Address: ``--server``, ``SUANLI_SERVER``, the connection file. Token:
``SUANLI_TOKEN``, ``SUANLI_TOKEN_FILE``, the connection file (only for the very server that wrote it). There is no
option that takes a token, because every user of a machine can read the arguments of its processes.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suanli_cli.errors import NoServer, UsageMistake
from suanli_cli.language import say


@dataclass(frozen=True, slots=True)
class Connection:
    """The server's address (``http`` or ``https``, no trailing slash) and the bearer token, empty if there is none."""

    url: str
    token: str


def state_directory(environment: Mapping[str, str]) -> Path:
    """The folder in which a person's own server keeps its state: ``SUANLI_HOME``, else by the XDG rules.

    Root's server serves the machine: its state lies where the accounts that run work can pass.
    """
    if environment.get("SUANLI_HOME"):
        return Path(environment["SUANLI_HOME"]).absolute()
    data = environment.get("XDG_DATA_HOME", "")
    # The XDG specification: a relative path there is to be ignored.
    own = Path("/var/lib") if os.geteuid() == 0 else Path.home() / ".local" / "share"
    base = Path(data) if data.startswith("/") else own
    return base / "suanli"


def connection_file(home: Path) -> Path:
    """Where a running server says how to reach it."""
    return home / "connection.json"


def read_connection(home: Path) -> Connection | None:
    """What the server at ``home`` says of itself; None when none runs there.

    Raises:
        UsageMistake: others may read the file, or it holds something else.
    """
    path = connection_file(home)
    if not path.exists():
        return None
    try:
        found = json.loads(_read_private(path))
        return Connection(str(found["url"]).rstrip("/"), str(found["token"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageMistake(say("error.connection_file", path=path), say("hint.restart")) from error


def find_connection(server: str, home: Path, environment: Mapping[str, str]) -> Connection:
    """Settle the address and the token from everything the person gave.

    Raises:
        NoServer: none is named and none runs at ``home``.
        UsageMistake: the address is none, or a file that holds a token is not private.
    """
    url = (server or environment.get("SUANLI_SERVER", "")).rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise UsageMistake(say("error.server_address", url=url), say("hint.server_address"))
    token = environment.get("SUANLI_TOKEN", "")
    if not token and environment.get("SUANLI_TOKEN_FILE"):
        token = _read_private(Path(environment["SUANLI_TOKEN_FILE"]))
    if url and token:
        return Connection(url, _checked(token))
    written = read_connection(home)
    if not url and written is None:
        raise NoServer(say("error.no_server"), say("hint.up"))
    if not url and written is not None:
        url = written.url
    if not token and written is not None and written.url == url:
        token = written.token
    return Connection(url, _checked(token))


def _checked(token: str) -> str:
    token = token.strip()
    if not token.isascii() or any(character.isspace() for character in token):
        raise UsageMistake(say("error.token_shape"))
    return token


def _read_private(path: Path) -> str:
    """The text of a file that only its owner can read, judged on the opened file so that no swap fools the check."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageMistake(say("error.not_private", path=path), say("hint.chmod", path=path))
            return file.read()
    except OSError as error:
        raise UsageMistake(say("error.unreadable", path=path, why=error.strerror)) from error
