"""The center at a glance, drawn again and again."""

from __future__ import annotations

import json
import sys
import time
from itertools import count
from typing import Any

import click

from suanli_cli import text
from suanli_cli.client import Client
from suanli_cli.commands.center import nodes_text
from suanli_cli.frame import App, Whole, command, option, pass_app
from suanli_cli.language import say

_ACTIVE = ("starting", "running", "ending")
_ROWS = 100


@command("top")
@option("-d", "--delay", type=Whole(1), default=2, metavar="SECONDS", says="top.delay")
@option("-n", "--times", type=Whole(1), metavar="N", says="top.times")
@pass_app
def top(app: App, delay: int, times: int | None) -> None:
    """Draw until stopped; into a pipe, once unless told more often."""
    client = app.client()
    if app.json or not sys.stdout.isatty():
        for turn in count(1):
            found = _look(client)
            click.echo(json.dumps(found, ensure_ascii=False) if app.json else _text(found))
            # Into a pipe one picture is enough unless more are asked for.
            if turn == (times or 1):
                return
            time.sleep(delay)
    from rich.live import Live
    from rich.text import Text

    with Live(screen=True, auto_refresh=False) as screen:
        for turn in count(1):
            screen.update(Text(_text(_look(client)), no_wrap=True, overflow="crop"), refresh=True)
            if turn == times:
                return
            time.sleep(delay)


def _look(client: Client) -> dict[str, Any]:
    return {
        "nodes": client.nodes(),
        "counts": {"by_state": client.counts({})},
        "workloads": client.workloads({"state": _ACTIVE}, limit=_ROWS),
    }


def _text(found: dict[str, Any]) -> str:
    rows = [
        [
            item["ref"],
            item["name"],
            item["owner"],
            text.state(item["state"]),
            text.between(item["started_at"], item["ended_at"]),
            ",".join(item["nodes"]),
        ]
        for item in found["workloads"]["items"]
    ]
    headings = [say(f"column.{name}") for name in ("id", "name", "owner", "state", "time", "nodes")]
    return "\n".join(
        [text.counts(found["counts"]["by_state"]), "", nodes_text(found["nodes"]), "", text.table(headings, rows)]
    )
