"""Advance reservations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from suanli_cli import text
from suanli_cli.frame import App, LazyGroup, command, option, pass_app
from suanli_cli.language import say

reservation = LazyGroup(
    "reservation",
    help=say("command.reservation"),
    no_args_is_help=True,
    sections={
        "section.commands": {
            "list": f"{__name__}:list_reservations",
            "set": f"{__name__}:set_reservation",
            "remove": f"{__name__}:remove_reservation",
        }
    },
)


class Moment(click.ParamType[str]):
    """``2026-12-01T08:00``, in the reader's own time zone unless it names one; ``now``."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            moment = datetime.now(UTC) if value == "now" else datetime.fromisoformat(str(value)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(say("usage.form", value=value, form="2026-12-01T08:00"), param, ctx)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@command("reservation.list")
@pass_app
def list_reservations(app: App) -> None:
    """Print the reservations."""
    found = app.client().reservations()
    app.answer(found, lambda: _table(found["items"]))


@command("reservation.set")
@click.argument("name")
@option("--start", type=Moment(), required=True, metavar="TIME", says="reservation.start")
@option("--end", type=Moment(), required=True, metavar="TIME", says="reservation.end")
@option("--node", "nodes", metavar="NAME", multiple=True, required=True, says="reservation.node")
@option("--project", "projects", metavar="NAME", multiple=True, says="reservation.project")
@option("--user", "users", metavar="USER", multiple=True, says="reservation.user")
@option("--reason", metavar="TEXT", default="", says="reservation.reason")
@pass_app
def set_reservation(app: App, /, name: str, start: str, end: str, **asked: Any) -> None:
    """Set nodes aside, and print what still runs there then."""
    is_for_some = asked["projects"] or asked["users"]
    body = {
        "starts_at": start,
        "ends_at": end,
        "purpose": "use" if is_for_some else "maintenance",
        **{field: list(dict.fromkeys(asked[field])) for field in ("nodes", "projects", "users")},
        "reason": asked["reason"],
    }
    made = app.client().set_reservation(name, body)
    app.answer(made, lambda: _made(made))


@command("reservation.remove")
@click.argument("name")
@pass_app
def remove_reservation(app: App, name: str) -> None:
    """Set nothing aside any more."""
    app.client().remove_reservation(name)
    app.answer({"name": name}, lambda: say("reservation.removed", name=name))


def _made(made: dict[str, Any]) -> str:
    times = {"start": text.instant(made["starts_at"]), "end": text.instant(made["ends_at"])}
    told = say("reservation.set", name=made["name"], nodes=len(made["nodes"]), **times)
    overlapping = made["overlapping_runs"]
    return told if not overlapping else f"{told}\n{say('reservation.overlap', runs=' '.join(overlapping))}"


def _table(items: list[dict[str, Any]]) -> str:
    if not items:
        return say("reservation.none")
    rows = [
        [
            item["name"],
            text.instant(item["starts_at"]),
            text.instant(item["ends_at"]),
            " ".join(item["nodes"]),
            _whom(item),
            " ".join(item["overlapping_runs"]),
            item["reason"],
        ]
        for item in items
    ]
    headings = ("reservation", "start", "end", "nodes", "whom", "overlapping", "reason")
    return text.table([say(f"column.{name}") for name in headings], rows)


def _whom(item: dict[str, Any]) -> str:
    if item["purpose"] == "maintenance":
        return say("reservation.nobody")
    return " ".join([*item["projects"], *(say("reservation.of_user", user=user) for user in item["users"])])
