"""Looking ahead: the center as it is beside the center as it would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from suanli_cli import text
from suanli_cli.answers import Affected, Lost, Never, Place, Side, WhatIf
from suanli_cli.asking import Pair, Watts
from suanli_cli.documents import read_specs
from suanli_cli.errors import UsageMistake
from suanli_cli.frame import App, Reference, Whole, command, option, pass_app
from suanli_cli.language import say

PATIENCE_S = 300.0
"""A large center's future takes its server many seconds."""

_PARTS: tuple[Literal["mean", "median", "p99", "max"], ...] = ("mean", "median", "p99", "max")
_HOUR_S = 3600
_NAMED = 8
"""More nodes than these are counted and not named."""


@command("what-if")
@option("--down", metavar="NODE[,NODE...]", multiple=True, says="what_if.down")
@option("--down-count", type=Whole(1), metavar="N", says="what_if.down_count")
@option("--model", metavar="MODEL", says="what_if.model")
@option("--add-nodes", type=Whole(1), metavar="N", says="what_if.add_nodes")
@option("--like", metavar="NODE", says="what_if.like")
@option("--power-cap", type=Watts(), metavar="WATTS", says="what_if.power_cap")
@option("--cancel", type=Reference(), multiple=True, metavar="REF", says="what_if.cancel")
@option("--time-limit", type=Pair("=", "REF=DURATION"), multiple=True, says="what_if.time_limit")
@option("--priority", type=Pair("=", "REF=N"), multiple=True, says="what_if.priority")
@option("--submit", metavar="FILE", multiple=True, says="what_if.submit")
@option("--times", type=Whole(1), metavar="N", says="what_if.times")
@option("--show", type=Reference(), multiple=True, metavar="REF", says="what_if.show")
@option("-n", "--most", type=Whole(1), metavar="N", says="what_if.most")
@pass_app
def what_if(app: App, /, **given: Any) -> None:
    """Ask, and print both sides."""
    found = app.client(patience_s=PATIENCE_S).what_if(_changes(given))
    app.answer(found, lambda: _text(found))


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """The question as the API takes it.

    Raises:
        UsageMistake: an option lacks the one it is about.
    """
    if (given["add_nodes"] is None) != (given["like"] is None):
        raise UsageMistake(say("error.like"))
    if given["model"] and not given["down_count"]:
        raise UsageMistake(say("error.model"))
    if given["times"] and not given["submit"]:
        raise UsageMistake(say("error.times"))
    times = given["times"] or 1
    changes = {
        "down": [name for names in given["down"] for name in names.split(",") if name],
        "down_count": given["down_count"],
        "model": given["model"],
        "add_nodes": given["add_nodes"],
        "like": given["like"],
        "cancel": list(given["cancel"]),
        "update": _updates(given["time_limit"], given["priority"]),
        "submit": [{"spec": spec, "times": times} for path in given["submit"] for spec in read_specs(path)],
        "show": list(given["show"]),
        "most": given["most"],
    }
    asked = {name: value for name, value in changes.items() if value}
    return asked if given["power_cap"] is None else {**asked, "power_cap": given["power_cap"]}


def _updates(limits: Sequence[tuple[str, str]], priorities: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """One change for each workload named, whatever is said of it."""
    found: dict[str, dict[str, Any]] = {}
    for ref, limit in limits:
        found.setdefault(ref, {"ref": ref})["time_limit"] = limit
    for ref, priority in priorities:
        found.setdefault(ref, {"ref": ref})["priority"] = Whole(None).convert(priority, None, None)
    return list(found.values())


def _text(found: WhatIf) -> str:
    parts = [_nodes_text(found), _figures_text(found), _items_text(found["items"])]
    parts.append(_list_text("what_if.nevers", map(_never_line, found["never"])))
    parts.append(_list_text("what_if.lost", map(_lost_line, found["lost"])))
    parts.append(_list_text("what_if.assumed", found["assumptions"]))
    return "\n\n".join(part for part in parts if part)


def _nodes_text(found: WhatIf) -> str:
    lines = []
    for key, names in (("what_if.downs", found["down"]), ("what_if.added", found["added"])):
        if names:
            more = " ..." if len(names) > _NAMED else ""
            lines.append(say(key, count=len(names), names=", ".join(names[:_NAMED]) + more))
    return "\n".join(lines)


def _figures_text(found: WhatIf) -> str:
    sides = zip(_figures(found["before"]), _figures(found["after"]), strict=True)
    rows = [_row(key, write, before, after) for (key, write, before), (_, _, after) in sides]
    headings = ["", *(say(f"column.{name}") for name in ("as_it_is", "what_if", "difference"))]
    return text.table(headings, rows, right=(1, 2, 3))


def _figures(side: Side) -> Iterator[tuple[str, Callable[[float], str], float | None]]:
    """What each figure is called, how it is written, and its value; None where there is none."""
    yield "started", str, side["started"]
    yield "never", str, side["never"]
    wait, slowdown = side["wait_s"], side["slowdown"]
    yield from ((f"wait_{name}", _span, wait and wait[name]) for name in _PARTS)
    yield from ((f"slowdown_{name}", "{:.2f}".format, slowdown and slowdown[name]) for name in _PARTS)
    yield "makespan", _span, side["makespan_s"]
    yield "cpus_held", "{:.1%}".format, side["cpus_held"]
    yield "devices_held", "{:.1%}".format, side["devices_held"]
    yield "preempted", str, side["preempted"]


def _row(key: str, write: Callable[[float], str], before: float | None, after: float | None) -> list[str]:
    apart = ""
    if before is not None and after is not None and before != after:
        apart = f"{'+' if after > before else '-'}{write(abs(after - before))}"
    return [say(f"what_if.{key}"), *("-" if value is None else write(value) for value in (before, after)), apart]


def _span(seconds: float) -> str:
    """A duration to the nearest of what is shown of it."""
    return text.duration(round(seconds / 60) * 60 if seconds >= _HOUR_S else seconds)


def _items_text(items: Sequence[Affected]) -> str:
    if not items:
        return say("what_if.no_item")
    names = ("id", "name", "owner", "starts_now", "starts", "by", "ends", "by", "nodes")
    return text.table([say(f"column.{name}") for name in names], [_item_row(item) for item in items])


def _item_row(item: Affected) -> list[str]:
    after = item["after"] or {"start": None, "end": None, "nodes": []}
    return [
        item["ref"] or say("what_if.imagined"),
        item["name"],
        item["owner"],
        _start(item["before"]),
        _start(item["after"]),
        _later(item["start_later_s"]),
        text.instant(after["end"]),
        _later(item["end_later_s"]),
        ",".join(after["nodes"]),
    ]


def _start(place: Place | None) -> str:
    """When it starts; what does not wait has no start, what waits for ever never."""
    if place is None:
        return "-"
    return text.instant(place["start"]) if place["start"] else say("what_if.never")


def _later(seconds: float | None) -> str:
    if not seconds:
        return "" if seconds is None else "="
    return f"{'+' if seconds > 0 else '-'}{_span(abs(seconds))}"


def _never_line(never: Never) -> str:
    line = say("what_if.never_line", **{name: never[name] for name in ("ref", "name", "owner", "text", "reason")})
    return line if never["starts_as_it_is"] else say("what_if.never_too", line=line)


def _lost_line(lost: Lost) -> str:
    told = {name: lost[name] for name in ("run", "name", "owner")}
    if not lost["waits_again"]:
        return say("what_if.lost_over", **told)
    start = text.instant(lost["start"]) if lost["start"] else say("what_if.never")
    return say("what_if.lost_waits", **told, start=start)


def _list_text(heading: str, lines: Any) -> str:
    listed = list(lines)
    return "\n".join([say(heading), *(f"- {line}" for line in listed)]) if listed else ""
