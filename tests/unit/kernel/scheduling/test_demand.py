"""What a workload demands: which requests are one class, what one node must have, and until when it must start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.demand import NO_DEADLINE, Demand, demand_of, latest_start
from suanli.kernel.scheduling.job import NEVER
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.ids import LicenseName, ProjectName, QueueName, ReservationName
from suanli.model.quantities import Instant
from suanli.model.spec import ArraySpec, Kind, TaskResources, WorkloadSpec

GIB = 1024**3
SOLVER, MESHER = LicenseName("solver"), LicenseName("mesher")
PLAIN = WorkloadSpec(tasks=4, resources=TaskResources(cpu_milli=1500, memory_bytes=2 * GIB))
GPU = DeviceRequest(device_class=DeviceClass.GPU, count=2, model="A100", precision=Precision.BF16)


def asking(request: DeviceRequest, **changes: Any) -> WorkloadSpec:
    return replace(PLAIN, resources=replace(PLAIN.resources, devices=request), **changes)


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        pytest.param(PLAIN, "tasks", 4, id="tasks"),
        pytest.param(PLAIN, "nodes", 0, id="nodes as they fit"),
        pytest.param(replace(PLAIN, nodes=2), "nodes", 2, id="so many nodes"),
        pytest.param(PLAIN, "exclusive", False, id="beside others"),
        pytest.param(replace(PLAIN, exclusive=True), "exclusive", True, id="alone"),
        pytest.param(PLAIN, "cpu_milli", 1500, id="milli-cpus of a task"),
        pytest.param(PLAIN, "memory_bytes", 2 * GIB, id="bytes of a task"),
        pytest.param(PLAIN, "device_class", None, id="no device"),
        pytest.param(PLAIN, "device_count", 0, id="and then none"),
        pytest.param(PLAIN, "device_share", 0, id="nor a share of one"),
        pytest.param(asking(GPU), "device_class", DeviceClass.GPU, id="a class of devices"),
        pytest.param(asking(GPU), "device_count", 2, id="so many of it"),
        pytest.param(asking(GPU), "device_share", 1000, id="whole"),
        pytest.param(asking(GPU), "device_model", "A100", id="of a model"),
        pytest.param(asking(GPU), "device_precision", Precision.BF16, id="with an arithmetic"),
        pytest.param(asking(DeviceRequest(share=250)), "device_share", 250, id="a share"),
        pytest.param(PLAIN, "licenses", (), id="no licenses"),
        pytest.param(
            replace(PLAIN, licenses={SOLVER: 2, MESHER: 1}), "licenses", ((MESHER, 1), (SOLVER, 2)), id="by name"
        ),
        pytest.param(PLAIN, "features", (), id="no features"),
        pytest.param(
            replace(PLAIN, features=frozenset({"ib", "avx"})), "features", ("avx", "ib"), id="features by name"
        ),
        pytest.param(PLAIN, "max_tasks_per_node", 0, id="as many on a node as fit"),
        pytest.param(replace(PLAIN, max_tasks_per_node=3), "max_tasks_per_node", 3, id="or so many at most"),
        pytest.param(
            replace(PLAIN, max_tasks_per_node=4), "max_tasks_per_node", 0, id="a bound that all keep to is none"
        ),
        pytest.param(replace(PLAIN, max_tasks_per_node=9), "max_tasks_per_node", 0, id="nor one beyond all"),
        pytest.param(
            replace(PLAIN, nodes=2, max_tasks_per_node=1),
            "max_tasks_per_node",
            0,
            id="nodes asked for have their share",
        ),
        pytest.param(PLAIN, "kept_off", 0, id="nothing to keep off yet"),
        pytest.param(replace(PLAIN, reservation=ReservationName("r")), "within", 0, id="nor to lie within"),
    ],
)
def test_what_each_field_of_a_spec_demands(spec: WorkloadSpec, field: str, expected: object) -> None:
    assert getattr(demand_of(spec), field) == expected


@pytest.mark.parametrize(
    ("share", "asked", "needed"),
    [
        pytest.param(1000, 0, 0, id="none is asked for"),
        pytest.param(1000, 80 * GIB, 80 * GIB, id="of a whole device"),
        pytest.param(500, 40 * GIB, 80 * GIB, id="half of a device has half of its memory"),
        pytest.param(250, 20 * GIB, 80 * GIB, id="a quarter a quarter"),
        pytest.param(300, 1, 4, id="rounded up: 3.33 bytes"),
        pytest.param(333, 1, 4, id="rounded up: 3.003 bytes"),
        pytest.param(1, 1, 1000, id="a thousandth"),
    ],
)
def test_a_shared_device_shares_its_memory(share: int, asked: int, needed: int) -> None:
    demand = demand_of(asking(DeviceRequest(share=share, min_memory_bytes=asked)))
    assert demand.device_memory_bytes == needed


@given(st.integers(1, 1000), st.integers(0, 2**40))
def test_the_least_device_whose_part_is_enough_is_asked_for(share: int, asked: int) -> None:
    needed = demand_of(asking(DeviceRequest(share=share, min_memory_bytes=asked))).device_memory_bytes
    assert needed * share >= asked * 1000
    assert needed == 0 or (needed - 1) * share < asked * 1000


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "other"}, id="its name"),
        pytest.param({"project": ProjectName("p")}, id="its project"),
        pytest.param({"queue": QueueName("q")}, id="its queue"),
        pytest.param({"priority": 7}, id="its priority"),
        pytest.param({"time_limit_s": 60}, id="its limit"),
        pytest.param({"deadline": Instant(9)}, id="its deadline"),
        pytest.param({"command": ("true",)}, id="its command"),
        pytest.param({"kind": Kind.SERVICE}, id="its kind"),
        pytest.param({"preemptible": True}, id="whether it may lose its place"),
        pytest.param({"array": ArraySpec(indices=(1, 2), max_running=1)}, id="its array"),
        pytest.param({"reservation": ReservationName("r")}, id="its reservation"),
        pytest.param({"environment": {"A": "b"}}, id="its environment"),
    ],
)
def test_what_does_not_matter_to_nodes_makes_no_other_class(changes: dict[str, Any]) -> None:
    assert demand_of(replace(PLAIN, **changes)) == demand_of(PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, tasks=5),
        replace(PLAIN, nodes=1),
        replace(PLAIN, exclusive=True),
        replace(PLAIN, max_tasks_per_node=2),
        replace(PLAIN, licenses={SOLVER: 1}),
        replace(PLAIN, features=frozenset({"ib"})),
        replace(PLAIN, resources=replace(PLAIN.resources, cpu_milli=1)),
        replace(PLAIN, resources=replace(PLAIN.resources, memory_bytes=1)),
        asking(DeviceRequest()),
    ],
)
def test_what_matters_to_nodes_makes_another_class(other: WorkloadSpec) -> None:
    assert demand_of(other) != demand_of(PLAIN)


@pytest.mark.parametrize(
    ("spec", "amounts"),
    [
        pytest.param(PLAIN, (1, 6000, 8 * GIB, 0), id="on all tasks together"),
        pytest.param(replace(PLAIN, tasks=1), (1, 1500, 2 * GIB, 0), id="on one"),
        pytest.param(asking(GPU), (1, 6000, 8 * GIB, 8000), id="with whole devices"),
        pytest.param(asking(DeviceRequest(share=250)), (1, 6000, 8 * GIB, 1000), id="with shares of them"),
        pytest.param(replace(PLAIN, nodes=2), (1, 6000, 8 * GIB, 0), id="on whatever nodes"),
        pytest.param(replace(PLAIN, exclusive=True), (1, 6000, 8 * GIB, 0), id="alone or not"),
    ],
)
def test_what_one_workload_asks_for_in_all(spec: WorkloadSpec, amounts: tuple[int, ...]) -> None:
    assert demand_of(spec).asked == amounts


@pytest.mark.parametrize(
    ("tasks", "nodes", "share"), [(1, 0, 1), (7, 0, 1), (7, 7, 1), (8, 2, 4), (6, 3, 2), (5, 1, 5)]
)
def test_tasks_that_a_node_must_have_room_for(tasks: int, nodes: int, share: int) -> None:
    demand = demand_of(replace(PLAIN, tasks=tasks, nodes=nodes))
    assert demand.tasks_a_node == share
    assert (demand.of_one_node.tasks, demand.of_one_node.nodes) == (share, min(nodes, 1))


def test_work_that_differs_only_in_how_much_is_wanted_is_alike_on_one_node() -> None:
    one = demand_of(replace(PLAIN, licenses={SOLVER: 1}))
    more = demand_of(replace(PLAIN, tasks=9))
    assert one.of_one_node == more.of_one_node
    assert (
        demand_of(replace(PLAIN, tasks=8, nodes=2)).of_one_node
        == demand_of(replace(PLAIN, tasks=12, nodes=3)).of_one_node
    )
    assert demand_of(replace(PLAIN, tasks=8, nodes=2)).of_one_node != demand_of(replace(PLAIN, tasks=8)).of_one_node


def test_the_demand_whatever_is_reserved() -> None:
    demand = demand_of(PLAIN)
    assert demand.anytime is demand
    for heeding in (demand._replace(kept_off=5), demand._replace(within=1), demand._replace(kept_off=1, within=2)):
        assert heeding.anytime == demand
        assert heeding.of_one_node != demand.of_one_node


@pytest.mark.parametrize(
    ("deadline", "limit", "latest"),
    [
        pytest.param(0, 60, NO_DEADLINE, id="no deadline"),
        pytest.param(0, 0, NO_DEADLINE, id="neither deadline nor limit"),
        pytest.param(100_000_000, 60, 40_000_000, id="its limit before its deadline"),
        pytest.param(100_000_000, 0, 100_000_000, id="no limit: at its deadline"),
        pytest.param(100_000_000, 200, -100_000_000, id="longer than there is time: before the epoch"),
    ],
)
def test_the_latest_start_that_is_in_time(deadline: int, limit: int, latest: int) -> None:
    assert latest_start(replace(PLAIN, deadline=Instant(deadline)), limit) == latest


def test_no_deadline_is_never() -> None:
    assert NO_DEADLINE == NEVER


def test_a_demand_names_all_that_it_is() -> None:
    assert Demand(1, 0, False, 1000, 1) == demand_of(
        WorkloadSpec(resources=TaskResources(cpu_milli=1000, memory_bytes=1))
    )


@pytest.mark.parametrize(
    ("tasks", "least", "nodes", "need", "more"),
    [
        pytest.param(8, 0, 0, 8, 0, id="all of its tasks"),
        pytest.param(8, 3, 0, 3, 5, id="three of eight"),
        pytest.param(8, 8, 0, 8, 0, id="all of eight is not moldable"),
        pytest.param(8, 1, 0, 1, 7, id="one of eight"),
        pytest.param(8, 0, 4, 4, 0, id="all of its nodes"),
        pytest.param(8, 4, 4, 2, 2, id="two nodes of four, two tasks each"),
        pytest.param(9, 3, 3, 1, 2, id="one node of three"),
        pytest.param(6, 6, 3, 3, 0, id="all of its nodes is not moldable"),
    ],
)
def test_how_many_must_find_room_and_how_many_may_besides(
    tasks: int, least: int, nodes: int, need: int, more: int
) -> None:
    demand = demand_of(replace(PLAIN, tasks=tasks, min_tasks=least, nodes=nodes))
    assert (demand.need, demand.more) == (need, more)
    assert demand.min_tasks == (least if least < tasks else 0)


def test_moldable_work_asks_for_its_least() -> None:
    assert demand_of(replace(PLAIN, tasks=8, min_tasks=2)).asked == (1, 3000, 4 * GIB, 0)
    assert demand_of(asking(GPU, tasks=8, min_tasks=2)).asked == (1, 3000, 4 * GIB, 4000)


@pytest.mark.parametrize(("held", "least"), [(8, 0), (5, 2), (8, 2), (2, 2)])
def test_a_run_demands_just_the_tasks_that_it_has(held: int, least: int) -> None:
    demand = demand_of(replace(PLAIN, tasks=8, min_tasks=least))
    found = demand.held_with(held)
    assert (found.tasks, found.min_tasks, found.need, found.more) == (held, 0, held, 0)
    assert (found is demand) is (held == 8 and not least)


def test_moldable_work_is_alike_on_one_node_whatever_its_least() -> None:
    one, other = (demand_of(replace(PLAIN, tasks=8, min_tasks=least)) for least in (2, 5))
    assert one != other
    assert one.of_one_node == other.of_one_node
