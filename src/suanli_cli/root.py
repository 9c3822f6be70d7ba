"""The table of commands."""

from __future__ import annotations

import click

from suanli_cli import __version__
from suanli_cli.frame import LazyGroup
from suanli_cli.language import say

_HERE = "suanli_cli.commands"


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"suanli {__version__}")
        ctx.exit()


root = LazyGroup(
    "suanli",
    help=say("command"),
    no_args_is_help=True,
    sections={
        "section.work": {
            "submit": f"{_HERE}.submit:submit",
            "run": f"{_HERE}.submit:run",
            "ps": f"{_HERE}.look:ps",
            "show": f"{_HERE}.look:show",
            "why": f"{_HERE}.look:why",
            "logs": f"{_HERE}.logs:logs",
            "outputs": f"{_HERE}.outputs:outputs",
            "cancel": f"{_HERE}.verbs:cancel",
            "hold": f"{_HERE}.verbs:hold",
            "release": f"{_HERE}.verbs:release",
            "requeue": f"{_HERE}.verbs:requeue",
            "signal": f"{_HERE}.verbs:signal",
            "update": f"{_HERE}.verbs:update",
            "what-if": f"{_HERE}.what_if:what_if",
        },
        "section.center": {
            "top": f"{_HERE}.top:top",
            "nodes": f"{_HERE}.center:nodes",
            "devices": f"{_HERE}.center:devices",
            "drain": f"{_HERE}.center:drain",
            "resume": f"{_HERE}.center:resume",
            "queues": f"{_HERE}.center:queues",
            "license": f"{_HERE}.quotas:license_",
            "power": f"{_HERE}.power:power",
            "tariff": f"{_HERE}.tariff:tariff",
            "reservation": f"{_HERE}.reservations:reservation",
            "events": f"{_HERE}.events:events",
            "shares": f"{_HERE}.shares:shares",
            "usage": f"{_HERE}.shares:usage",
            "rates": f"{_HERE}.rates:rates",
        },
        "section.people": {
            "whoami": f"{_HERE}.people:whoami",
            "user": f"{_HERE}.people:user",
            "project": f"{_HERE}.shares:project",
            "quota": f"{_HERE}.quotas:quota",
            "qos": f"{_HERE}.qos:qos",
            "token": f"{_HERE}.people:token",
        },
        "section.server": {
            "up": f"{_HERE}.server:up",
            "down": f"{_HERE}.server:down",
            "status": f"{_HERE}.server:status",
            "completion": f"{_HERE}.completion:completion",
        },
    },
)
root.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help=say("option.version"),
    )
)
