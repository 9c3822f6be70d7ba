"""How nodes are scored, by names: one of the plain policies, or criteria with weights; and what criteria must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.constraints import DeviceType, type_masks
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WEIGHED, WORST_FIT
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.scores.typical import typical
from suanli.kernel.scheduling.scores.worth import worth
from suanli.model.errors import InvalidRequestError, NotFoundError

PLAIN = {"first_fit": FIRST_FIT, "best_fit": BEST_FIT, "worst_fit": WORST_FIT}
CRITERIA = {
    "best_fit": t.FULL,
    "dot_product": t.PRODUCT,
    "packing": t.PACKED,
    "clustering": t.CLUSTERED,
    "fragmentation": t.FRAGMENTS,
    "residual_value": t.VALUE,
    "power": t.POWER,
    "time": t.TIME,
    "energy": t.ENERGY,
    "cost": t.COST,
    "topology": t.TOPOLOGY,
}
_FORESEEING = (t.FRAGMENTS, t.VALUE)
"""Criteria that know of requests to come."""
_CHANGED = 0.05
"""The part of requests that must be others before every node is scored anew for them."""


class Scoring(NamedTuple):
    """The score policy of the compiled loops, and the weights of its criteria."""

    policy: int
    weights: tuple[float, ...] = ()

    @property
    def foresees(self) -> bool:
        """Whether it must know of requests to come."""
        return any(self.weights[place] for place in _FORESEEING) if self.weights else False


@cache
def scoring(name: str) -> Scoring:
    """What a name means: a policy, a criterion, or ``fragmentation=1,best_fit=0.2`` for a weighted sum of several.

    Raises:
        NotFoundError: there is no such policy or criterion.
        InvalidRequestError: a weight is no number from 0 on, or none is above 0.
    """
    if name in PLAIN:
        return Scoring(PLAIN[name])
    weights = [0.0] * len(CRITERIA)
    for part in name.split(","):
        criterion, _, weight = part.strip().partition("=")
        if criterion not in CRITERIA:
            raise NotFoundError("score policy", criterion, f"one of {', '.join(sorted(PLAIN | CRITERIA))}")
        weights[CRITERIA[criterion]] = _weight(weight) if weight else 1.0
    if not any(weights):
        raise InvalidRequestError("score", f"{name} weighs nothing", "give a weight above 0")
    return Scoring(WEIGHED, tuple(weights))


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0.0 <= weight < np.inf:
        raise InvalidRequestError("score", f"{text} is no weight", "give a number from 0 on")
    return weight


def weigh(tables: t.Center, scored: Scoring) -> None:
    """Let nodes be scored that way, anew if they were scored otherwise."""
    if scored.weights and scored.weights != tuple(tables.weights.tolist()):
        tables.weights[:] = scored.weights
        t.judge_anew(tables)


def request_of(cpu_milli: int, devices: int, share: int, types: int) -> Request:
    """What one node is asked for at a time: of the last two nothing is meant where no device is asked for."""
    return Request(cpu_milli, 0, devices, share if devices else 0, types if devices else -1)


def requests_of(demands: Mapping[Demand, int], types: Sequence[DeviceType]) -> dict[Request, int]:
    """How many tasks there are of each request, given how many workloads there are of each demand."""
    requests: dict[Request, int] = {}
    for demand, count in demands.items():
        unit = demand.tasks_a_node
        accepted = type_masks(types, demand)[t.TYPES]
        request = request_of(unit * demand.cpu_milli, unit * demand.device_count, demand.device_share, accepted)
        requests[request] = requests.get(request, 0) + count * (demand.nodes or demand.tasks)
    return requests


def has_changed(one: Mapping[Request, int], other: Mapping[Request, int]) -> bool:
    """Whether more than a little of what is asked for is otherwise: half the sum of how much each part differs."""
    all_of_one, all_of_other = max(sum(one.values()), 1), max(sum(other.values()), 1)
    differs = 0.0
    for request in one.keys() | other.keys():
        differs += abs(one.get(request, 0) / all_of_one - other.get(request, 0) / all_of_other)
    return differs / 2 > _CHANGED


def learn(tables: t.Center, requests: Mapping[Request, int]) -> None:
    """Let criteria know what will be asked for: such requests, that often; every node is scored anew."""
    known = typical(list(requests), np.array(list(requests.values()), dtype=np.int64))
    buckets = min(known.number.size, t.BUCKETS_MOST, int(np.searchsorted(known.start, t.TYPICAL_MOST, "right")) - 1)
    there = int(known.start[buckets])
    tables.sizes[[t.BUCKETS, t.TYPICAL]] = (buckets, there)
    for row, column in ((t.NUMBER, known.number), (t.OF_SHARE, known.share), (t.OF_TYPES, known.models)):
        tables.typical_demands[row, :buckets] = column[:buckets]
    tables.typical_demands[t.BEGINS, : buckets + 1] = known.start[: buckets + 1]
    tables.typical_cpu[:there], tables.typical_weight[:there] = known.cpu[:there], known.weight[:there]
    kinds = tables.devices[:, :, t.TYPE]
    known_worth = worth(known, np.bincount(kinds[kinds >= 0], minlength=t.DEVICE_TYPES))
    tables.fill[:] = known_worth.fill
    tables.worth[:-2], tables.worth[-2:] = known_worth.price, (known_worth.lean, known_worth.spread)
    t.judge_anew(tables)
