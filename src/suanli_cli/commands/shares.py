"""Projects, who is owed how much, and what was held."""

from __future__ import annotations

from typing import Any

import click

from suanli_cli import text
from suanli_cli.frame import App, LazyGroup, Whole, Word, command, option, pass_app
from suanli_cli.language import say

APART = ("day", "project", "owner", "qos")

project = LazyGroup(
    "project",
    help=say("command.project"),
    no_args_is_help=True,
    sections={"section.commands": {"set": f"{__name__}:set_project", "list": f"{__name__}:list_projects"}},
)


@command("project.set")
@click.argument("name")
@option("--member", "members", metavar="USER", multiple=True, says="project.member")
@option("--shares", type=Whole(0), default=1, metavar="N", says="project.shares")
@pass_app
def set_project(app: App, name: str, members: tuple[str, ...], shares: int) -> None:
    """Make a project, or let it be otherwise."""
    made = app.client().set_project(name, {"members": sorted(set(members)), "shares": shares})
    app.answer(made, lambda: say("project.set", name=name, members=len(made["members"]), shares=made["shares"]))


@command("project.list")
@pass_app
def list_projects(app: App) -> None:
    """Print the projects."""
    found = app.client().projects()
    rows = [[item["name"], str(item["shares"]), " ".join(item["members"])] for item in found["items"]]
    headings = [say(f"column.{name}") for name in ("project", "shares", "members")]
    app.answer(found, lambda: text.table(headings, rows, right=(1,)))


@command("shares")
@pass_app
def shares(app: App) -> None:
    """Print how projects and their members stand."""
    found = app.client().shares()
    app.answer(found, lambda: _shares_text(found))


@command("usage")
@option("--by", type=Word(APART), multiple=True, says="usage.by")
@option("--since", metavar="DAY", says="usage.since")
@option("--until", metavar="DAY", says="usage.until")
@option("--project", metavar="NAME", says="ps.project")
@option("--owner", metavar="USER", says="ps.owner")
@pass_app
def usage(app: App, /, **which: Any) -> None:
    """Print what was held."""
    found = app.client().usage(which)
    app.answer(found, lambda: _usage_text(found))


def _shares_text(found: dict[str, Any]) -> str:
    if not found["items"]:
        return say("shares.none")
    rows = [
        [
            item["project"] if item["owner"] is None else f"  {item['owner']}",
            _percent(item["share"]),
            _percent(item["held"]),
            f"{item['factor']:.2f}",
            text.duration(item["credit"]),
        ]
        for item in found["items"]
    ]
    headings = [say(f"column.{name}") for name in ("project", "share", "held", "factor", "credit")]
    return text.table(headings, rows, right=(1, 2, 3, 4))


def _usage_text(found: dict[str, Any]) -> str:
    days = say("usage.days", since=found["since"], until=found["until"])
    if not found["items"]:
        return f"{days}: {say('usage.none')}"
    apart = [name for name in APART if any(item[name] is not None for item in found["items"])]
    amounts = ("cpu_hours", "memory_gib_hours", "device_hours")
    rows = [
        [*(item[name] for name in apart), str(item["runs"]), *(f"{item[name]:.2f}" for name in amounts)]
        for item in found["items"]
    ]
    headings = [say(f"column.{name}") for name in (*apart, "runs", *amounts)]
    return f"{days}\n{text.table(headings, rows, right=range(len(apart), len(headings)))}"


def _percent(part: float) -> str:
    return f"{100 * part:.1f}%"
