"""Advance reservations of a replayed center: what they forbid to whom as time passes, by the code of a live center.

``scheduling.windows`` says what work must heed, by its limit and by what it names. Here all jobs of a trace that agree
in these, waiting or to come, are one piece of work to it; a job's rows of shapes and kinds are those of what it asks
for together with what it must heed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.course import SUBMITTED, Course
from suanli.kernel.replay.trace import Int64s, Trace
from suanli.kernel.scheduling.codes import Codes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.grow import grown, sizes_of
from suanli.kernel.scheduling.windows import Heed, Windows
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName
from suanli.model.quantities import Instant
from suanli.model.reservations import AdvanceReservation, ReservationPurpose

_NOTHING = Heed(0, 0)


@dataclass(frozen=True, slots=True)
class _Group:
    """All work of one limit that names one reservation; ``row`` is its number."""

    row: int
    limit_us: int
    reservation: ReservationName


@dataclass(slots=True)
class _Class:
    """Jobs of one group that ask for the same; rows of the tables for what they ask for and must heed."""

    jobs: Int64s
    asked_shape: int
    asked_kind: int
    shape: int
    kind: int


class Reserving:
    """What is set aside in a replayed center.

    Jobs are held to what they requested, whatever is predicted of them. One that names a reservation which the center's
    description does not have, or does not have for it, is taken to name none.
    """

    def __init__(self, tables: t.Center, trace: Trace, center: CenterDescription) -> None:
        self._windows = Windows()
        self._nodes: dict[NodeName, int] = {}
        told = {one.name: one for one in _advance_reservations(center)}
        for one in told.values():
            self._windows.tell(one)
            self._nodes.update((name, int(name)) for name in one.nodes)
        self._turns = sorted({at for one in told.values() for at in (one.starts_at, one.ends_at)})
        self._shapes: Codes[tuple[int, Heed]] = Codes()
        self._kinds: Codes[tuple[int, Heed]] = Codes()
        self._asked = (tables.shapes.shape[0], tables.kinds.shape[0])
        names = _named(trace, told)
        columns = np.stack([tables.jobs[:, t.LIMIT], names, tables.jobs[:, t.KIND]], axis=1)
        found, which = np.unique(columns, axis=0, return_inverse=True)
        by_class = np.split(np.argsort(which.ravel(), kind="stable"), np.cumsum(np.bincount(which.ravel()))[:-1])
        self._groups: list[_Group] = []
        self._classes: list[list[_Class]] = []
        for (limit, named, kind), jobs in zip(found.tolist(), by_class, strict=True):
            name = ReservationName(trace.reservations[named] if named >= 0 else "")
            if not self._groups or (self._groups[-1].limit_us, self._groups[-1].reservation) != (limit, name):
                self._groups.append(_Group(len(self._groups), limit, name))
                self._classes.append([])
            shape = int(tables.jobs[jobs[0], t.SHAPE])
            self._classes[-1].append(_Class(jobs, shape, kind, shape, kind))

    def begin(self, tables: t.Center, course: Course) -> t.Center:
        """Let all that comes heed what it must before the first event; the tables with room for that."""
        for group in self._groups:
            tables = self._heed(tables, course, group, self._windows.join(group))
        return tables

    @property
    def until(self) -> int:
        """The last instant at which everybody must heed the same."""
        return self._windows.until

    def next_turn(self, now: int) -> int:
        """The first instant after this one at which a reservation begins or ends, NEVER where none does."""
        return next((at for at in self._turns if at > now), t.NEVER)

    def move(self, tables: t.Center, course: Course, now: int) -> t.Center:
        """Let it be now; the tables with room for what must be heeded.

        Raises:
            InvalidRequestError: more reservations have not ended than there are bits.
        """
        if self._windows.are_current(Instant(now)):
            return tables
        if self._windows.move(Instant(now)):
            self._windows.write(tables, self._nodes)
        for heed, numbers in self._windows.moved():
            for number in numbers:
                tables = self._heed(tables, course, self._groups[number], heed)
        t.tell_kinds(tables)
        tables.sizes[t.HEAD] = t.NOBODY
        return tables

    def _heed(self, tables: t.Center, course: Course, group: _Group, heed: Heed) -> t.Center:
        """Let what has not started of a group heed that from now on."""
        left = []
        for one in self._classes[group.row]:
            jobs = one.jobs = one.jobs[course.started_us[one.jobs] == t.NEVER]
            before = (one.shape, one.kind)
            if jobs.size:
                tables = self._take(tables, one, heed)
                waiting = np.count_nonzero(jobs < course.at[SUBMITTED])
                tables.kinds[before[1], t.WAITING_OF] -= waiting
                tables.kinds[one.kind, t.WAITING_OF] += waiting
                tables.jobs[jobs, t.SHAPE] = one.shape
                tables.jobs[jobs, t.KIND] = tables.jobs[jobs, t.FORM_KIND] = one.kind
                left.append(one)
            for codes, row, asked in zip((self._shapes, self._kinds), before, self._asked, strict=True):
                if row >= asked:
                    codes.leave(row - asked)
        self._classes[group.row] = left
        return tables

    def _take(self, tables: t.Center, one: _Class, heed: Heed) -> t.Center:
        """Let a class have rows for what it must heed; those of what it asks for alone where that is nothing."""
        one.shape, one.kind = one.asked_shape, one.asked_kind
        if heed == _NOTHING:
            return tables
        shape, is_new_shape = self._shapes.take((one.asked_shape, heed))
        kind, is_new_kind = self._kinds.take((one.asked_kind, heed))
        one.shape, one.kind = self._asked[0] + shape, self._asked[1] + kind
        there = sizes_of(tables)
        if one.shape >= there.shapes or one.kind >= there.kinds:
            larger = (max(there.shapes, 2 * one.shape), max(there.kinds, 2 * one.kind))
            tables = grown(tables, there._replace(shapes=larger[0], kinds=larger[1]))
        if is_new_shape:
            tables.shapes[one.shape] = tables.shapes[one.asked_shape]
            tables.shapes[one.shape, [t.KEPT_OFF, t.WITHIN]] = heed
            tables.shapes[one.shape, [t.SEEN, t.BESIDE_TURN]] = t.NOBODY
        if is_new_kind:
            tables.kinds[one.kind] = 0
            tables.kinds[one.kind, [t.OF_SHAPE, t.DRAWS]] = (one.shape, tables.kinds[one.asked_kind, t.DRAWS])
        return tables


def _advance_reservations(center: CenterDescription) -> list[AdvanceReservation]:
    """Those of a description; nodes are named by their numbers."""
    return [
        AdvanceReservation(
            name=ReservationName(one.name),
            starts_at=Instant(one.starts_us),
            ends_at=Instant(one.ends_us),
            nodes=tuple(NodeName(str(row)) for row in center.rows_of(one)),
            purpose=ReservationPurpose.USE if one.users or one.projects else ReservationPurpose.MAINTENANCE,
            users=frozenset(map(UserName, one.users)),
            projects=frozenset(map(ProjectName, one.projects)),
        )
        for one in center.reservations
    ]


def _named(trace: Trace, told: dict[ReservationName, AdvanceReservation]) -> Int64s:
    """By job the place in ``trace.reservations`` of the one that it names, -1 where it names none that is for it."""
    named = np.full(len(trace), t.NOBODY, dtype=np.int64)
    for place, name in enumerate(trace.reservations):
        one = told.get(ReservationName(name))
        for row in np.flatnonzero(trace.reservation == place).tolist() if one is not None else ():
            project, user = trace.projects[trace.project[row]], trace.users[trace.user[row]]
            if one is not None and one.admits(ProjectName(project), UserName(user)):
                named[row] = place
    return named
