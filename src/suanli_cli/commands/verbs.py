"""Changing work that was submitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from suanli_cli.answers import Changed
from suanli_cli.errors import UsageMistake
from suanli_cli.frame import App, Reference, Whole, command, option, pass_app
from suanli_cli.language import say

_refs = click.argument("refs", nargs=-1, required=True, type=Reference(), metavar="REF...")


def _apply(app: App, refs: Sequence[str], change: Callable[[str], Changed]) -> None:
    """Do it to each; ``--json`` gives one line for each."""
    for ref in refs:
        changed = change(ref)
        app.answer(changed, lambda ref=ref, changed=changed: _text(ref, changed))  # type: ignore[misc]


def _text(ref: str, changed: Changed) -> str:
    if not changed["changed"]:
        return say("verb.unchanged", ref=ref)
    if len(changed["changed"]) == 1:
        return say("verb.changed", ref=ref)
    return say("verb.changed_many", ref=ref, count=len(changed["changed"]))


def _verb(name: str) -> click.Command:
    @command(name)
    @_refs
    @pass_app
    def verb(app: App, refs: tuple[str, ...]) -> None:
        client = app.client()
        _apply(app, refs, lambda ref: client.change(ref, name))

    return verb


cancel, hold, release, requeue = map(_verb, ("cancel", "hold", "release", "requeue"))


@command("signal")
@click.argument("signal_name", metavar="SIGNAL")
@_refs
@pass_app
def signal(app: App, signal_name: str, refs: tuple[str, ...]) -> None:
    """Send each a signal."""
    client = app.client()
    wanted = int(signal_name) if signal_name.isdecimal() else signal_name.upper().removeprefix("SIG")
    _apply(app, refs, lambda ref: client.signal(ref, wanted))


@command("update")
@_refs
@option("-t", "--time", metavar="DURATION", says="update.time")
@option("--priority", type=Whole(None), metavar="N", says="update.priority")
@option("--qos", metavar="NAME", says="update.qos")
@pass_app
def update(app: App, refs: tuple[str, ...], time: str | None, priority: int | None, qos: str | None) -> None:
    """Change each."""
    given: dict[str, Any] = {"time_limit": time, "priority": priority, "qos": qos}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageMistake(say("error.no_change"))
    client = app.client()
    _apply(app, refs, lambda ref: client.update(ref, changes))
