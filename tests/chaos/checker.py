"""Judges what is left after the killing: the server's tables against what was promised and what the work itself saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rig.wire import Wire
from tests.chaos.killer import Down
from tests.chaos.load import Ask, Tally

_FIELDS = "id,array,name,state,attempt,cause,exit_code"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every breach found, one line each, by what was breached; and how much was at stake."""

    refused: list[str]
    lost: list[str]
    reused: list[str]
    not_once: list[str]
    ended_wrong: list[str]
    acknowledged: int
    executed: int
    ended_while_down: int

    @property
    def breaches(self) -> list[str]:
        return [*self.refused, *self.lost, *self.reused, *self.not_once, *self.ended_wrong]


def on_record(wire: Wire) -> dict[int, dict[str, Any]]:
    """All workloads of the center by id."""
    found: dict[int, dict[str, Any]] = {}
    cursor = ""
    while True:
        page = wire.call("GET", f"/v1/workloads?limit=1000&fields={_FIELDS}" + (f"&cursor={cursor}" if cursor else ""))
        found |= {item["id"]: item for item in page["items"]}
        cursor = page["next_cursor"]
        if not cursor:
            return found


def judge(workloads: dict[int, dict[str, Any]], tally: Tally, ledger: Path, downs: Sequence[Down]) -> Verdict:
    """Compare promises, record and ledger."""
    asks = {ask.name: ask for ask in tally.asked}
    promised = Counter(one for made in tally.acknowledged for one in made.ids)
    accounts = {path.name: path.read_text(encoding="ascii").splitlines() for path in ledger.iterdir()}
    ends = {path.name: path.stat().st_mtime for path in ledger.iterdir()}
    expected = {_account(item): item for item in workloads.values()}
    return Verdict(
        refused=tally.refused,
        lost=_lost(workloads, tally),
        reused=[
            *(f"id {one} was given {times} times" for one, times in promised.items() if times > 1),
            *_twice(workloads, asks),
        ],
        not_once=[
            *_not_once(expected, accounts),
            *(f"{name} ran, and no workload on record asked for it" for name in accounts.keys() - expected.keys()),
        ],
        ended_wrong=[line for item in workloads.values() for line in _ended_wrong(item, asks[item["name"]])],
        acknowledged=len(promised),
        executed=len(accounts),
        ended_while_down=sum(any(down.since < end < down.until for down in downs) for end in ends.values()),
    )


def _account(workload: dict[str, Any]) -> str:
    return f"{workload['name']}.{workload['array']['index'] if workload['array'] else 0}"


def _lost(workloads: dict[int, dict[str, Any]], tally: Tally) -> list[str]:
    found = []
    for made in tally.acknowledged:
        for one in made.ids:
            there = workloads.get(one)
            if there is None:
                found.append(f"workload {one} ({made.ask.name}) was acknowledged and is not there")
            elif there["name"] != made.ask.name:
                found.append(f"id {one} was acknowledged as {made.ask.name} and is {there['name']} now")
    return found


def _twice(workloads: dict[int, dict[str, Any]], asks: dict[str, Ask]) -> list[str]:
    """Requests sent again under their key that made more than they asked for."""
    made = Counter(item["name"] for item in workloads.values())
    return [f"{name} was asked for once and made {n}" for name, n in made.items() if n != asks[name].count]


def _not_once(expected: dict[str, dict[str, Any]], accounts: dict[str, list[str]]) -> list[str]:
    found = []
    for account, workload in expected.items():
        run = f"{workload['id']}.1"
        lines = accounts.get(account, [])
        if lines != [f"began {run}", f"ended {run}"] or workload["attempt"] != 1:
            found.append(
                f"{account}, workload {workload['id']}, attempt {workload['attempt']}, was executed as {lines}"
            )
    return found


def _ended_wrong(workload: dict[str, Any], ask: Ask) -> list[str]:
    true = ("failed" if ask.exit_code else "completed", "exited", ask.exit_code)
    told = (workload["state"], workload["cause"], workload["exit_code"])
    return [] if told == true else [f"workload {workload['id']} ({ask.name}) ended as {true} and is told as {told}"]
