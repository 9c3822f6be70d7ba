"""Replays of work whose devices must be near each other: who waits for a group, and where nothing is known of links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suanli.kernel.replay.center import CenterDescription, from_mapping, from_nodes
from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
from suanli.model import facts
from suanli.model.devices import DeviceClass, DeviceRequest, Interconnect
from suanli.model.discovery import Distance
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import SYSTEM, Fact, RecordedFact
from suanli.model.ids import FactSeq, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Device
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.testing.builders import allocation, node
from tests.unit.kernel.replay.plain import SECOND, seconds

LINK, NODE = Interconnect.LINK, Interconnect.NODE
EIGHT: dict[str, Any] = {"cpus": 64, "memory": "1TiB", "devices": [{"model": "A100", "count": 8}]}
FOURS = {**EIGHT, "links": {"link": 4}}


def center(*groups: dict[str, object]) -> CenterDescription:
    return from_mapping({"nodes": [*groups]})


def trace_of(*rows: tuple[int, int, int, int, int]) -> Trace:
    """Submitted, runtime, tasks, devices of each, and how far apart these may be."""
    submitted, runtime, tasks, devices, apart = (np.array(column) for column in zip(*rows, strict=True))
    return make_trace(
        {
            "number": np.arange(len(rows)),
            "submitted_us": submitted * SECOND,
            "runtime_us": runtime * SECOND,
            "requested_us": runtime * SECOND,
            "tasks": tasks,
            "device_count": devices,
            "interconnect": apart,
        }
    )


def starts(trace: Trace, described: CenterDescription, policy: str = "easy") -> list[int]:
    return seconds(replay(trace, described, POLICIES[policy]).started_us)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, {}),
        ({"link": 4}, {LINK: ((0, 1, 2, 3), (4, 5, 6, 7))}),
        ({"link": 3}, {LINK: ((0, 1, 2), (3, 4, 5), (6, 7))}),
        ({"link": 99}, {LINK: (tuple(range(8)),)}),
        ({"node": [[4, 1], [2, 3, 7]]}, {NODE: ((4, 1), (2, 3, 7))}),
        ({"node": 8, "link": []}, {LINK: (), NODE: (tuple(range(8)),)}),
    ],
)
def test_links_are_groups_or_how_many_neighbours(links: object, expected: object) -> None:
    (group,) = center({**EIGHT, "links": links}).groups
    assert group.links == expected


@pytest.mark.parametrize(
    ("links", "field"),
    [
        ({"nvlink": 4}, "nodes.0.links.nvlink"),
        ([4], "nodes.0.links"),
        ({"link": 0}, "nodes.0.links.link"),
        ({"link": "4"}, "nodes.0.links.link"),
        ({"link": True}, "nodes.0.links.link"),
        ({"link": [4]}, "nodes.0.links.link"),
        ({"link": [[0, 8]]}, "nodes.0.links.link"),
        ({"link": [[0, -1]]}, "nodes.0.links.link"),
        ({"link": [[0, "1"]]}, "nodes.0.links.link"),
    ],
)
def test_what_is_no_link_is_named(links: object, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        center({**EIGHT, "links": links})
    assert refused.value.field == field


def test_the_tables_say_which_devices_are_near_and_what_tasks_ask_for() -> None:
    described = center({**FOURS, "count": 2}, {**EIGHT, "devices": [{"model": "A100", "count": 3}]})
    tables = build(trace_of((0, 1, 1, 2, Distance.LINK), (0, 1, 1, 2, 0)), described, EASY)
    column = tables.devices[:, :, t.NEAR].tolist()
    assert [divmod(row, 64) for row in column[0]] == [(6, 0), (1, 1), (1, 2), (1, 3), (6, 4), (1, 5), (1, 6), (1, 7)]
    assert column[1] == column[0]
    assert column[2] == [0] * 8
    assert tables.devices[2, :, [t.TYPE, t.HEALTHY, t.FREE]].T.tolist() == [[0, 1, 1000]] * 3 + [[-1, 0, 0]] * 5
    assert tables.shapes[tables.jobs[:, t.SHAPE], t.APART].tolist() == [Distance.LINK, 0]
    assert described.is_linked
    assert described.scaled(3).is_linked


@pytest.mark.parametrize("policy", ["easy", "conservative", "fcfs", "easy-sjbf"])
def test_who_lacks_a_group_waits_for_it(policy: str) -> None:
    # A run in each group: three of one until 10, one of the other until 20.
    trace = trace_of((0, 10, 1, 3, 1), (0, 20, 1, 3, 1), (1, 5, 1, 4, 1), (2, 3, 1, 2, 0), (3, 50, 1, 1, 0))
    expected = {"fcfs": [0, 0, 10, 15, 15]}.get(policy, [0, 0, 10, 2, 5])
    assert starts(trace, center(FOURS), policy) == expected


def test_without_a_bound_as_many_anywhere_will_do() -> None:
    trace = trace_of((0, 10, 1, 3, 1), (0, 20, 1, 3, 1), (1, 5, 1, 2, 0))
    assert starts(trace, center(FOURS)) == [0, 0, 1]


def test_what_no_node_links_never_starts() -> None:
    assert starts(trace_of((0, 10, 1, 5, 1), (0, 10, 2, 4, 1)), center(FOURS, EIGHT)) == [-1, 0]


def test_where_no_links_are_said_nothing_is_counted() -> None:
    described = center(EIGHT)
    assert not described.is_linked
    assert starts(trace_of((0, 10, 1, 5, 1), (0, 10, 1, 3, 1)), described) == [0, 0]


def test_a_hungry_node_without_links_does_not_count_for_power() -> None:
    def drawing(watts: int) -> list[dict[str, object]]:
        return [{"model": f"M{watts}", "count": 8, "power": {"idle_w": 50, "max_w": 50 + watts}}]

    groups = [{**FOURS, "devices": drawing(100)}, {**EIGHT, "devices": drawing(400)}]
    described = replace(center(*groups), power_cap_w=10_000.0)
    for apart, devices, watts in ((1, 4, 400), (0, 4, 1600), (1, 2, 200), (5, 5, 0)):
        tables = build(trace_of((0, 1, 1, devices, apart)), described, EASY)
        assert tables.kinds[tables.jobs[0, t.KIND], t.DRAWS] == watts * 1000


@pytest.mark.parametrize(("value", "is_allowed"), [(-1, False), (0, True), (5, True), (6, False)])
def test_a_trace_tells_a_distance_between_different_devices(value: int, is_allowed: bool) -> None:
    if is_allowed:
        assert trace_of((0, 1, 1, 2, value)).interconnect.tolist() == [value]
        return
    with pytest.raises(InvalidRequestError) as refused:
        trace_of((0, 1, 1, 2, value))
    assert refused.value.field == "interconnect.0"


def device(index: int, model: str = "A100") -> Device:
    return Device(index=index, device_class=DeviceClass.GPU, model=model, memory_bytes=80)


def test_nodes_on_record_are_told_apart_by_their_links() -> None:
    cards = tuple(device(index) for index in (1, 2, 3))
    links: dict[Interconnect, tuple[tuple[int, ...], ...]] = {LINK: ((1, 3),), NODE: ((1, 2, 3, 9),)}
    nodes = [replace(node(name), devices=cards) for name in "abc"]
    described = from_nodes([replace(nodes[0], links=links), nodes[1], replace(nodes[2], links=links)])
    assert [(one.count, one.links) for one in described.groups] == [(2, {LINK: ((0, 2),), NODE: ((0, 1, 2),)}), (1, {})]


def test_the_places_are_those_of_the_devices_in_the_order_of_their_groups() -> None:
    cards = (device(0, "T4"), device(1), device(2, "T4"), device(3))
    (group,) = from_nodes([replace(node("a"), devices=cards, links={LINK: ((0, 1), (2, 3))})]).groups
    assert [(one.model, one.count) for one in group.devices] == [("A100", 2), ("T4", 2)]
    assert group.links == {LINK: ((2, 0), (3, 1))}


def recorded(*told: Fact) -> Sequence[RecordedFact]:
    return [
        RecordedFact(seq=FactSeq(seq), at=Instant(seq * SECOND), actor=SYSTEM, fact=fact)
        for seq, fact in enumerate(told, start=1)
    ]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (DeviceRequest(count=2, interconnect=Interconnect.BRIDGE), Distance.BRIDGE),
        (DeviceRequest(count=2), 0),
        (DeviceRequest(count=1, interconnect=LINK), 0),
        (None, 0),
    ],
)
def test_our_own_facts_say_what_was_asked_for(request_: DeviceRequest | None, expected: int) -> None:
    first, run = WorkloadId(1), run_id(WorkloadId(1), 1)
    spec = WorkloadSpec(command=("true",), resources=TaskResources(devices=request_))
    trace = read_facts(
        recorded(
            facts.WorkloadSubmitted(first=first, count=1, owner=UserName("ann"), spec=spec),
            facts.RunPlaced(workload=first, run=run, allocation=allocation()),
            facts.RunStarted(workload=first, run=run, started_at=Instant(3 * SECOND)),
            facts.RunEnded(workload=first, run=run, cause=EndCause.EXITED, ended_at=Instant(9 * SECOND)),
        )
    )
    assert trace.interconnect.tolist() == [expected]
