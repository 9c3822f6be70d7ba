"""Everything that happens, as it is recorded."""

from __future__ import annotations

import json
import sys
from typing import Any

from suanli_cli import text
from suanli_cli.frame import App, Whole, command, option, pass_app


@command("events")
@option("-f", "--follow", is_flag=True, says="events.follow")
@option("--after", type=Whole(), default=0, metavar="SEQ", says="events.after")
@option("--workload", type=Whole(1), metavar="ID", says="events.workload")
@pass_app
def events(app: App, follow: bool, after: int, workload: int | None) -> None:
    """Print facts, one line each."""
    for event in app.client().events(after=after, workload=workload, follow=follow):
        sys.stdout.write((json.dumps(event, ensure_ascii=False) if app.json else _line(event)) + "\n")
        sys.stdout.flush()


def _line(event: dict[str, Any]) -> str:
    workload = event["workload"] or ""
    return f"{event['seq']:>7}  {text.instant(event['at'])}  {event['type']:<18} {workload:<8} {event['actor']}"
