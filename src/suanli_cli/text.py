"""Amounts, instants and tables as people read them in a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from suanli_cli.answers import Alternative, DeviceShare, Expected, Hold, Reason, WorkloadFields
from suanli_cli.language import say

_GAP = "  "
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def memory(amount_bytes: float) -> str:
    """``512B``, ``1.5GiB``."""
    for unit in _UNITS:
        if amount_bytes < 1024:
            return f"{amount_bytes:.4g}{unit}"
        amount_bytes /= 1024
    return f"{amount_bytes:.4g}PiB"


def power(watts: float) -> str:
    """``512W``, ``50.5kW``, ``1.2MW``."""
    for unit in ("W", "kW"):
        if watts < 1000:
            return f"{watts:.4g}{unit}"
        watts /= 1000
    return f"{watts:.4g}MW"


def duration(seconds: float) -> str:
    """``42s``, ``3m07s``, ``2h05m``, ``4d03h``; one decimal under ten seconds."""
    whole = int(seconds)
    if seconds < 10:
        return f"{seconds:.1f}s" if seconds != whole else f"{whole}s"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def instant(text: str | None) -> str:
    """An instant of the API in the reader's own time zone, ``-`` if it has not happened."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else "-"


def between(start: str | None, end: str | None) -> str:
    """How long from one instant to another, or to now; ``-`` if the first has not happened."""
    if not start:
        return "-"
    until = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return duration(max(0.0, (until - datetime.fromisoformat(start)).total_seconds()))


def amount(number: float) -> str:
    """A number without a needless fraction."""
    return f"{number:g}"


def state(word: str) -> str:
    """A workload's state in the reader's language."""
    return say(f"state.{word}")


def remark(workload: WorkloadFields) -> str:
    """Why it waits; how it ended, where that was not well and its state does not say it."""
    if workload["state"] != "failed":
        return workload["detail"] or workload["reason"] or ""
    if workload["signal"]:
        return workload["detail"] or say("ps.signal", signal=workload["signal"])
    return workload["detail"] or say("ps.exit_code", code=workload["exit_code"])


def counts(by_state: Mapping[str, int]) -> str:
    """``3 running, 2 waiting``."""
    return ", ".join(f"{number} {state(word)}" for word, number in by_state.items() if number) or say("counts.none")


def held(hold: Hold) -> str:
    """What is held on one node: ``n1 (2 x 1 cpu, 1GiB, device 0)``."""
    parts = [say("held.cpus", cpus=amount(hold["cpus"])), memory(hold["memory_bytes"])]
    parts += [say("held.disk", disk=memory(hold["disk_bytes"]))] if hold["disk_bytes"] else []
    parts += [say("held.device", index=device["index"]) + _part(device) for device in hold["devices"]]
    return f"{hold['node']}: {say('held.tasks', tasks=hold['tasks'])}, {', '.join(parts)}"


def _part(device: DeviceShare) -> str:
    """What is held of a device that is not held whole."""
    if device["partition"]:
        return f" ({device['partition']})"
    return "" if device["share"] == 1 else f" ({amount(100 * device['share'])}%)"


def reasons(listed: Sequence[Reason]) -> list[str]:
    """One line for each reason, and one for what would help."""
    lines = []
    for reason in listed:
        lines.append(f"- {reason['text']} ({reason['code']})")
        if reason["helps"]:
            lines.append(f"  {say('reason.helps', helps=reason['helps'])}")
    return lines


def alternatives(listed: Sequence[Alternative]) -> list[str]:
    """For each alternative, when it may start and what is in its way."""
    lines = []
    for one in listed:
        start = say("why.earliest", at=instant(one["earliest_start"])) if one["earliest_start"] else say("why.unknown")
        lines += [f"{say('alternative', number=one['alternative'])}: {start}", *reasons(one["reasons"])]
    return lines


def expected(listed: Sequence[Expected]) -> list[str]:
    """For each device model, how long the work takes there, and what that rests on."""
    lines = []
    for one in listed:
        rests = say("expected.runs", runs=one["runs"]) if one["runs"] else say("expected.nominal")
        energy = "" if one["energy_joules"] is None else f", {one['energy_joules'] / 3.6e6:.3g} kWh"
        cost = "" if one["cost"] is None else f", {one['cost']} {one['currency']}"
        lines.append(f"  {one['model']}: {duration(one['seconds'])}{energy}{cost} ({rests})")
    return [say("expected.heading"), *lines] if lines else []


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows under headings, columns aligned by what a terminal shows (a Chinese character fills two places).

    ``right`` lists columns set flush right. On a terminal, lines are cut at its edge.
    """
    from rich.cells import cell_len, set_cell_size

    lines = [headings, *rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    out = []
    for line in lines:
        cells = [
            " " * (width - cell_len(cell)) + cell if column in right else set_cell_size(cell, width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text = _GAP.join(cells).rstrip()
        out.append(set_cell_size(text, edge).rstrip() if edge and cell_len(text) > edge else text)
    return "\n".join(out)


def fields(named: Mapping[str, str]) -> str:
    """``name   value`` lines; what has no value is left out."""
    shown = {name: value for name, value in named.items() if value}
    return table_of_pairs(list(shown.items()))


def table_of_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    """Two columns without headings."""
    from rich.cells import cell_len

    width = max((cell_len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name}{' ' * (width - cell_len(name))}{_GAP}{value}" for name, value in pairs)
