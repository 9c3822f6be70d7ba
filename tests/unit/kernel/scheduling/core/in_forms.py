"""Small tables in which work waits in one of several forms, and what the steps of a turn say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.forms import (
    start_first,
)
from suanli.kernel.scheduling.core.rules import EASY, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node
from tests.unit.kernel.scheduling.core.small import run, small

NEVER, NOBODY = t.NEVER, t.NOBODY
ONE = frozenset({0})
TURN = 7
"""The number of the turn in all that follows."""
RULES, PREEMPTING = Rules(BEST_FIT, EASY, 99), Rules(BEST_FIT, EASY, 99, preempt=True)


@dataclass(frozen=True)
class Run:
    """Running work: tasks by node of the plain shape, and when it ends."""

    on: dict[int, int]
    end: int = 100
    preemptible: bool = False


def center_of(
    nodes: Sequence[Node],
    forms: Sequence[Job],
    runs: Sequence[Run] = (),
    others: Sequence[Job] = (),
    *,
    licenses: int = 0,
) -> t.Center:
    """Job 0 waits in these forms, each of a kind of its own; then other jobs, then running ones, then their kind."""
    jobs = [*forms, *others, *(Job(preemptible=one.preemptible) for one in runs), Job()]
    center = small(nodes, jobs, licenses=licenses)
    center.jobs[:, t.OTHER] = NOBODY
    center.jobs[: max(len(forms) - 1, 0), t.OTHER] = range(1, len(forms))
    center.jobs[:, t.START_BY] = NEVER
    center.kinds[len(jobs) - 1, t.OF_SHAPE] = NOBODY
    if forms:
        center.jobs[0, t.KIND] = len(jobs) - 1
    center.kinds[: len(forms) + len(others), t.WAITING_OF] = 1
    for row, one in enumerate(runs, len(forms) + len(others)):
        run(center, row, one.end, one.on)
    center.sizes[t.TURN] = TURN
    return center


def blocked(center: t.Center) -> list[int]:
    """Kinds that are blocked in this turn."""
    return [int(kind) for kind in (center.kinds[:, t.BLOCKED] == TURN).nonzero()[0]]


def too_long(center: t.Center) -> list[int]:
    """Kinds that could not start beside the reservation in this turn."""
    return [int(kind) for kind in (center.kinds[:, t.LONG] == TURN).nonzero()[0]]


def tried(center: t.Center, *, now: int = 0, head_start: int = NEVER) -> tuple[int, int, int]:
    return start_first(center, 0, (now, now + 1, head_start), BEST_FIT)
