"""The order by what is owed, in a replay: the standings of a live center (``scheduling.fair_share``), under its clock.

As there, standings are made at most once a minute, and work that comes in between goes by the latest. What a job holds
counts from its start on, and parted by days once it has ended; days are those since the trace's origin.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from suanli.kernel.replay.center import CenterDescription, NodeGroup
from suanli.kernel.replay.course import BEGAN, OVER, SUBMITTED, Course, accounts
from suanli.kernel.replay.trace import Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.fair_share import Account, FairShare, Past, ShareWeights
from suanli.kernel.usage import parted
from suanli.model.ids import EngineName, NodeName, ProjectName, RunId, UserName
from suanli.model.quantities import Instant
from suanli.model.quota import Amounts
from suanli.model.resources import Device, Node
from suanli.model.tenancy import Project

RANK_US: Final = 60 * 1_000_000
"""How long an order stands."""


class Sharing:
    """Who is owed how much of a replayed center."""

    def __init__(self, trace: Trace, center: CenterDescription, weights: ShareWeights, course: Course) -> None:
        self._submitted_us = trace.submitted_us
        self._accounts = [
            (ProjectName(trace.projects[project]), UserName(trace.users[user]))
            for project, user in accounts(trace)[0].tolist()
        ]
        self._asked = np.stack([trace.cpu_milli_total, trace.memory_total, trace.devices_total], axis=1)
        self._share, self._past = FairShare(weights), Past(weights.half_life_s)
        for place, group in enumerate(center.groups):
            self._share.set_node(_as_one(place, group))
        self._share.set_projects(Project(name=ProjectName(name), shares=of) for name, of in center.shares.items())
        self._began = self._over = 0
        self._until = t.NOBODY
        sizes, which = np.unique(self._asked, axis=0, return_inverse=True)
        everybody = self._share.standings(Instant(0), ())
        of_sizes = np.array([everybody.size_credit_s(Amounts(1, *size)) for size in sizes.tolist()], dtype=np.int64)
        course.sized_us[:] = 1_000_000 * of_sizes[which.ravel()]

    @property
    def until(self) -> int:
        """The last instant for which the order stands."""
        return self._until

    def rank(self, tables: t.Center, course: Course, now: int) -> None:
        """Let the queue have the order that is owed now, if it is time for another.

        Where nobody waits and nobody comes there is nothing to put in order, and the next event asks again.
        """
        queue, come = t.queued(tables), int(course.at[SUBMITTED])
        if now <= self._until or not (queue.size or self._submitted_us[come : come + 1].tolist() == [now]):
            return
        self._until = now + RANK_US - 1
        self._follow(course)
        waiting = [self._accounts[place] for place in np.unique(course.account[queue]).tolist()]
        standings = self._share.standings(Instant(now), waiting, self._past)
        course.owed_us[:] = [1_000_000 * standings.credit_s(*account) for account in self._accounts]
        keys = course.submitted_us[queue] - course.owed_us[course.account[queue]] - course.sized_us[queue]
        if not np.array_equal(keys, tables.keys[0, queue]):
            tables.keys[0, queue] = keys
            t.sort_queue(tables)

    def _follow(self, course: Course) -> None:
        """Take in what has begun and what is over since the last time."""
        for row in course.began[self._began : course.at[BEGAN]].tolist():
            account, held = self._of(course, row)
            self._share.hold(RunId(str(row)), account, held, Instant(int(course.started_us[row])))
        for row in course.over[self._over : course.at[OVER]].tolist():
            self._share.end(RunId(str(row)))
            (project, owner), held = self._of(course, row)
            times = (Instant(int(course.started_us[row])), Instant(int(course.ended_us[row])))
            for day in parted(held, times, project, owner):
                self._past.add(day)
        self._began, self._over = int(course.at[BEGAN]), int(course.at[OVER])

    def _of(self, course: Course, row: int) -> tuple[Account, Amounts]:
        return self._accounts[course.account[row]], Amounts(1, *self._asked[row].tolist())


def _as_one(place: int, group: NodeGroup) -> Node:
    """All nodes of a group as one: only what there is of everything counts."""
    devices = [Device(index=0, device_class=one.device_class, model=one.model) for one in group.devices]
    return Node(
        name=NodeName(str(place)),
        engine=EngineName("replay"),
        cpu_milli=group.count * group.cpu_milli,
        memory_bytes=group.count * group.memory_bytes,
        devices=tuple(
            device for device, of in zip(devices, group.devices, strict=True) for _ in range(group.count * of.count)
        ),
    )
