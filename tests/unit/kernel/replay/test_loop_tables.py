"""A replay from end to end: the tables that it begins with, what is told meanwhile, and what cannot be replayed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY
from suanli.model.errors import InvalidRequestError, NotFoundError
from tests.unit.kernel.replay.plain import SECOND, Job, center_of, seconds, trace_of

GIB = 1024**3
A, B = DeviceGroup(model="A", count=2), DeviceGroup(model="B", count=1)


def group(count: int, cpus: int, *devices: DeviceGroup, gib: int = 64) -> NodeGroup:
    return NodeGroup(prefix="n", count=count, cpu_milli=1000 * cpus, memory_bytes=gib * GIB, devices=tuple(devices))


MIXED = CenterDescription(groups=(group(2, 4, B, A), group(1, 16, gib=128), group(1, 2, A)))


def asking(models: tuple[str, ...] = (), **columns: list[int]) -> Trace:
    """Jobs of a second each, of these columns."""
    count = len(next(iter(columns.values())))
    plain: dict[Any, Any] = {
        "number": range(count),
        "submitted_us": [0] * count,
        "runtime_us": [SECOND] * count,
        "requested_us": [SECOND] * count,
    }
    return make_trace(plain | columns, models=models)


def test_nodes_are_rows_in_the_order_of_their_groups() -> None:
    tables = build(asking(tasks=[1]), MIXED, EASY)
    assert (tables.nodes[:, t.CPU] // 1000).tolist() == [4, 4, 16, 2]
    assert (tables.nodes[:, t.MEMORY] // GIB).tolist() == [64, 64, 128, 64]
    assert (tables.nodes[:, t.FREE_CPU] == tables.nodes[:, t.CPU]).all()
    assert (tables.nodes[:, t.FREE_MEMORY] == tables.nodes[:, t.MEMORY]).all()
    assert tables.nodes[:, t.READY].tolist() == [1, 1, 1, 1]
    assert (tables.sizes[t.LARGEST_CPU], tables.sizes[t.LARGEST_MEMORY]) == (16_000, 128 * GIB)


def test_devices_lie_at_positions_group_by_group_with_the_place_of_their_model() -> None:
    tables = build(asking(tasks=[1]), MIXED, EASY)
    # B is met first, so it is type 0.
    assert tables.devices[:, :, t.TYPE].tolist() == [[0, 1, 1], [0, 1, 1], [-1, -1, -1], [1, 1, -1]]
    there = tables.devices[:, :, t.TYPE] >= 0
    assert (tables.devices[there][:, t.HEALTHY] == 1).all()
    assert (tables.devices[there][:, t.FREE] == 1000).all()


def test_equal_requests_share_a_shape_and_equal_gangs_of_them_a_kind() -> None:
    trace = asking(tasks=[1, 2, 2, 2], cpu_milli=[500, 500, 500, 900])
    tables = build(trace, MIXED, EASY)
    shape, kind = tables.jobs[:, t.SHAPE].tolist(), tables.jobs[:, t.KIND].tolist()
    assert (len(set(shape)), len(set(kind))) == (2, 3)
    assert shape[0] == shape[1] == shape[2] != shape[3]
    assert kind[0] != kind[1] == kind[2] != kind[3]
    assert tables.jobs[:, t.NEED].tolist() == [1, 2, 2, 2]
    assert tables.shapes[shape, t.TASK_CPU].tolist() == [500, 500, 500, 900]


def test_what_one_task_asks_is_in_its_shape() -> None:
    trace = asking(cpu_milli=[700], memory_bytes=[3 * GIB], device_count=[2], device_share=[400])
    tables = build(trace, MIXED, EASY)
    shape = tables.shapes[tables.jobs[0, t.SHAPE]]
    found = shape[[t.TASK_CPU, t.TASK_MEMORY, t.DEVICES, t.SHARE]].tolist()
    assert found == [700, 3 * GIB, 2, 400]
    assert tables.jobs[0, t.LIMIT] == SECOND


@pytest.mark.parametrize(
    ("models", "mask", "count", "types"),
    [
        pytest.param((), 0, 1, 0b11, id="any model of the center"),
        pytest.param((), 0, 0, 0, id="none where no device is asked for"),
        pytest.param(("A",), 1, 0, 0, id="not even one that is named"),
        pytest.param(("A",), 1, 1, 0b10, id="the one that is named"),
        pytest.param(("A", "B"), 0b10, 1, 0b01, id="the second of those named"),
        pytest.param(("A", "B"), 0b11, 1, 0b11, id="either of two"),
        pytest.param(("C",), 1, 1, 0, id="one that the center has not"),
        pytest.param(("C", "B"), 0b11, 1, 0b01, id="the one of two that it has"),
        pytest.param(("A|B",), 1, 1, 0b11, id="either of two in one name"),
        pytest.param(("b",), 1, 1, 0b01, id="however it is spelled"),
    ],
)
def test_which_types_of_devices_will_do(models: tuple[str, ...], mask: int, count: int, types: int) -> None:
    tables = build(asking(models, device_models=[mask], device_count=[count]), MIXED, EASY)
    assert tables.shapes[tables.jobs[0, t.SHAPE], t.TYPES] == types


@pytest.mark.parametrize(
    ("asked", "starts"),
    [
        pytest.param("A100", [0, 0, 1], id="every model of the name"),
        pytest.param("A100 SXM4", [0, 1, 2], id="the one that has all of its words"),
        pytest.param("A100|H800", [0, 0, 0], id="one of several names"),
        pytest.param("H800|910B", [0, 1, 2], id="one of which there is none"),
        pytest.param("910B1..910B9", [-1, -1, -1], id="none that is there"),
    ],
)
def test_work_of_our_own_facts_runs_on_the_models_that_it_meant(asked: str, starts: list[int]) -> None:
    names = ["NVIDIA A100-SXM4-80GB", "NVIDIA A100-PCIE-40GB", "H800"]
    center = CenterDescription(groups=tuple(group(1, 8, DeviceGroup(model=name, count=1)) for name in names))
    outcome = replay(asking((asked,), device_models=[1] * 3, device_count=[1] * 3), center, POLICIES["easy"])
    assert seconds(outcome.started_us) == starts


@pytest.mark.parametrize(
    ("reservations", "jobs", "rows"),
    [
        pytest.param(EASY, [3, 9], 0, id="the head's alone takes none"),
        pytest.param(2, [3, 9, 1], 8, id="so many of the widest job, on four nodes"),
        pytest.param(100, [3, 9, 1], 8, id="no more than all jobs together"),
        pytest.param(CONSERVATIVE, [3, 9, 1], 8, id="for everybody what all jobs together may take"),
    ],
)
def test_rows_for_reservations_are_for_as_many_as_there_may_be(reservations: int, jobs: list[int], rows: int) -> None:
    tables = build(asking(tasks=jobs), MIXED, reservations)
    assert tables.booked.shape[0] == rows


def test_progress_hears_how_many_have_come_and_the_end() -> None:
    heard: list[tuple[int, int]] = []
    replay(trace_of([Job(0, 1, 1), Job(5, 1, 1)]), center_of(), Policy(), 0, lambda *told: heard.append(told))
    assert heard[-1] == (2, 2)
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {2}


def test_progress_of_nothing_is_the_end() -> None:
    heard: list[tuple[int, int]] = []
    outcome = replay(trace_of([]), center_of(), Policy(), 0, lambda *told: heard.append(told))
    assert heard == [(0, 0)]
    assert (outcome.time_us.size, outcome.started_us.size) == (0, 0)


@pytest.mark.parametrize("name", POLICIES)
def test_the_same_input_gives_the_same_bits_whatever_the_seed(name: str) -> None:
    jobs = [Job(n // 3, 1 + n % 7, 2 + n % 11, 1 + n % 5, n % 3) for n in range(60)]
    first, second = (replay(trace_of(jobs), center_of(), POLICIES[name], seed) for seed in (0, 7))
    for column in Outcome.__dataclass_fields__:
        assert getattr(first, column).tobytes() == getattr(second, column).tobytes()


@pytest.mark.parametrize("name", POLICIES)
def test_all_that_fits_ends_under_every_policy_and_holds_no_more_than_there_is(name: str) -> None:
    jobs = [Job(n // 4, 1 + n % 7, 3 + n % 11, 1 + n % 8, n % 3) for n in range(80)]
    outcome = replay(trace_of(jobs), center_of(), POLICIES[name])
    assert outcome.finished.all()
    assert (outcome.started_us >= np.array([job.submitted for job in jobs]) * SECOND).all()
    assert 0 < outcome.cpu_milli.max() <= 8000
    assert outcome.cpu_milli[-1] == outcome.running[-1] == outcome.waiting[-1] == 0


@pytest.mark.parametrize(
    ("center", "policy", "error", "said"),
    [
        pytest.param(
            CenterDescription(groups=(group(1, 1, DeviceGroup(model="A", count=63)),)),
            Policy(),
            InvalidRequestError,
            "63 devices on a node; at most 62 are known here",
            id="a node of too many devices",
        ),
        pytest.param(
            CenterDescription(groups=(group(1, 1, *(replace(B, model=f"M{n}") for n in range(64))),)),
            Policy(),
            InvalidRequestError,
            "64 device models; at most 63 are known here",
            id="a center of too many models",
        ),
        pytest.param(MIXED, Policy(order="luck"), NotFoundError, "no order luck", id="an order"),
        pytest.param(MIXED, Policy(score="luck"), NotFoundError, "no score policy luck", id="a score"),
        pytest.param(MIXED, Policy(backfill="luck"), NotFoundError, "no backfill luck", id="a backfill"),
        pytest.param(MIXED, Policy(prediction="luck"), NotFoundError, "no prediction luck", id="a prediction"),
        pytest.param(MIXED, Policy(backfill=-1), InvalidRequestError, "-1 reservations cannot be", id="too few"),
    ],
)
def test_what_cannot_be_replayed_is_named(
    center: CenterDescription, policy: Policy, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        replay(trace_of([Job(0, 1, 1)]), center, policy)
    assert str(caught.value) == said


def test_a_model_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="has an empty name"):
        replay(asking(("|",), device_models=[1], device_count=[1]), MIXED, Policy())


def test_as_many_devices_and_models_as_can_be_told_apart_are_replayed() -> None:
    wide = CenterDescription(groups=(group(1, 1, DeviceGroup(model="A", count=62)),))
    many = CenterDescription(groups=tuple(group(1, 1, replace(B, model=f"M{n}")) for n in range(63)))
    for center, count in ((wide, 62), (many, 1)):
        outcome = replay(asking(device_count=[count]), center, Policy())
        assert outcome.started_us.tolist() == [0]
        assert outcome.device_share.max() == 1000 * count
