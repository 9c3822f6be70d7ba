"""A turn of a live center that keeps more than one reservation, and what it is asked afterwards (``conserve``).

Entries of their own: a center with one reservation, as most have, does not load what they are made of.
"""

from __future__ import annotations

from typing import NamedTuple

from suanli.kernel.scheduling.core import licensing
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.booking import earliest_start, give_back, in_the_way
from suanli.kernel.scheduling.core.changes import keep_before
from suanli.kernel.scheduling.core.conserve import turn_with_many
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.jit import entry
from suanli.kernel.scheduling.core.profile import build
from suanli.kernel.scheduling.core.rules import Decided, Rules
from suanli.kernel.scheduling.core.tables import Center, Ints


class InTheWay(NamedTuple):
    """Until when there is room for a job, and whose reservation begins then (-1: nobody's)."""

    until: int
    job: int


@entry
def plan_many(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Take one turn, as ``changes.plan`` does; ``changes.undo`` takes it back."""
    keep_before(center)
    return turn_with_many(center, now, soon, rules, started)


@entry
def foresee_many(center: Center, job: int, now: int, soon: int, own: int, policy: int) -> int:
    """The start, beside all reservations, of a job that waits and has none; NEVER where none can be foreseen.

    ``own`` (-1: none) is the form of it that has one, which does not stand in the way.

    -1 where it would then take a license from whom it is kept for. Work past its expected end is taken to end at the
    instant ``soon``. The turn must not have been taken back.
    """
    refresh(center, center.jobs[job, t.SHAPE], policy)
    if center.sizes[t.BOOKED] == 0:
        build(center, now, soon)
    licensed = licensing.licensed_from(center, job, now, soon)
    if own != t.NOBODY:
        give_back(center, own, 1)
    start = earliest_start(center, job, (now, licensed), t.NEVER - 1)
    if own != t.NOBODY:
        give_back(center, own, -1)
    return start if start >= t.NEVER or licensing.first_kept(center, job, start) < 0 else t.NOBODY


@entry
def what_is_in_the_way(center: Center, job: int, now: int) -> InTheWay:
    """What keeps a job that waits, and has room now, from starting: it must have been looked for (``startable``)."""
    until, ahead = in_the_way(center, job, now)
    return InTheWay(until, ahead)
