"""Rates that finished work reached."""

from __future__ import annotations

from typing import Any

from suanli_cli import text
from suanli_cli.devices import format_operations
from suanli_cli.frame import App, command, pass_app
from suanli_cli.language import say


@command("rates")
@pass_app
def rates(app: App) -> None:
    """Print what was learned."""
    found = app.client().rates()
    app.answer(found, lambda: _text(found))


def _text(found: dict[str, Any]) -> str:
    assumed = say("rates.efficiency", part=f"{found['efficiency']:.0%}")
    if not found["items"]:
        return f"{say('rates.none')}; {assumed}"
    rows = [
        [
            item["application"] or f"{item['project']}/{item['owner']}/{item['name']}",
            "+".join(item["precisions"]),
            item["model"],
            f"{format_operations(item['rate'])}F",
            f"{format_operations(item['nominal'])}F" if item["nominal"] else "",
            f"{item['rate'] / item['nominal']:.0%}" if item["nominal"] else "",
            str(item["runs"]),
        ]
        for item in found["items"]
    ]
    headings = ["class", "precisions", "model", "measured", "nominal", "reached", "runs"]
    shown = text.table([say(f"column.{name}") for name in headings], rows, right=(3, 4, 5, 6))
    return f"{shown}\n{assumed}"
