"""Kills a server again and again: at instants drawn from a seed, or the moment it has acknowledged something."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from bench.rig.center import Center
from tests.chaos.load import Tally

_LONGEST_LIFE_S = 5.0
_LONGEST_DEATH_S = 1.5
_ACKNOWLEDGED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Down:
    """When nobody served, in seconds since the epoch."""

    since: float
    until: float


def kill(center: Center, tally: Tally, times: int, seed: int) -> list[Down]:
    """Kill the server that runs now and each that follows; the last one started is left alive."""
    dice = random.Random(seed)
    found = []
    for _ in range(times):
        if dice.random() < 0.5:
            # Anywhere in its life: while it starts, recovers, plans, launches.
            time.sleep(dice.uniform(0.0, _LONGEST_LIFE_S))
        elif not tally.wait_for_more(_ACKNOWLEDGED_WITHIN_S):
            raise TimeoutError(f"nothing was acknowledged for {_ACKNOWLEDGED_WITHIN_S:.0f} s:\n{center.said[-4000:]}")
        center.kill()
        since = time.time()
        time.sleep(dice.uniform(0.0, _LONGEST_DEATH_S))
        found.append(Down(since, time.time()))
        center.start()
    return found
