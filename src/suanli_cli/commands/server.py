"""The person's own server: start, stop, and how it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from suanli_cli import text
from suanli_cli.client import Client
from suanli_cli.connection import read_connection, state_directory
from suanli_cli.errors import CliError
from suanli_cli.frame import App, Whole, command, option, pass_app
from suanli_cli.language import say
from suanli_cli.server_process import ServerProcess
from suanli_cli.transport import Transport

_ACTIVE = ("starting", "running", "ending")
_home = option("--home", metavar="DIR", says="server.home")
_timeout = option("--timeout", type=Whole(1), default=60, metavar="SECONDS", says="server.timeout")


def _directory(app: App, home: str | None) -> Path:
    return Path(home).absolute() if home else state_directory(app.environment)


@command("up")
@_home
@option("--port", type=Whole(), default=0, metavar="PORT", says="server.port")
@_timeout
@pass_app
def up(app: App, home: str | None, port: int, timeout: int) -> None:
    """Start the server unless it is up, and print where it is."""
    server = ServerProcess(_directory(app, home))
    running = server.pid() is not None
    connection = server.wait_ready(timeout) if running else server.start(port, timeout)
    answer = {"url": connection.url, "home": str(server.home), "pid": server.pid(), "started": not running}
    app.answer(answer, lambda: say("server.already" if running else "server.up", **answer))


@command("down")
@_home
@_timeout
@pass_app
def down(app: App, home: str | None, timeout: int) -> None:
    """Stop the server and print what keeps running."""
    server = ServerProcess(_directory(app, home))
    pid = server.pid()
    if pid is None:
        app.answer({"stopped": False, "running": None}, lambda: say("server.not_up", home=server.home))
        return
    still = _active(server)
    server.stop(pid, timeout)
    words = {None: "server.down_unknown", 0: "server.down"}.get(still, "server.down_running")
    app.answer({"stopped": True, "running": still}, lambda: say(words, count=still))


@command("status")
@_home
@pass_app
def status(app: App, home: str | None) -> None:
    """Print what the server says of itself and the center."""
    client = app.client(_directory(app, home))
    client.ready()
    found = {
        "whoami": client.whoami(),
        "counts": {"by_state": client.counts({})},
        "engines": client.engines(),
        "nodes": client.nodes(),
    }
    app.answer(found, lambda: _status_text(found))


def _active(server: ServerProcess) -> int | None:
    """How many workloads have a run, which lives on without the server; None where the server cannot say."""
    try:
        connection = read_connection(server.home)
        if connection is None:
            return None
        with closing(Client(Transport(connection))) as client:
            return sum(client.counts({"state": _ACTIVE}).values())
    except CliError:
        # It is to be stopped even when it answers nobody.
        return None


def _status_text(found: dict[str, Any]) -> str:
    me, engines, nodes = found["whoami"], found["engines"]["items"], found["nodes"]["items"]
    named = {
        "user": f"{me['user']} ({me['role']})",
        "workloads": text.counts(found["counts"]["by_state"]),
        "engines": ", ".join(f"{item['name']} ({item['limits']}, {item['isolation']})" for item in engines),
        "nodes": say(
            "status.nodes",
            count=len(nodes),
            ready=sum(node["state"] == "ready" for node in nodes),
            used=text.amount(sum(node["allocated_cpus"] for node in nodes)),
            cpus=text.amount(sum(node["cpus"] for node in nodes)),
        ),
    }
    return text.fields({say(f"field.{name}"): value for name, value in named.items()})
