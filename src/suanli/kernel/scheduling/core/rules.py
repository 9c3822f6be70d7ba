"""How a turn decides, and what it decided."""

from __future__ import annotations

from typing import NamedTuple

NO_BACKFILL, EASY, CONSERVATIVE = 0, 1, 2**62
"""Reservations by the names of what they make: nobody passes the head, the head alone has one, everybody has one."""


class Rules(NamedTuple):
    """How a turn decides: the score policy, how many reservations there may be, and how many placements at most.

    With no ``reservations`` the turn ends at the first that cannot start. With ``shortest_first`` those behind the last
    reservation are tried in the order of their limits and not of the queue, with ``preempt`` the head may take the
    place of running work. With more than one reservation it is noted, where it ``tells``, whose is in whose way.
    """

    score: int
    reservations: int
    most: int
    shortest_first: bool = False
    preempt: bool = False
    tells: bool = False


class Decided(NamedTuple):
    """What a turn decided: how many started, who is the head (-1: nobody) and when it is reserved to start.

    ``complete`` is False where the bound on placements ended the turn early.
    """

    started: int
    head: int
    start_us: int
    complete: bool
