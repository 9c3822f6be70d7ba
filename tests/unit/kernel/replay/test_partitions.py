"""Parts of devices in replays: what a center's description says, what tables then do, and which starts come of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suanli.adapters.devices.partitions_known import templates_of
from suanli.kernel.replay.center import CenterDescription, from_mapping, from_nodes
from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import SYSTEM, Fact, RecordedFact, RunEnded, RunPlaced, RunStarted, WorkloadSubmitted
from suanli.model.ids import FactSeq, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Device
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.testing.builders import allocation, node
from tests.unit.kernel.replay.plain import SECOND, seconds
from tests.unit.kernel.scheduling.core.parted import A30, A100

NEVER = -1


def group(model: str = "A30", count: int = 1, partitions: object = True, **more: Any) -> dict[str, Any]:
    devices = [{"model": model, "count": count, "partitions": partitions}]
    return {"cpus": 64, "memory": "1TiB", "devices": devices, **more}


def center(*groups: dict[str, Any], **more: Any) -> CenterDescription:
    return from_mapping({"nodes": [*groups], **more}, templates_of)


Row = tuple[int, int, int, str]
"""Submitted, runtime, devices of a task, and their partition."""


def trace_of(*rows: Row, tasks: int = 1) -> Trace:
    submitted, runtime, count, names = zip(*rows, strict=True)
    partitions = tuple(dict.fromkeys(["", *names]))
    shares = {"": 1000, "1g.6gb": 250, "2g.12gb": 500, "4g.24gb": 1000}
    return make_trace(
        {
            "number": np.arange(len(rows)),
            "submitted_us": np.array(submitted) * SECOND,
            "runtime_us": np.array(runtime) * SECOND,
            "requested_us": np.array(runtime) * SECOND,
            "tasks": [tasks] * len(rows),
            "device_count": count,
            "device_share": [shares.get(name, 142) for name in names],
            "partition": [partitions.index(name) for name in names],
        },
        names={"partitions": partitions},
    )


def starts(trace: Trace, described: CenterDescription, policy: str = "easy") -> list[int]:
    found = replay(trace, described, POLICIES[policy]).started_us
    return [NEVER if one >= t.NEVER else second for one, second in zip(found, seconds(found), strict=True)]


def test_the_catalogue_says_by_what_a_model_is_parted() -> None:
    described = center(group("A30"), group("H100", partitions=["1g.10gb", "3g.40gb"]), group("T4", partitions=False))
    assert described.partitions == {
        "A30": templates_of("A30"),
        "H100": tuple(one for one in templates_of("H100") if one.name in {"1g.10gb", "3g.40gb"}),
        "T4": (),
    }


@pytest.mark.parametrize(
    ("groups", "field", "word"),
    [
        ([group("T4")], "nodes.0.devices.0.partitions", "knows no templates"),
        ([group("A100")], "nodes.0.devices.0.partitions", "knows no templates"),
        ([group("A30", partitions=["1g.5gb"])], "nodes.0.devices.0.partitions.0", "no template of it"),
        ([group("A30", partitions="1g.6gb")], "nodes.0.devices.0.partitions", "must be a list"),
        ([group("A30"), group("A30", partitions=False)], "nodes", "in different ways"),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused(groups: list[dict[str, Any]], field: str, word: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        center(*groups)
    assert refused.value.field == field
    assert word in refused.value.detail


def test_without_a_catalogue_nothing_is_parted() -> None:
    with pytest.raises(InvalidRequestError):
        from_mapping({"nodes": [group("A30")]})
    assert from_mapping({"nodes": [group("A30", partitions=False)]}).partitions == {"A30": ()}


def test_tables_say_of_each_shape_what_part_of_which_device_it_asks_for() -> None:
    described = center(group("A30"), group("H100"))
    tables = build(trace_of((0, 1, 1, "1g.6gb"), (0, 1, 1, "1g.10gb"), (0, 1, 1, ""), (0, 1, 1, "9g")), described, EASY)
    rows = tables.shapes[tables.jobs[:, t.SHAPE]]
    assert rows[:, t.PARTED].tolist() == [1, 1, 0, 1]
    assert rows[:, t.TYPES].tolist() == [0b01, 0b10, 0b11, 0]
    assert (rows[:, t.PARTS_OF : t.PARTS_OF + 2] > 0).tolist() == [
        [True, False],
        [False, True],
        [False, False],
        [False] * 2,
    ]


def test_a_trace_without_parts_has_tables_without_them() -> None:
    tables = build(trace_of((0, 1, 1, "")), center(group("A30")), EASY)
    assert tables.shapes.shape[1] == t.PARTS_OF


def test_parts_run_side_by_side_and_a_whole_device_after_the_last() -> None:
    trace = trace_of(
        (0, 10, 1, "2g.12gb"), (0, 20, 1, "1g.6gb"), (0, 5, 1, "2g.12gb"), (1, 9, 1, ""), (2, 3, 1, "1g.6gb")
    )
    # The third needs a pair: the second has broken one, so it waits for the first; the whole device for all.
    assert starts(trace, center(group())) == [0, 0, 10, 20, 2]


def test_a_device_is_not_parted_while_it_is_whole_with_somebody() -> None:
    assert starts(trace_of((0, 10, 1, ""), (1, 5, 1, "1g.6gb")), center(group())) == [0, 10]
    assert starts(trace_of((0, 10, 1, ""), (1, 5, 1, "1g.6gb")), center(group(count=2))) == [0, 1]


@pytest.mark.parametrize("policy", ["easy", "conservative"])
def test_what_is_promised_comes_true_under_every_way_to_backfill(policy: str) -> None:
    trace = trace_of((0, 10, 1, "2g.12gb"), (1, 5, 1, "4g.24gb"), (2, 20, 1, "2g.12gb"), (2, 8, 1, "2g.12gb"))
    # The whole of it is free at 10; the long pair would be in its way, the short one is not.
    assert starts(trace, center(group()), policy) == [0, 10, 15, 2]


@pytest.mark.parametrize("score", ["best_fit", "fragmentation", "packing", "first_fit"])
def test_parts_share_devices_as_scores_would_have_it(score: str) -> None:
    from dataclasses import replace  # noqa: PLC0415

    policy = replace(POLICIES["easy"], score=score)
    trace = trace_of(*[(second, 100, 1, "1g.6gb") for second in range(8)], (9, 5, 1, ""))
    found = replay(trace, center(group(count=3)), policy)
    # Two devices are full of parts, the third is still whole.
    assert seconds(found.started_us) == [*range(8), 9]


def test_who_asks_for_what_no_device_is_parted_by_never_starts() -> None:
    assert starts(trace_of((0, 1, 1, "1g.5gb"), (0, 1, 1, "1g.6gb")), center(group())) == [NEVER, 0]


def test_a_power_cap_counts_parts_of_the_board() -> None:
    described = center(group(), power_cap_w=150)
    devices = [{"model": "A30", "count": 1, "partitions": True, "power": {"max_w": 200}}]
    described = center({"cpus": 64, "memory": "1TiB", "devices": devices}, power_cap_w=150)
    trace = trace_of((0, 10, 1, "2g.12gb"), (0, 10, 1, "2g.12gb"), (0, 10, 1, "1g.6gb"), (0, 10, 1, "4g.24gb"))
    assert starts(trace, described) == [0, 10, 0, NEVER]


def facts(*specs: WorkloadSpec) -> list[RecordedFact]:
    found: list[tuple[Instant, Fact]] = []
    for number, spec in enumerate(specs, start=1):
        workload, run = WorkloadId(number), run_id(WorkloadId(number), 1)
        told: list[tuple[int, Fact]] = [
            (0, WorkloadSubmitted(first=workload, count=1, owner=UserName("ann"), spec=spec)),
            (1, RunPlaced(workload=workload, run=run, allocation=allocation())),
            (1, RunStarted(workload=workload, run=run, started_at=Instant(SECOND))),
            (5, RunEnded(workload=workload, run=run, cause=EndCause.EXITED, exit_code=0, ended_at=Instant(5 * SECOND))),
        ]
        found += [(Instant(second * SECOND), fact) for second, fact in told]
    return [
        RecordedFact(seq=FactSeq(place), at=at, actor=SYSTEM, fact=fact)
        for place, (at, fact) in enumerate(found, start=1)
    ]


def test_our_own_facts_tell_what_parts_were_asked_for() -> None:
    part = TaskResources(devices=DeviceRequest(partition="2g.12gb", count=2))
    trace = read_facts(facts(WorkloadSpec(command=("a",), resources=part), WorkloadSpec(command=("a",))))
    assert [trace.partitions[place] for place in trace.partition.tolist()] == ["2g.12gb", ""]
    assert trace.device_share.tolist() == [500, 1000]
    assert trace.devices_total.tolist() == [1000, 0]


def test_nodes_on_record_are_parted_as_their_engine_says_and_whole_where_parts_are_made() -> None:
    def gpu(model: str, *, is_parted: bool = False) -> Device:
        ways = A100 if model == "a" else A30
        return Device(index=0, device_class=DeviceClass.GPU, model=model, partitions=ways, is_parted=is_parted)

    described = from_nodes([node("n1", devices=(gpu("a"),)), node("n2", devices=(gpu("b", is_parted=True),))])
    assert described.partitions == {"a": A100, "b": ()}
