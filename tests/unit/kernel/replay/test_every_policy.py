"""Every policy that can be asked for, on any center: after each event the tables say what runs, where, and who waits.

What a policy is good for is proved elsewhere; here it is that no two of its parts are in each other's way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup, PowerRange, SetAside
from suanli.kernel.replay.course import EVENTS, SUBMITTED, TIME
from suanli.kernel.replay.loop import Life
from suanli.kernel.replay.policy import BACKFILLS, ORDERS, PREDICTIONS, Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.scoring import CRITERIA, PLAIN
from tests.unit.kernel.scheduling.core.center import chain

SECOND = 1_000_000
MODELS, USERS = ("A", "B"), ("a", "b", "c")
NODE_W, DEVICE_W = 100.0, 300.0
"""What all cpus of a node, and a device, draw beyond idling."""


@dataclass(frozen=True)
class Asked:
    """Seconds, and what each of the tasks asks for."""

    submitted: int
    runtime: int
    slack: int
    tasks: int
    cpus: int
    devices: int
    share: int
    models: int
    user: int
    within: int


@dataclass(frozen=True)
class Day:
    center: CenterDescription
    jobs: tuple[Asked, ...]
    policy: Policy

    @property
    def cpus(self) -> list[int]:
        """By node."""
        return [group.cpu_milli for group in self.center.groups for _ in range(group.count)]

    @property
    def models(self) -> list[list[str]]:
        """Of the devices of each node."""
        return [
            [one.model for one in group.devices for _ in range(one.count)]
            for group in self.center.groups
            for _ in range(group.count)
        ]

    def trace(self) -> Trace:
        names = ("", *(one.name for one in self.center.reservations))
        jobs = self.jobs
        return make_trace(
            {
                "number": range(len(jobs)),
                "submitted_us": [job.submitted * SECOND for job in jobs],
                "runtime_us": [job.runtime * SECOND for job in jobs],
                "requested_us": [(job.runtime + job.slack) * SECOND for job in jobs],
                "tasks": [job.tasks for job in jobs],
                "cpu_milli": [1000 * job.cpus for job in jobs],
                "device_count": [job.devices for job in jobs],
                "device_share": [job.share for job in jobs],
                "device_models": [job.models if job.devices else 0 for job in jobs],
                "user": [job.user for job in jobs],
                "project": [job.user % 2 for job in jobs],
                "reservation": [min(job.within, len(names) - 1) for job in jobs],
            },
            models=MODELS,
            names={"users": USERS, "projects": ("p", "q"), "reservations": names},
        )


GROUPS = st.lists(
    st.builds(
        lambda count, cpus, models: NodeGroup(
            prefix="n",
            count=count,
            cpu_milli=1000 * cpus,
            memory_bytes=2**30,
            devices=tuple(
                DeviceGroup(model=model, count=several, power=PowerRange(max_w=DEVICE_W)) for model, several in models
            ),
            power=PowerRange(max_w=NODE_W),
        ),
        st.integers(1, 2),
        st.integers(1, 6),
        st.lists(st.tuples(st.sampled_from(MODELS), st.integers(1, 2)), max_size=2, unique_by=lambda pair: pair[0]),
    ),
    min_size=1,
    max_size=3,
)
WINDOWS = st.lists(
    st.builds(
        lambda starts, lasts, is_use: (starts, starts + lasts, is_use),
        st.integers(0, 30),
        st.integers(1, 20),
        st.booleans(),
    ),
    max_size=2,
)
CENTERS = st.builds(
    lambda groups, windows, watts: CenterDescription(
        groups=tuple(groups),
        reservations=tuple(
            SetAside(
                name=f"r{place}",
                starts_us=starts * SECOND,
                ends_us=ends * SECOND,
                count=1,
                users=frozenset({"a"}) if is_use else frozenset(),
            )
            for place, (starts, ends, is_use) in enumerate(windows)
        ),
        power_cap_w=watts,
    ),
    GROUPS,
    WINDOWS,
    st.sampled_from([0.0, 0.0, 150.0, 500.0, 2000.0]),
)
JOBS = st.lists(
    st.builds(
        lambda submitted, runtime, slack, tasks, cpus, devices, share, models, user, within: Asked(
            submitted, runtime, slack, tasks, cpus, devices, share if devices else 1000, models, user, within
        ),
        st.integers(0, 20),
        st.integers(1, 15),
        st.sampled_from([0, 3, 30]),
        st.integers(1, 3),
        st.integers(1, 4),
        st.sampled_from([0, 0, 1, 2]),
        st.sampled_from([250, 500, 1000]),
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from([0, 0, 0, 1, 2]),
    ),
    min_size=1,
    max_size=14,
).map(tuple)
POLICIES = st.builds(
    Policy,
    order=st.sampled_from(sorted(ORDERS)),
    backfill=st.sampled_from([*sorted(BACKFILLS), 2, 3]),
    score=st.sampled_from([*sorted(PLAIN), *sorted(CRITERIA), "packing=1,best_fit=0.2"]),
    prediction=st.sampled_from(sorted(PREDICTIONS)),
    believed=st.booleans(),
    shortest_first=st.booleans(),
)
DAYS = st.builds(Day, CENTERS, JOBS, POLICIES)


def held(life: Life, job: int) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Node, tasks, cpus; and node, position, thousandths."""
    tables = life.tables
    nodes = chain(tables.holds, int(tables.jobs[job, t.HOLD]), t.HELD_MEMORY)
    return nodes, chain(tables.device_holds, int(tables.jobs[job, t.DEVICE_HOLD]), t.HELD_SLOTS)


def check(day: Day, life: Life) -> None:
    """What must hold after an event, told by nothing but the day and by who started when."""
    now = int(life.course.history[TIME, life.course.at[EVENTS] - 1])
    started, ended = life.course.started_us.tolist(), life.course.ended_us.tolist()
    runs = [job for job, (start, end) in enumerate(zip(started, ended, strict=True)) if start <= now < end]
    # Who ends at this very instant may still be there: each end is an event of its own.
    there = life.tables.lists[t.RUNNING, : life.tables.sizes[t.RUNNING_SIZE]].tolist()
    assert set(runs) <= set(there)
    assert all(ended[job] == now for job in set(there) - set(runs))
    come = int(life.course.at[SUBMITTED])
    queue = t.queued(life.tables).tolist()
    assert sorted(queue) == [job for job in range(come) if started[job] == t.NEVER]
    keys = [life.tables.keys[:, job].tolist() for job in queue]
    assert keys == sorted(keys)
    check_nodes(day, life, there)
    for job in there:
        check_job(day, life, job)
    if day.center.power_cap_w:
        assert life.tables.sizes[t.POWER_IN_USE] <= 1000 * day.center.power_cap_w


def check_nodes(day: Day, life: Life, there: list[int]) -> None:
    """Nothing is held twice, and what the tables say is free is what nobody holds."""
    free, shares = list(day.cpus), [[1000] * len(models) for models in day.models]
    for job in there:
        nodes, devices = held(life, job)
        for node, _, cpu in nodes:
            free[node] -= cpu
        for node, position, share in devices:
            shares[node][position] -= share
    assert min(free) >= 0
    assert life.tables.nodes[:, t.FREE_CPU].tolist() == free
    for node, left in enumerate(shares):
        assert all(one >= 0 for one in left)
        assert life.tables.devices[node, : len(left), t.FREE].tolist() == left


def check_job(day: Day, life: Life, job: int) -> None:
    """It holds what it asked for, and keeps off what is set aside for others by what it requested.

    To name a reservation that is not for its user is to name none.
    """
    asked, (nodes, devices) = day.jobs[order_of(day)[job]], held(life, job)
    assert sum(tasks for _, tasks, _ in nodes) == asked.tasks
    assert all(cpu == tasks * 1000 * asked.cpus for _, tasks, cpu in nodes)
    for node, tasks, _ in nodes:
        mine = [(position, share) for at, position, share in devices if at == node]
        assert sum(share for _, share in mine) == tasks * asked.devices * asked.share
        for position, _ in mine:
            assert not asked.models or asked.models >> MODELS.index(day.models[node][position]) & 1
    start = int(life.course.started_us[job])
    end = start + (asked.runtime + asked.slack) * SECOND
    for place, window in enumerate(day.center.reservations, 1):
        inside = set(day.center.rows_of(window)) & {node for node, *_ in nodes}
        is_named = min(asked.within, len(day.center.reservations)) == place
        if is_named and USERS[asked.user] in window.users:
            assert {node for node, *_ in nodes} <= set(day.center.rows_of(window))
            assert window.starts_us <= start
            assert end <= window.ends_us
        elif inside:
            assert end <= window.starts_us or start >= window.ends_us


def order_of(day: Day) -> list[int]:
    """By row of the trace, the place among the jobs."""
    return sorted(range(len(day.jobs)), key=lambda job: (day.jobs[job].submitted, job))


@settings(max_examples=60, deadline=None)
@given(DAYS)
def test_after_every_event_the_tables_say_what_runs_and_who_waits(day: Day) -> None:
    life, events = Life(day.trace(), day.center, day.policy), 0
    while life.go_on(1):
        check(day, life)
        events += 1
        assert events <= 3 * len(day.jobs) + 4
    ended, started = np.asarray(life.course.ended_us), np.asarray(life.course.started_us)
    began = started < t.NEVER
    assert (ended[began] == started[began] + life.course.runtime_us[began]).all()
    assert life.tables.sizes[t.RUNNING_SIZE] == 0
    assert life.tables.sizes[t.POWER_IN_USE] == 0


@pytest.mark.parametrize("order", sorted(ORDERS))
@settings(max_examples=12, deadline=None)
@given(DAYS)
def test_the_first_in_any_order_starts_if_it_ever_can(order: str, day: Day) -> None:
    """One job alone: no order, prediction, score or backfill keeps it from what the center has."""
    alone = Day(CenterDescription(groups=day.center.groups), day.jobs[:1], Policy(order=order, score=day.policy.score))
    life = Life(alone.trace(), alone.center, alone.policy)
    while life.go_on(1):
        pass
    asked = alone.jobs[0]
    room = 0
    for cpus, models in zip(alone.cpus, alone.models, strict=True):
        suiting = sum(not asked.models or asked.models >> MODELS.index(model) & 1 for model in models)
        of_devices = suiting * (1000 // asked.share) // asked.devices if asked.devices else asked.tasks
        room += min(cpus // (1000 * asked.cpus), of_devices)
    submitted = asked.submitted * SECOND
    assert life.course.started_us.tolist() == [submitted if room >= asked.tasks else t.NEVER]
