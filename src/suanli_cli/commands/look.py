"""Looking at work: the list, one workload whole, and why it stands where it stands."""

from __future__ import annotations

import json
from typing import Any

import click

from suanli_cli import text
from suanli_cli.answers import FINAL_STATES, LIVE_STATES, Explanation, Page, Run, Shown, Workload
from suanli_cli.asking import KINDS
from suanli_cli.client import Client
from suanli_cli.devices import format_device
from suanli_cli.frame import App, Reference, Whole, Word, command, option, pass_app
from suanli_cli.language import say

RECENTLY_ENDED = 10
"""How many ended workloads the plain list shows below the live ones."""


@command("ps")
@option("-s", "--state", type=Word((*LIVE_STATES, *FINAL_STATES)), multiple=True, says="ps.state")
@option("-A", "--all", "everybody", is_flag=True, says="ps.all")
@option("--owner", metavar="USER", says="ps.owner")
@option("--project", metavar="NAME", says="ps.project")
@option("-q", "--queue", metavar="NAME", says="ps.queue")
@option("--kind", type=Word(KINDS), multiple=True, says="ps.kind")
@option("--name", metavar="NAME", says="ps.name")
@option("--array", type=Whole(1), metavar="ID", says="ps.array")
@option("-n", "--limit", type=Whole(1), default=50, metavar="N", says="ps.limit")
@pass_app
def ps(app: App, /, everybody: bool, limit: int, state: tuple[str, ...], **which: Any) -> None:
    """Print the list."""
    client = app.client()
    if not everybody and not which["owner"]:
        which["owner"] = client.whoami()["user"]
    page = client.workloads({**which, "state": state}, limit=limit) if state else _live_and_recent(client, which, limit)
    app.answer(page, lambda: _page_text(page, everybody=everybody))


@command("show")
@click.argument("ref", type=Reference())
@pass_app
def show(app: App, ref: str) -> None:
    """Print one workload with its runs and its spec."""
    shown = app.client().show(ref)
    app.answer(shown, lambda: _shown_text(shown))


@command("why")
@click.argument("ref", type=Reference())
@pass_app
def why(app: App, ref: str) -> None:
    """Print the reasons."""
    explanation = app.client().why(ref)
    app.answer(explanation, lambda: _explanation_text(explanation))


def _live_and_recent(client: Client, which: dict[str, Any], limit: int) -> Page:
    live = client.workloads({**which, "state": LIVE_STATES}, limit=limit)
    room = min(RECENTLY_ENDED, limit - len(live["items"]))
    ended = client.workloads({**which, "state": FINAL_STATES}, limit=room) if room else None
    return {"items": live["items"] + (ended["items"] if ended else []), "next_cursor": live["next_cursor"]}


def _page_text(page: Page, *, everybody: bool) -> str:
    if not page["items"]:
        return say("ps.none")
    owner = ["column.owner"] if everybody else []
    headings = ["column.id", "column.name", *owner, "column.state", "column.time", "column.nodes", "column.reason"]
    rows = []
    for item in page["items"]:
        row = [item["ref"], item["name"], text.state(item["state"]), _elapsed(item)]
        if everybody:
            row.insert(2, item["owner"])
        rows.append([*row, ",".join(item["nodes"]), text.remark(item)])
    shown = text.table([say(heading) for heading in headings], rows)
    return f"{shown}\n{say('ps.more')}" if page["next_cursor"] else shown


def _elapsed(item: Workload) -> str:
    return text.between(item["started_at"] or (None if item["ended_at"] else item["submitted_at"]), item["ended_at"])


def _shown_text(shown: Shown) -> str:
    array, usage = shown["array"], shown["usage"]
    named = {
        "id": shown["ref"],
        "name": shown["name"],
        "state": text.state(shown["state"]) + (f" ({shown['detail']})" if shown["detail"] else ""),
        "array": "" if array is None else say("show.array", size=array["size"], counts=text.counts(array["by_state"])),
        "reason": shown["reason"] or "",
        "exit_code": "" if shown["exit_code"] is None else str(shown["exit_code"]),
        "signal": str(shown["signal"] or ""),
        "owner": f"{shown['owner']} ({shown['project']})",
        "kind": shown["kind"],
        "queue": f"{shown['queue']} ({say('show.priority', priority=shown['priority'])})",
        "time_limit": text.duration(shown["time_limit_s"]) if shown["time_limit_s"] else "",
        "submitted": text.instant(shown["submitted_at"]),
        "started": text.instant(shown["started_at"]),
        "ended": text.instant(shown["ended_at"]),
        "ran": text.between(shown["started_at"], shown["ended_at"]),
        "cpu": "" if usage is None else say("show.cpu", seconds=f"{usage['cpu_seconds']:.2f}"),
        "memory": "" if not usage or not usage["memory_peak_bytes"] else text.memory(usage["memory_peak_bytes"]),
        "nodes": ", ".join(shown["nodes"]),
    }
    parts = [text.fields({say(f"field.{name}"): value for name, value in named.items()})]
    parts += [_run_text(run) for run in shown["runs"]]
    spec = _with_devices(shown["spec"])
    body = {name: value for name, value in spec.items() if value not in (None, "", [], {}, 0, False)}
    parts.append("\n".join([say("show.spec"), *(f"  {name}: {_brief(value)}" for name, value in body.items())]))
    return "\n\n".join(parts)


def _run_text(run: Run) -> str:
    end = "" if not run["cause"] else f" ({run['cause']}{': ' + run['detail'] if run['detail'] else ''})"
    head = say("show.run", id=run["id"], engine=run["engine"], state=say(f"run_state.{run['state']}")) + end
    if run["alternative"]:
        head += f", {say('alternative', number=run['alternative'])}"
    lines = [head, *(f"  {text.held(hold)}" for hold in run["nodes"])]
    if run["truncated"]:
        lines.append(f"  {say('show.truncated')}")
    return "\n".join(lines)


def _brief(value: object) -> str:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        import shlex

        return shlex.join(value)
    if isinstance(value, str):
        return (
            value if "\n" not in value else say("show.lines", first=value.partition("\n")[0], lines=value.count("\n"))
        )
    return json.dumps(value, ensure_ascii=False)


def _with_devices(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec with its devices in the one word in which they may be asked for."""
    resources = spec.get("resources") or {}
    devices = resources.get("devices")
    return spec | {"resources": resources | {"devices": format_device(devices)}} if devices else spec


def _explanation_text(explanation: Explanation) -> str:
    lines = [f"{explanation['id']}: {text.state(explanation['state'])}", *text.reasons(explanation["reasons"])]
    lines += text.alternatives(explanation["alternatives"])
    if explanation["state"] in {"waiting", "blocked", "held"}:
        known = explanation["earliest_start_known"] and explanation["earliest_start"]
        lines.append(
            say("why.earliest", at=text.instant(explanation["earliest_start"])) if known else say("why.unknown")
        )
    order = explanation["order"]
    if order is not None:
        lines.append(say("why.order", **order))
    lines += text.expected(explanation["expected"])
    return "\n".join(lines)
