"""Kills a server again and again: at instants drawn from a seed, after so many acknowledgements, or while work runs."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from bench.rig.center import Center
from bench.rig.processes import wait_until
from tests.chaos.load import Tally

_LONGEST_LIFE_S = 4.0
_MOST_ACKNOWLEDGED = 30
_LONGEST_DEATH_S = 1.5
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Down:
    """When nobody served, in seconds since the epoch."""

    since: float
    until: float


def kill(center: Center, tally: Tally, ledger: Path, times: int, seed: int) -> list[Down]:
    """Kill the server that runs now and each that follows; the last one started is left alive."""
    dice = random.Random(seed)
    found = []
    for _ in range(times):
        choice, running = dice.random(), set[str]()
        if choice < 0.3:
            # Often while it still starts, opens its store or recovers.
            time.sleep(dice.uniform(0.0, _LONGEST_LIFE_S))
        elif choice < 0.45:
            wait_until(lambda: bool(_running(ledger)), _WITHIN_S, f"some work to run:\n{center.said[-4000:]}")
            running = _running(ledger)
        elif not tally.wait_for(dice.randint(1, _MOST_ACKNOWLEDGED), _WITHIN_S):
            raise TimeoutError(f"nothing was acknowledged for {_WITHIN_S:.0f} s:\n{center.said[-4000:]}")
        center.kill()
        since = time.time()
        if running:
            # Nobody serves until something has ended unseen.
            _await_an_end(ledger, running)
        else:
            time.sleep(dice.uniform(0.0, _LONGEST_DEATH_S))
        found.append(Down(since, time.time()))
        center.start()
    return found


def _await_an_end(ledger: Path, running: set[str]) -> None:
    wait_until(lambda: not running <= _running(ledger), _WITHIN_S, "running work to end")


def _running(ledger: Path) -> set[str]:
    """The accounts of work that has begun and not ended."""
    return {path.name for path in ledger.iterdir() if path.read_bytes().count(b"\n") == 1}
