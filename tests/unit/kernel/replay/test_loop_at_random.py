"""Replays of random traces on random centers with memory and devices: what is held never exceeds what there is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core.tables import NEVER

SECOND = 1_000_000
MODELS = ("A", "B")


@dataclass(frozen=True)
class Asked:
    """Seconds, and what each of the tasks asks for."""

    submitted: int
    runtime: int
    slack: int
    tasks: int
    cpu: int
    memory: int
    devices: int
    share: int
    models: int


GROUPS = st.lists(
    st.builds(
        lambda count, cpus, memory, devices: NodeGroup(
            prefix="n",
            count=count,
            cpu_milli=1000 * cpus,
            memory_bytes=memory,
            devices=tuple(DeviceGroup(model=model, count=several) for model, several in devices),
        ),
        st.integers(1, 3),
        st.integers(1, 6),
        st.integers(0, 8),
        st.lists(st.tuples(st.sampled_from(MODELS), st.integers(1, 2)), max_size=2),
    ),
    min_size=1,
    max_size=3,
).map(lambda groups: CenterDescription(groups=tuple(groups)))

JOBS = st.lists(
    st.builds(
        Asked,
        submitted=st.integers(0, 20),
        runtime=st.integers(1, 15),
        slack=st.integers(0, 10),
        tasks=st.integers(1, 4),
        cpu=st.sampled_from([250, 500, 1000, 2500]),
        memory=st.integers(0, 4),
        devices=st.sampled_from([0, 0, 1, 2]),
        share=st.sampled_from([300, 500, 1000]),
        models=st.sampled_from([0, 1, 2, 3]),
    ),
    max_size=18,
).map(lambda jobs: sorted(jobs, key=lambda job: job.submitted))


def trace_of(jobs: list[Asked]) -> Trace:
    return make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted * SECOND for job in jobs],
            "runtime_us": [job.runtime * SECOND for job in jobs],
            "requested_us": [(job.runtime + job.slack) * SECOND for job in jobs],
            "tasks": [job.tasks for job in jobs],
            "cpu_milli": [job.cpu for job in jobs],
            "memory_bytes": [job.memory for job in jobs],
            "device_count": [job.devices for job in jobs],
            "device_share": [job.share if job.devices else 1000 for job in jobs],
            "device_models": [job.models if job.devices else 0 for job in jobs],
        },
        models=MODELS,
    )


def fits_one_node(job: Asked, group: NodeGroup) -> int:
    """How many tasks an empty node of a group holds."""
    most = 99
    if job.cpu:
        most = min(most, group.cpu_milli // job.cpu)
    if job.memory:
        most = min(most, group.memory_bytes // job.memory)
    if job.devices:
        will_do = [
            device.count for device in group.devices if not job.models or job.models >> MODELS.index(device.model) & 1
        ]
        most = min(most, sum(will_do) * (1000 // job.share) // job.devices)
    return most


def could_run(job: Asked, center: CenterDescription) -> bool:
    return sum(group.count * min(fits_one_node(job, group), job.tasks) for group in center.groups) >= job.tasks


def running(jobs: list[Asked], outcome: Outcome, instant: int) -> list[Asked]:
    pairs = zip(jobs, outcome.started_us.tolist(), outcome.ended_us.tolist(), strict=True)
    return [job for job, start, end in pairs if start <= instant < end]


POLICIES = {
    "easy": Policy(),
    "nobody passes": Policy(backfill="none"),
    "conservative": Policy(backfill="conservative"),
    "two reservations": Policy(backfill=2),
    "best fit": Policy(score="best_fit"),
    "worst fit, shortest first": Policy(score="worst_fit", order="sjf"),
    "wfp3": Policy(order="wfp3"),
    "predictions believed": Policy(prediction="last_two", believed=True, shortest_first=True),
}


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=25)
@given(jobs=JOBS, center=GROUPS)
def test_what_is_held_is_what_runs_and_no_more_than_there_is(
    name: str, jobs: list[Asked], center: CenterDescription
) -> None:
    outcome = replay(trace_of(jobs), center, POLICIES[name])
    memory = sum(group.count * group.memory_bytes for group in center.groups)
    for place, instant in enumerate(outcome.time_us.tolist()):
        held = running(jobs, outcome, instant)
        assert outcome.running[place] == len(held)
        assert outcome.cpu_milli[place] == sum(job.tasks * job.cpu for job in held) <= center.cpu_milli
        shares = sum(job.tasks * job.devices * job.share for job in held)
        assert outcome.device_share[place] == shares <= center.device_share
        assert sum(job.tasks * job.memory for job in held) <= memory


@pytest.mark.parametrize("name", ["easy", "conservative", "worst fit, shortest first"])
@settings(max_examples=25)
@given(jobs=JOBS, center=GROUPS)
def test_all_that_could_run_alone_runs_and_nothing_else_does(
    name: str, jobs: list[Asked], center: CenterDescription
) -> None:
    outcome = replay(trace_of(jobs), center, POLICIES[name])
    for job, start, end in zip(jobs, outcome.started_us.tolist(), outcome.ended_us.tolist(), strict=True):
        assert (start < NEVER) is could_run(job, center)
        if start < NEVER:
            assert start >= job.submitted * SECOND
            assert end - start == job.runtime * SECOND


@settings(max_examples=25)
@given(jobs=JOBS, center=GROUPS)
def test_without_backfill_nobody_passes_anybody(jobs: list[Asked], center: CenterDescription) -> None:
    starts = replay(trace_of(jobs), center, Policy(backfill="none")).started_us.tolist()
    assert all(one <= other for one, other in pairwise(starts))


@settings(max_examples=25)
@given(jobs=JOBS, center=GROUPS)
def test_an_end_is_always_followed_by_a_look_at_who_waits(jobs: list[Asked], center: CenterDescription) -> None:
    outcome = replay(trace_of(jobs), center, Policy())
    instants = set(outcome.time_us.tolist())
    ends = {end for end in outcome.ended_us.tolist() if end < NEVER}
    assert ends <= instants
    # Work starts when it comes, or when something ends.
    submitted = {job.submitted * SECOND for job in jobs}
    assert {start for start in outcome.started_us.tolist() if start < NEVER} <= submitted | ends


@settings(max_examples=30)
@given(jobs=JOBS, center=GROUPS)
def test_with_exact_limits_conservative_backfill_never_starts_anybody_later_than_without_backfill(
    jobs: list[Asked], center: CenterDescription
) -> None:
    """On one node that holds devices of one model nothing but amounts matters; then a reservation is a promise."""
    exact = [Asked(**{**vars(job), "slack": 0, "devices": 0, "memory": 0}) for job in jobs]
    one = CenterDescription(groups=(NodeGroup(prefix="n", count=1, cpu_milli=center.cpu_milli, memory_bytes=0),))
    plain, passing = (
        replay(trace_of(exact), one, Policy(backfill=backfill)).started_us for backfill in ("none", "conservative")
    )
    could = np.array([could_run(job, one) for job in exact], dtype=np.bool_)
    assert (passing[could] <= plain[could]).all()
