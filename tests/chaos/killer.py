"""Kills a server again and again: at instants drawn from a seed, or the moment it has acknowledged so many."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from bench.rig.center import Center
from tests.chaos.load import Tally

_LONGEST_LIFE_S = 4.0
_MOST_ACKNOWLEDGED = 30
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
        if dice.random() < 0.3:
            # Often while it still starts, opens its store or recovers.
            time.sleep(dice.uniform(0.0, _LONGEST_LIFE_S))
        elif not tally.wait_for(dice.randint(1, _MOST_ACKNOWLEDGED), _ACKNOWLEDGED_WITHIN_S):
            raise TimeoutError(f"nothing was acknowledged for {_ACKNOWLEDGED_WITHIN_S:.0f} s:\n{center.said[-4000:]}")
        center.kill()
        since = time.time()
        time.sleep(dice.uniform(0.0, _LONGEST_DEATH_S))
        found.append(Down(since, time.time()))
        center.start()
    return found
