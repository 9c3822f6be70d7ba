"""What a score's name means, and that live nodes are scored as the policies of the FGD paper score them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import KINDS, Request
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WEIGHED, WORST_FIT
from suanli.kernel.scheduling.plan import Policy
from suanli.kernel.scheduling.scores.arrays import Free, fits
from suanli.kernel.scheduling.scores.clustering import clustering
from suanli.kernel.scheduling.scores.dot_product import dot_product
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.kernel.scheduling.scores.packing import packing
from suanli.kernel.scheduling.scores.residual_value import residual_value
from suanli.kernel.scheduling.scores.typical import typical
from suanli.kernel.scheduling.scores.worth import worth
from suanli.kernel.scheduling.scoring import Scoring, has_changed, learn, scoring, weigh
from suanli.model.devices import DeviceRequest
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.spec import TaskResources, WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, asks, gpu, node
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.small import small
from tests.unit.kernel.scheduling.steps import asked

REFRESH = asked(refresh)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("first_fit", Scoring(FIRST_FIT)),
        ("best_fit", Scoring(BEST_FIT)),
        ("worst_fit", Scoring(WORST_FIT)),
        ("packing", Scoring(WEIGHED, (0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))),
        ("fragmentation=2", Scoring(WEIGHED, (0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0))),
        ("dot_product=0.5, best_fit", Scoring(WEIGHED, (1, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0))),
        ("cost=3,energy", Scoring(WEIGHED, (0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0))),
    ],
)
def test_a_name_means_a_policy_or_criteria_with_weights(name: str, meant: Scoring) -> None:
    assert scoring(name) == meant


@pytest.mark.parametrize("name", ["", "fastest", "packing,fastest=1", "first_fit=1"])
def test_unknown_names_are_told(name: str) -> None:
    with pytest.raises(NotFoundError):
        scoring(name)


@pytest.mark.parametrize("name", ["packing=much", "packing=-1", "packing=nan", "packing=inf", "packing=0"])
def test_what_is_no_weight_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        scoring(name)


@pytest.mark.parametrize(
    ("name", "foresees"),
    [("best_fit", False), ("packing", False), ("fragmentation", True), ("packing,residual_value=2", True)],
)
def test_only_what_looks_at_requests_to_come_must_know_of_them(name: str, foresees: bool) -> None:
    assert scoring(name).foresees is foresees


def test_little_that_is_otherwise_is_no_change() -> None:
    one, other = Request(1000, 0, 1, 1000, 1), Request(1000, 0, 2, 1000, 1)
    assert not has_changed({one: 96, other: 4}, {one: 100})
    assert has_changed({one: 94, other: 6}, {one: 100})
    assert has_changed({}, {one: 1})
    assert not has_changed({one: 3}, {one: 300})


# The rows of nodes, of cpus and of thousandths that devices have free; all devices are of one type but the last.
NODES = st.lists(
    st.tuples(st.integers(0, 16), st.lists(st.sampled_from([0, 100, 250, 500, 750, 1000]), min_size=4, max_size=4)),
    min_size=1,
    max_size=5,
)
REQUESTS = st.one_of(
    st.builds(Request, st.integers(0, 8000), st.just(0), st.just(1), st.sampled_from([100, 250, 500]), st.just(1)),
    st.builds(Request, st.integers(0, 8000), st.just(0), st.integers(1, 4), st.just(1000), st.sampled_from([1, 2, 3])),
    st.builds(Request, st.integers(1, 8000), st.just(0), st.just(0), st.just(0), st.just(-1)),
)


def rooms(nodes: list[tuple[int, list[int]]]) -> Free:
    """As the protocol of the FGD paper keeps what is free."""
    cpu, device = np.array([1000 * cpus for cpus, _ in nodes]), np.array([free for _, free in nodes])
    model = np.tile([0, 0, 0, 1], (len(nodes), 1))
    return Free(cpu, cpu, device, model, np.full(len(nodes), 16_000), np.zeros((len(nodes), KINDS), dtype=np.int64))


def tables(nodes: list[tuple[int, list[int]]], request: Request) -> t.Center:
    """As the tables of a center do."""
    types = frozenset(kind for kind in (0, 1) if request.number and request.models >> kind & 1)
    shape = Shape(cpu=request.cpu, memory=0, devices=request.number, share=request.share or 1000, types=types)
    devices = ((0, True), (0, True), (0, True), (1, True))
    center = small([Node(16, devices=devices)] * len(nodes), shapes=[shape])
    center.nodes[:, t.FREE_CPU] = [1000 * cpus for cpus, _ in nodes]
    center.nodes[:, t.CPU] = center.sizes[t.LARGEST_CPU] = 16_000
    center.devices[:, :, t.FREE] = [free for _, free in nodes]
    return center


@settings(deadline=None)
@given(nodes=NODES, request=REQUESTS, others=st.dictionaries(REQUESTS, st.integers(1, 9), min_size=1, max_size=6))
def test_live_nodes_are_scored_as_in_the_protocol_of_the_paper(
    nodes: list[tuple[int, list[int]]], request: Request, others: dict[Request, int]
) -> None:
    free, center = rooms(nodes), tables(nodes, request)
    known = typical(list(others), np.array(list(others.values())))
    learn(center, others)
    largest, devices = Largest(16_000.0, 4000.0), np.bincount(free.model.ravel(), minlength=t.DEVICE_TYPES)
    is_shared = request.number == 1 and request.share < t.WHOLE
    policies: list[tuple[str, Callable[..., tuple[float, int]], object]] = [
        ("dot_product", dot_product, largest),
        ("packing", packing, largest),
        ("clustering", clustering, largest),
        ("fragmentation", fragmentation, known),
        ("residual_value", residual_value, worth(known, devices)),
    ]
    for name, policy, knows in policies:
        if is_shared and name in {"fragmentation", "residual_value"}:
            # There the device is chosen too; here it is the tightest.
            continue
        weigh(center, scoring(name))
        REFRESH(center, 0, WEIGHED)
        for row in range(len(nodes)):
            fitting = fits(free, row, request)
            assert (center.blocker[0, row] < 0) == fitting
            if fitting:
                expected, _ = policy(free, row, request, knows)
                expected *= 100 if name == "residual_value" else 1
                assert center.score[0, row] == pytest.approx(expected, rel=1e-5, abs=1e-3), name


def half() -> TaskResources:
    return asks(1, 1, DeviceRequest(share=500))


def whole(count: int = 1) -> TaskResources:
    return asks(1, 1, DeviceRequest(count=count))


def where(center: Center, resources: TaskResources) -> str:
    """The node on which one more workload starts."""
    workload = center.add(WorkloadSpec(resources=resources))
    (row,) = (row for row in center.turn().placements if row.workload == workload)
    return str(row.allocation.nodes[0].node)


def center(score: str, *devices: int) -> Center:
    """Nodes with so many devices each."""
    nodes = (node(f"n{place}", 8, 32, *map(gpu, range(count))) for place, count in enumerate(devices))
    return Center(policy=Policy(score=score)).with_nodes(*nodes)


def test_packing_goes_on_filling_what_is_shared() -> None:
    live = center("packing", 2, 2, 2)
    first = where(live, half())
    assert where(live, whole()) == first
    assert where(live, half()) == first


def test_clustering_keeps_kinds_of_demand_together() -> None:
    live = center("clustering", 4, 4)
    shared = where(live, half())
    alone = where(live, whole())
    assert {shared, alone} == {"n0", "n1"}
    assert (where(live, half()), where(live, whole()), where(live, half())) == (shared, alone, shared)


@pytest.mark.parametrize(("score", "expected"), [("fragmentation", "n1"), ("best_fit", "n0")])
def test_fragmentation_spares_the_place_of_what_is_typical(score: str, expected: str) -> None:
    live = center(score, 2, 3)
    for _ in range(20):
        # Two devices are what nearly everybody asks for, with more memory than there is, so that all of it waits.
        live.add(WorkloadSpec(resources=asks(1, 64, DeviceRequest(count=2))))
    assert where(live, whole()) == expected


def test_power_goes_where_least_is_drawn_and_what_is_not_known_comes_last() -> None:
    nodes = []
    for place, (cpu_mw, device_mw) in enumerate([(0, 0), (5000, 400_000), (2000, 400_000), (9000, 300_000)]):
        devices = tuple(replace(gpu(index), power_mw=device_mw) for index in range(2))
        nodes.append(replace(node(f"n{place}", 8, 32, *devices), cpu_power_mw=cpu_mw))
    live = Center(policy=Policy(score="power")).with_nodes(*nodes)
    assert [where(live, whole()) for _ in range(8)] == ["n3", "n3", "n2", "n2", "n1", "n1", "n0", "n0"]


def test_weights_decide_between_criteria() -> None:
    devices = (4, 4)
    for score, expected in (("packing=1,clustering=0.1", "n0"), ("packing=0.1,clustering=1", "n1")):
        live = center(score, *devices)
        assert where(live, half()) == "n0"
        assert where(live, whole(2)) == expected


def test_what_was_scored_otherwise_is_scored_anew() -> None:
    live = center("clustering", 4, 4)
    assert [where(live, half()), where(live, whole())] == ["n0", "n1"]
    live.policy = replace(live.policy, score="packing")
    assert where(live, whole()) == "n0"


def test_the_same_center_gives_the_same_choices_however_it_came_to_be() -> None:
    chance = Random(7)
    specs = [WorkloadSpec(resources=chance.choice([half(), whole(), whole(2)])) for _ in range(12)]
    chosen = []
    for _ in range(2):
        live = center("fragmentation=1,best_fit=0.2", 2, 3, 4)
        for spec in specs:
            live.add(spec)
        chosen.append([row.allocation for row in live.turn().placements])
    assert chosen[0] == chosen[1]
    assert chosen[0]
