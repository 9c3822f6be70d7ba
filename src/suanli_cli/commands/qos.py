"""Qualities of service."""

from __future__ import annotations

from typing import Any

import click

from suanli_cli import text
from suanli_cli.asking import Number
from suanli_cli.frame import App, LazyGroup, Whole, command, option, pass_app
from suanli_cli.language import say

qos = LazyGroup(
    "qos",
    help=say("command.qos"),
    no_args_is_help=True,
    sections={
        "section.commands": {
            "list": f"{__name__}:list_qos",
            "set": f"{__name__}:set_qos",
            "remove": f"{__name__}:remove_qos",
        }
    },
)


@command("qos.list")
@pass_app
def list_qos(app: App) -> None:
    """Print the qualities of service."""
    found = app.client().qualities()
    app.answer(found, lambda: _table(found["items"]))


@command("qos.set")
@click.argument("name")
@option("--priority", type=Whole(None), metavar="N", says="qos.priority")
@option("--usage-factor", type=Number(), metavar="N", says="qos.usage_factor")
@option("--preemptible", is_flag=True, says="qos.preemptible")
@option("--user", "users", metavar="USER", multiple=True, says="qos.user")
@option("--project", "projects", metavar="NAME", multiple=True, says="qos.project")
@pass_app
def set_qos(app: App, /, name: str, **asked: Any) -> None:
    """Let a quality of service be this, whole."""
    body = {field: value for field, value in asked.items() if value is not None and value != () and value is not False}
    for who in ("users", "projects"):
        if who in body:
            body[who] = sorted(set(body[who]))
    made = app.client().set_qos(name, body)
    app.answer(made, lambda: _table([made]))


@command("qos.remove")
@click.argument("name")
@pass_app
def remove_qos(app: App, name: str) -> None:
    """Let no more work have it."""
    app.client().remove_qos(name)
    app.answer({"name": name}, lambda: say("qos.removed", name=name))


def _table(items: list[dict[str, Any]]) -> str:
    rows = [
        [
            item["name"],
            str(item["priority"]),
            text.amount(item["usage_factor"]),
            say("qos.gives_way") if item["preemptible"] else "",
            " ".join([*item["users"], *(f"@{name}" for name in item["projects"])]) or say("qos.everybody"),
        ]
        for item in items
    ]
    headings = [say(f"column.{name}") for name in ("qos", "priority", "factor", "gives_way", "whose")]
    return text.table(headings, rows, right=(1, 2))
