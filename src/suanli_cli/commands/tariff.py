"""What the center costs."""

from __future__ import annotations

from typing import Any

from suanli_cli import text
from suanli_cli.answers import Tariff, Tariffs
from suanli_cli.asking import Pair
from suanli_cli.commands.reservations import Moment
from suanli_cli.frame import App, LazyGroup, command, option, pass_app
from suanli_cli.language import say

tariff = LazyGroup(
    "tariff",
    help=say("command.tariff"),
    no_args_is_help=True,
    sections={"section.commands": {"show": f"{__name__}:show", "set": f"{__name__}:set_tariff"}},
)


@command("tariff.show")
@pass_app
def show(app: App) -> None:
    """Print the prices, and those to come."""
    found = app.client().tariff()
    app.answer(found, lambda: _shown(found))


@command("tariff.set")
@option("--currency", metavar="WORD", required=True, says="tariff.currency")
@option("--cpu-hour", metavar="PRICE", says="tariff.cpu_hour")
@option("--memory-gib-hour", metavar="PRICE", says="tariff.memory_gib_hour")
@option("--disk-gb-hour", metavar="PRICE", says="tariff.disk_gb_hour")
@option("--device-hour", type=Pair("=", "MODEL=PRICE"), multiple=True, says="tariff.device_hour")
@option("--class-hour", type=Pair("=", "CLASS=PRICE"), multiple=True, says="tariff.class_hour")
@option("--from", "valid_from", type=Moment(), metavar="TIME", says="tariff.from")
@pass_app
def set_tariff(app: App, /, **asked: Any) -> None:
    """Let these be the prices, whole: what is not said costs nothing, but for devices."""
    body = {name: value for name, value in asked.items() if value not in (None, ())}
    for name in ("device_hour", "class_hour"):
        if name in body:
            body[name] = dict(body[name])
    made = app.client().set_tariff(body)
    app.answer(made, lambda: _version(made))


def _shown(found: Tariffs) -> str:
    current = found["current"]
    parts = [say("tariff.none") if current is None else _version(current)]
    return "\n\n".join([*parts, *map(_version, found["coming"])])


def _version(one: Tariff) -> str:
    heading = say("tariff.version", version=one["version"], start=text.instant(one["valid_from"]))
    amounts = [(say(f"tariff_of.{name}"), one[name]) for name in ("cpu_hour", "memory_gib_hour", "disk_gb_hour")]
    classes = [(say("tariff_of.class", name=name), price) for name, price in one["class_hour"].items()]
    rows = [[what, price, one["currency"]] for what, price in (*amounts, *one["device_hour"].items(), *classes)]
    headings = [say(f"column.{name}") for name in ("an_hour_of", "price", "currency")]
    return f"{heading}\n{text.table(headings, rows, right=(1,))}"
