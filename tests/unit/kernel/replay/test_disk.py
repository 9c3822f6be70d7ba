"""Replays of work that asks for local disk: who waits for it, how much of it was held, and where nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from suanli.kernel.replay.center import CenterDescription, from_mapping, from_nodes
from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.resources import resources
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
from suanli.model import facts
from suanli.model.facts import SYSTEM, Fact, RecordedFact
from suanli.model.ids import FactSeq, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.testing.builders import allocation, node
from tests.unit.kernel.replay.plain import SECOND, seconds

GIB = 1024**3
PLAIN = {"count": 2, "cpus": 4, "memory": "1TiB", "disk": "10GiB"}


def center(*groups: dict[str, object]) -> CenterDescription:
    return from_mapping({"nodes": [*groups]})


def trace_of(*rows: tuple[int, int, int, int]) -> Trace:
    """Submitted, runtime, tasks, GiB of disk of each."""
    submitted, runtime, tasks, disk = (np.array(column) for column in zip(*rows, strict=True))
    return make_trace(
        {
            "number": np.arange(len(rows)),
            "submitted_us": submitted * SECOND,
            "runtime_us": runtime * SECOND,
            "requested_us": runtime * SECOND,
            "tasks": tasks,
            "disk_bytes": disk * GIB,
        }
    )


def starts(trace: Trace, described: CenterDescription, policy: str = "easy") -> list[int]:
    return seconds(replay(trace, described, POLICIES[policy]).started_us)


def test_the_tables_say_what_nodes_have_and_tasks_ask_for() -> None:
    described = center(PLAIN, {**PLAIN, "count": 1, "disk": 0})
    tables = build(trace_of((0, 1, 1, 3), (0, 1, 1, 0)), described, EASY)
    assert (tables.nodes[:, t.DISK] // GIB).tolist() == [10, 10, 0]
    assert (tables.nodes[:, t.FREE_DISK] == tables.nodes[:, t.DISK]).all()
    assert (tables.shapes[tables.jobs[:, t.SHAPE], t.TASK_DISK] // GIB).tolist() == [3, 0]
    assert described.disk_bytes == 20 * GIB
    assert described.scaled(3).disk_bytes == 60 * GIB


@pytest.mark.parametrize("policy", ["easy", "conservative", "fcfs", "easy-sjbf"])
def test_who_lacks_disk_waits_for_it(policy: str) -> None:
    # Two fit beside each other on each node; the last needs what one of them has.
    trace = trace_of((0, 10, 2, 6), (1, 10, 1, 5), (2, 10, 1, 4), (3, 5, 1, 4))
    expected = {"fcfs": [0, 10, 10, 10]}.get(policy, [0, 10, 2, 3])
    assert starts(trace, center(PLAIN), policy) == expected


def test_what_asks_for_none_goes_where_there_is_none() -> None:
    trace = trace_of((0, 10, 4, 0), (0, 10, 1, 1), (1, 10, 4, 0))
    assert starts(trace, center({**PLAIN, "count": 1, "disk": 0}, {**PLAIN, "count": 1})) == [0, 0, 10]


def test_more_than_a_node_has_never_starts() -> None:
    assert starts(trace_of((0, 10, 1, 11), (0, 10, 1, 10)), center(PLAIN)) == [-1, 0]


def test_where_no_node_is_said_to_have_any_nothing_is_counted() -> None:
    trace = trace_of((0, 10, 1, 11), (0, 10, 1, 999))
    described = center({"count": 1, "cpus": 4, "memory": "1TiB"})
    assert starts(trace, described) == [0, 0]
    assert list(resources(trace, replay(trace, described, POLICIES["easy"]), described)) == ["cpu"]


def test_what_was_held_and_waited_for_is_told_where_the_trace_speaks_of_it() -> None:
    trace, described = trace_of((0, 10, 2, 6), (5, 10, 1, 5)), center(PLAIN)
    found = resources(trace, replay(trace, described, POLICIES["easy"]), described)
    assert list(found) == ["cpu", "disk"]
    disk = found["disk"]
    assert disk.capacity == 20 * GIB
    assert [(disk.held / GIB).tolist(), (disk.waited_for / GIB).tolist()] == [[12, 12, 5, 0], [0, 5, 0, 0]]
    assert (disk.lost / GIB).tolist() == [0, 5, 0, 0]
    assert not disk.is_told
    silent = trace_of((0, 10, 2, 0))
    assert list(resources(silent, replay(silent, described, POLICIES["easy"]), described)) == ["cpu"]


def test_a_hungry_node_without_the_disk_does_not_count_for_power() -> None:
    groups = [{**PLAIN, "power": {"idle_w": 100, "max_w": 180}}, {**PLAIN, "disk": 0, "power": {"max_w": 400}}]
    described = replace(center(*groups), power_cap_w=1000.0)
    for disk, draws in ((1, 20_000), (0, 100_000)):
        tables = build(trace_of((0, 1, 1, disk)), described, EASY)
        assert tables.kinds[tables.jobs[0, t.KIND], t.DRAWS] == draws


def test_nodes_on_record_are_told_apart_by_their_disk() -> None:
    nodes = [node("a", disk_bytes=7), node("b", disk_bytes=7), node("c")]
    assert [(one.count, one.disk_bytes) for one in from_nodes(nodes).groups] == [(2, 7), (1, 0)]


def recorded(*told: Fact) -> Sequence[RecordedFact]:
    return [
        RecordedFact(seq=FactSeq(seq), at=Instant(seq * SECOND), actor=SYSTEM, fact=fact)
        for seq, fact in enumerate(told, start=1)
    ]


def test_our_own_facts_say_what_was_asked_for() -> None:
    first, run = WorkloadId(1), run_id(WorkloadId(1), 1)
    spec = WorkloadSpec(command=("true",), resources=TaskResources(disk_bytes=5 * GIB))
    trace = read_facts(
        recorded(
            facts.WorkloadSubmitted(first=first, count=1, owner=UserName("ann"), spec=spec),
            facts.RunPlaced(workload=first, run=run, allocation=allocation()),
            facts.RunStarted(workload=first, run=run, started_at=Instant(3 * SECOND)),
            facts.RunEnded(workload=first, run=run, cause=EndCause.EXITED, ended_at=Instant(9 * SECOND)),
        )
    )
    assert trace.disk_bytes.tolist() == [5 * GIB]
    assert trace.disk_total.tolist() == [5 * GIB]
