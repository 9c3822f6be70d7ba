"""A replay decides what a live center decides that lives the same day: both take the very same turns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup, PowerRange, SetAside
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.trace import make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.kernel.scheduling.plan import Policy as LivePolicy
from suanli.model.devices import DeviceRequest
from tests.unit.kernel.replay.plain import seconds
from tests.unit.kernel.scheduling.center import GIB, SECOND, gpu, node
from tests.unit.kernel.scheduling.story import Story, work


@dataclass(frozen=True)
class Asked:
    """Seconds, and what each of the tasks asks for."""

    submitted: int
    runtime: int
    requested: int
    tasks: int
    cpus: int
    cards: int
    share: int


@dataclass(frozen=True)
class Group:
    nodes: int
    cpus: int
    cards: int


JOBS = st.lists(
    st.builds(
        lambda submitted, runtime, slack, tasks, cpus, cards, share: Asked(
            submitted, runtime, runtime + slack, tasks, cpus, cards, share if cards == 1 else 1000
        ),
        st.integers(0, 2000),
        st.integers(1, 1500),
        st.sampled_from([0, 0, 1, 333]),
        st.sampled_from([1, 1, 2, 4]),
        st.integers(1, 4),
        st.sampled_from([0, 0, 0, 1, 2]),
        st.sampled_from([1000, 500, 250]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda job: job.submitted,
).map(lambda jobs: sorted(jobs, key=lambda job: job.submitted))
GROUPS = st.lists(st.builds(Group, st.integers(1, 2), st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=2)
KEPT = st.sampled_from([1, 2, 3, 100])
SCORES = st.sampled_from(["first_fit", "best_fit", "worst_fit", "packing", "dot_product", "packing=1,best_fit=0.5"])


@dataclass(frozen=True)
class Short:
    """What else may be short: power, in watts of devices, and the first node for a while. 0 where it is not."""

    cap_w: int = 0
    starts: int = 0
    ends: int = 0


PLENTY = Short()
DEVICE_W = 300
SHORT = st.builds(
    lambda cap_w, starts, lasts: Short(cap_w, starts, starts + lasts),
    st.sampled_from([0, 300, 600]),
    st.integers(1, 3000),
    st.integers(1, 1500),
)


def replayed(
    jobs: list[Asked], groups: list[Group], kept: int, score: str, short: Short = PLENTY
) -> tuple[list[int], bool]:
    """Starts in seconds, -1 where there is none; and whether no two things happen at once.

    A replay takes a turn after each of these, and a live center after all.
    """
    described = CenterDescription(
        groups=tuple(
            NodeGroup(
                prefix=f"g{place}-",
                count=group.nodes,
                cpu_milli=1000 * group.cpus,
                memory_bytes=64 * GIB,
                devices=(DeviceGroup(model="a100", count=group.cards, power=PowerRange(max_w=DEVICE_W)),)
                if group.cards
                else (),
            )
            for place, group in enumerate(groups)
        ),
        reservations=(SetAside(name="repair", starts_us=short.starts * SECOND, ends_us=short.ends * SECOND, count=1),)
        if short.ends
        else (),
        power_cap_w=short.cap_w,
    )
    trace = make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted * SECOND for job in jobs],
            "runtime_us": [job.runtime * SECOND for job in jobs],
            "requested_us": [job.requested * SECOND for job in jobs],
            "tasks": [job.tasks for job in jobs],
            "cpu_milli": [job.cpus * 1000 for job in jobs],
            "memory_bytes": [GIB] * len(jobs),
            "device_count": [job.cards for job in jobs],
            "device_share": [job.share for job in jobs],
        }
    )
    found = replay(trace, described, Policy(backfill=kept, score=score))
    started, ended = np.asarray(found.started_us), np.asarray(found.ended_us)
    events = [*trace.submitted_us.tolist(), *ended[ended < NEVER].tolist()]
    events += [at * SECOND for at in (short.starts, short.ends) if at]
    return seconds(started), len(set(events)) == len(events)


def live(jobs: list[Asked], groups: list[Group], kept: int, score: str, short: Short = PLENTY) -> list[int]:
    nodes = [
        node(f"g{place}-{number}", group.cpus, 64, *(gpu(index, watts=DEVICE_W) for index in range(group.cards)))
        for place, group in enumerate(groups)
        for number in range(group.nodes)
    ]
    story = Story.of(*nodes, policy=LivePolicy(score=score, reservations=kept))
    story.is_trusted = True
    for number, job in enumerate(jobs):
        devices = DeviceRequest(count=job.cards, share=job.share) if job.cards else None
        spec = replace(work(job.cpus, job.requested, devices), tasks=job.tasks)
        story.comes(f"w{number}", spec, job.submitted, job.runtime)
    if short.cap_w:
        story.center.cap_power(short.cap_w)
    if short.ends:
        # One node of each group, as the description has it.
        here = [f"g{place}-0" for place in range(len(groups))]
        story.center.reserve("repair", short.starts, short.ends, *here)
        story.live(short.starts).live(short.ends)
    starts = story.live().starts
    return [starts.get(f"w{number}", -1) for number in range(len(jobs))]


def possible(jobs: list[Asked], groups: list[Group]) -> bool:
    """Whether each could be held by the empty center; a replay lets what could not wait at the head for ever."""

    def room(job: Asked) -> int:
        found = 0
        for group in groups:
            of_cards = group.cards * (1000 // job.share) // job.cards if job.cards else 99
            found += group.nodes * min(group.cpus // job.cpus, of_cards)
        return found

    return all(room(job) >= job.tasks for job in jobs)


@settings(max_examples=60, deadline=None)
@given(JOBS, GROUPS, KEPT, SCORES)
def test_every_job_starts_when_it_starts_live(jobs: list[Asked], groups: list[Group], kept: int, score: str) -> None:
    jobs = [job for job in jobs if possible([job], groups)]
    assume(jobs)
    starts, is_one_by_one = replayed(jobs, groups, kept, score)
    assume(is_one_by_one)
    assert starts == live(jobs, groups, kept, score)


@settings(max_examples=60, deadline=None)
@given(JOBS, GROUPS, KEPT, SCORES, SHORT)
def test_and_so_it_does_where_nodes_are_set_aside_and_power_is_capped(
    jobs: list[Asked], groups: list[Group], kept: int, score: str, short: Short
) -> None:
    """Of each group one node is repaired for a while; nobody may ask for more power than there is."""
    jobs = [job for job in jobs if possible([job], groups)]
    watts = [-(-job.tasks * job.cards * job.share * DEVICE_W // 1000) for job in jobs]
    assume(jobs)
    assume(not short.cap_w or max(watts) <= short.cap_w)
    starts, is_one_by_one = replayed(jobs, groups, kept, score, short)
    assume(is_one_by_one)
    assert starts == live(jobs, groups, kept, score, short)


@pytest.mark.parametrize("kept", [1, 2, 100])
def test_a_day_that_can_be_followed_by_hand(kept: int) -> None:
    """Four cpus and a card. The third wants all cpus, the fourth passes it, the fifth would delay it."""
    jobs = [
        Asked(0, 50, 60, 1, 2, 1, 1000),
        Asked(3, 100, 100, 1, 1, 0, 1000),
        Asked(5, 20, 20, 1, 4, 0, 1000),
        Asked(7, 30, 90, 1, 1, 0, 1000),
        Asked(9, 1, 1000, 1, 1, 0, 1000),
    ]
    # The third has all cpus from 103 on; the fourth is done by 97 at the latest, and is at 37; the fifth would not be.
    expected = [0, 3, 103, 7, 123]
    groups = [Group(1, 4, 1)]
    assert replayed(jobs, groups, kept, "first_fit") == (expected, True)
    assert live(jobs, groups, kept, "first_fit") == expected
