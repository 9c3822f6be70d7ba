"""One and the same day, written down in each format that can be read, is one and the same trace and replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.formats.gavel import read_gavel
from suanli.kernel.replay.formats.openb import read_tasks
from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.formats.swf import read_swf
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Column, Trace
from suanli.model import facts
from suanli.model.devices import DeviceRequest
from suanli.model.facts import SYSTEM, Fact, RecordedFact
from suanli.model.ids import FactSeq, ProjectName, QueueName, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause

SECOND = 1_000_000
BEGAN = 1_700_000_000
"""When the day began, where a format says such a thing, in seconds since the epoch."""
RATE = 4
"""Steps a second, where work is told in steps."""
COLUMNS: tuple[Column, ...] = ("number", "submitted_us", "runtime_us", "requested_us", "tasks", "cpu_milli")


@dataclass(frozen=True)
class Job:
    """In seconds; as many tasks, each of a cpu and, where asked for, a device."""

    number: int
    submitted: int
    waited: int
    runtime: int
    requested: int
    tasks: int
    device: bool = False
    user: int = 0
    group: int = 0
    queue: int = 0

    @property
    def start(self) -> int:
        return self.submitted + self.waited

    @property
    def end(self) -> int:
        return self.start + self.runtime


@st.composite
def days(draw: st.DrawFn) -> list[Job]:
    """The first job comes at the origin: some formats take their origin from it."""
    jobs, now = [], 0
    for number in range(draw(st.integers(1, 10))):
        runtime = draw(st.integers(1, 500))
        jobs.append(
            Job(
                number + 1,
                now,
                draw(st.integers(0, 50)),
                runtime,
                60 * draw(st.integers(1, 9)),
                draw(st.integers(1, 6)),
                user=draw(st.integers(0, 3)),
                group=draw(st.integers(0, 2)),
                queue=draw(st.integers(0, 2)),
            )
        )
        now += draw(st.integers(0, 90))
    return jobs


def as_swf(jobs: Sequence[Job]) -> Trace:
    lines = [
        f"{one.number} {one.submitted} {one.waited} {one.runtime} {one.tasks} -1 -1 {one.tasks} {one.requested} -1 1 "
        f"{one.user} {one.group} -1 {one.queue} -1 -1 -1"
        for one in jobs
    ]
    return read_swf("\n".join(["; Version: 2.2", *lines])).trace


def as_accounts(jobs: Sequence[Job]) -> Trace:
    header = "JobIDRaw|Submit|Start|End|ElapsedRaw|TimelimitRaw|NCPUS|NNodes|AllocTRES|User|Account|Partition"
    rows = [
        f"{one.number}|{BEGAN + one.submitted}|{BEGAN + one.start}|{BEGAN + one.end}|{one.runtime}"
        f"|{one.requested // 60}"
        f"|{one.tasks}|{one.tasks}|cpu={one.tasks},gres/gpu={one.tasks * one.device}|{one.user}|{one.group}|{one.queue}"
        for one in jobs
    ]
    return read_sacct("\n".join([header, *rows]))


def as_facts(jobs: Sequence[Job]) -> Trace:
    told: list[tuple[int, Fact]] = []
    for one in jobs:
        workload, run = WorkloadId(one.number), run_id(WorkloadId(one.number), 1)
        spec = WorkloadSpec(
            tasks=one.tasks,
            resources=TaskResources(cpu_milli=1000, memory_bytes=0, devices=DeviceRequest() if one.device else None),
            time_limit_s=one.requested,
            project=ProjectName(str(one.group)),
            queue=QueueName(str(one.queue)),
        )
        submitted = facts.WorkloadSubmitted(first=workload, count=1, owner=UserName(str(one.user)), spec=spec)
        started = facts.RunStarted(workload=workload, run=run, started_at=Instant((BEGAN + one.start) * SECOND))
        ended = facts.RunEnded(
            workload=workload, run=run, cause=EndCause.EXITED, ended_at=Instant((BEGAN + one.end) * SECOND)
        )
        told += [(one.submitted, submitted), (one.start, started), (one.end, ended)]
    in_time = sorted(enumerate(told), key=lambda entry: (entry[1][0], entry[0]))
    return read_facts(
        RecordedFact(seq=FactSeq(seq), at=Instant((BEGAN + at) * SECOND), actor=SYSTEM, fact=fact)
        for seq, (_, (at, fact)) in enumerate(in_time, start=1)
    )


def as_tasks(jobs: Sequence[Job]) -> Trace:
    """Numbers count the lines from 0, and what was asked for is what it ran."""
    header = "cpu_milli,memory_mib,num_gpu,gpu_milli,qos,creation_time,deletion_time,scheduled_time"
    rows = [f"1000,0,{int(one.device)},0,{one.queue},{one.submitted},{one.end},{one.start}" for one in jobs]
    return read_tasks("\n".join([header, *rows]))


def as_training(jobs: Sequence[Job]) -> Trace:
    """Numbers count the lines from 0, and what was asked for is what it ran."""
    rows = [f"{one.user}\tpython3\t.\t-n\t1\t{RATE * one.runtime}\t{one.tasks}\t1\t-1\t{one.submitted}" for one in jobs]
    rates = {"A": {(str(one.user), one.tasks): float(RATE) for one in jobs}}
    return read_gavel("\n".join(rows), rates, "A")


def columns(trace: Trace, *names: Column) -> list[list[int]]:
    return [getattr(trace, name).tolist() for name in names]


def names(trace: Trace) -> list[list[str]]:
    """Whose each job was: a user's and a project's name, and the queue."""
    pairs = ((trace.users, trace.user), (trace.projects, trace.project), (trace.queues, trace.queue))
    return [[known[code] for code in codes.tolist()] for known, codes in pairs]


CPUS = CenterDescription(groups=(NodeGroup(prefix="n", count=2, cpu_milli=4000, memory_bytes=2**30),))
CARDS = CenterDescription(
    groups=(
        NodeGroup(prefix="n", count=3, cpu_milli=4000, memory_bytes=2**30, devices=(DeviceGroup(model="A", count=2),)),
    )
)


@settings(max_examples=30)
@given(days())
def test_a_log_accounts_and_our_own_facts_tell_the_same_day(jobs: list[Job]) -> None:
    log, accounts, own = as_swf(jobs), as_accounts(jobs), as_facts(jobs)
    assert columns(log, *COLUMNS) == columns(accounts, *COLUMNS) == columns(own, *COLUMNS)
    assert names(log) == names(accounts) == names(own)
    assert (log.dropped, accounts.dropped, own.dropped) == (0, 0, 0)
    starts = [replay(one, CPUS, POLICIES["easy"]).started_us.tobytes() for one in (log, accounts, own)]
    assert starts[0] == starts[1] == starts[2]


@settings(max_examples=30)
@given(days())
def test_with_a_device_each_accounts_facts_tasks_and_training_tell_the_same_day(jobs: list[Job]) -> None:
    """Each of one task, with the run time as the limit: that is what the lists of tasks and of training can tell."""
    exact = [Job(one.number, one.submitted, one.waited, 60 * one.tasks, 60 * one.tasks, 1, device=True) for one in jobs]
    told = [as_accounts(exact), as_facts(exact), as_tasks(exact), as_training(exact)]
    asked: tuple[Column, ...] = ("device_count", "device_share", "device_models", *COLUMNS[1:])
    assert all(columns(one, *asked) == columns(told[0], *asked) for one in told)
    assert told[2].number.tolist() == told[3].number.tolist() == [one.number - 1 for one in exact]
    outcomes = [replay(one, CARDS, POLICIES["conservative"]) for one in told]
    assert len({outcome.started_us.tobytes() for outcome in outcomes}) == 1
    assert len({outcome.device_share.tobytes() for outcome in outcomes}) == 1


@pytest.mark.parametrize(
    ("write", "users", "queues", "devices"),
    [
        pytest.param(as_swf, ["2", "1", "2"], ["1", "1", "0"], 0, id="a log, which knows of no devices"),
        pytest.param(as_accounts, ["2", "1", "2"], ["1", "1", "0"], 1, id="accounts"),
        pytest.param(as_facts, ["2", "1", "2"], ["1", "1", "0"], 1, id="our own facts"),
        pytest.param(as_tasks, ["", "", ""], ["1", "1", "0"], 1, id="a list of tasks, which are nobody's"),
        pytest.param(as_training, ["", "", ""], ["", "", ""], 1, id="training, which is nobody's and of no queue"),
    ],
)
def test_a_small_day_by_hand_in_each_format(
    write: Callable[[Sequence[Job]], Trace], users: list[str], queues: list[str], devices: int
) -> None:
    """Three jobs that ask for just what they run, each of one task with a device where the format knows of such."""
    jobs = [
        Job(1, 0, 5, 120, 120, 1, device=True, user=2, queue=1),
        Job(2, 30, 0, 60, 60, 1, device=True, user=1, queue=1),
        Job(3, 30, 9, 180, 180, 1, device=True, user=2, queue=0),
    ]
    trace = write(jobs)
    assert (trace.submitted_us // SECOND).tolist() == [0, 30, 30]
    assert (trace.runtime_us // SECOND).tolist() == (trace.requested_us // SECOND).tolist() == [120, 60, 180]
    assert trace.device_count.tolist() == [devices] * 3
    assert trace.cpu_milli.tolist() == [1000] * 3
    assert (names(trace)[0], names(trace)[2]) == (users, queues)
