"""The power cap, and what running work draws."""

from __future__ import annotations

import click

from suanli_cli import text
from suanli_cli.answers import PowerCap
from suanli_cli.asking import Watts
from suanli_cli.frame import App, LazyGroup, command, pass_app
from suanli_cli.language import say

power = LazyGroup(
    "power",
    help=say("command.power"),
    no_args_is_help=True,
    sections={"section.commands": {"show": f"{__name__}:show", "cap": f"{__name__}:cap"}},
)


@command("power.show")
@pass_app
def show(app: App) -> None:
    """Print what is drawn, and the cap."""
    found = app.client().power_cap()
    app.answer(found, lambda: _text(found))


@command("power.cap")
@click.argument("watts", type=Watts())
@pass_app
def cap(app: App, watts: int) -> None:
    """Set the cap, or lift it."""
    made = app.client().set_power_cap({"watts": watts})
    told = {"cap": text.power(made["watts"])} if made["watts"] else {}
    app.answer(made, lambda: say("power.cap" if told else "power.uncapped", **told))


def _text(found: PowerCap) -> str:
    watts, drawn = found["watts"], text.power(found["drawn_watts"])
    lines = [say("power.drawn", drawn=drawn)]
    lines.append(say("power.cap", cap=text.power(watts)) if watts else say("power.uncapped"))
    if found["unknown_cpus"] or found["unknown_devices"]:
        cpus = text.amount(found["unknown_cpus"])
        lines.append(say("power.unknown", cpus=cpus, devices=found["unknown_devices"]))
    return "\n".join(lines)
