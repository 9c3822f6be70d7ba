"""The score of a node in the tables: by hand, by plain definitions, and what must make no difference to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.changes import end
from suanli.kernel.scheduling.core.criteria import CPUS_LEFT, DEVICES_LEFT, Request
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WEIGHED, WORST_FIT, left, score
from suanli.kernel.scheduling.scoring import learn
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, run, small

near = pytest.approx

ZERO, ONE = frozenset({0}), frozenset({1})
CPUS = 16
"""Of the largest node."""
CARDS = ((0, True), (0, True), (0, True), (1, True))
HALF, CARD, PAIR = Shape(2, 1, 1, 500, ZERO), Shape(2, 1, 1, 1000, ZERO), Shape(4, 1, 2, 1000, ZERO)
PLAIN = Shape(4, 1)


def center_of(
    shape: Shape,
    frees: Mapping[int, Sequence[int]],
    cpus: Mapping[int, int] | None = None,
    cards: Sequence[tuple[int, bool]] = CARDS,
) -> t.Center:
    """Nodes of four devices: what is free of these by node, and of cpus where it is less than all."""
    center = small([Node(CPUS, 100, tuple(cards)) for _ in frees], shapes=[shape])
    for node, free in frees.items():
        center.devices[node, : len(free), t.FREE] = free
    for node, cpu in (cpus or {}).items():
        center.nodes[node, t.FREE_CPU] = cpu
    return center


def weighed(center: t.Center, at: int = 0, /, **weights: float) -> float:
    """The score by criteria of these weights; asking changes no table but the one that is for trials."""
    names = ("full", "product", "packed", "clustered", "fragments", "value", "power")
    center.weights[: len(names)] = [weights.get(name, 0.0) for name in names]
    before = center.copied()
    found = score(center, WEIGHED, 0, at)
    assert changed(before, center) <= {"trial"}
    return float(found)


@pytest.mark.parametrize(
    ("cpu", "memory", "shares", "expected"),
    [
        # In parts of the largest node, of 8 cpus and 40 of memory; a free device weighs two.
        (8, 40, (0, 0), 2.0),
        (0, 0, (0, 0), 0.0),
        (4, 0, (0, 0), 0.5),
        (0, 10, (0, 0), 0.25),
        (4, 10, (0, 0), 0.75),
        (0, 0, (1000, 0), 2.0),
        (0, 0, (1000, 1000), 4.0),
        (0, 0, (250, 500), 1.5),
        (2, 20, (500, 0), 1.75),
        (-4, 0, (0, 0), -0.5),
        (0, 0, (-500, 1000), 1.0),
    ],
)
def test_a_score_is_what_is_free(cpu: int, memory: int, shares: tuple[int, int], expected: float) -> None:
    center = small([Node(8, 10), Node(2, 40, ((0, True), (5, False), (-1, True)))])
    center.nodes[1, [t.FREE_CPU, t.FREE_MEMORY]] = (cpu, memory)
    # What is said of a position without a device does not count.
    center.devices[1, :, t.FREE] = (*shares, 700)
    found = left(center.nodes, center.devices, center.sizes, 1)
    assert found == expected
    scores = [score(center, policy, 0, 1) for policy in (FIRST_FIT, BEST_FIT, WORST_FIT)]
    assert scores == [0.0, expected, -expected]


def test_of_a_center_of_nothing_nothing_is_free() -> None:
    center = small([Node(0, 0)])
    assert left(center.nodes, center.devices, center.sizes, 0) == 0.0


@pytest.mark.parametrize(
    ("cards", "free", "expected"),
    [
        pytest.param(4, [1000] * 4, 100.0, id="a whole node of as many devices as the largest"),
        pytest.param(4, [1000, 0, 0, 0], 40.0, id="one of four free: 4 of 10"),
        pytest.param(2, [1000, 250], 75.0, id="of two positions: 4.5 of 6"),
        pytest.param(0, [], 100.0, id="a center without devices: 2 of 2"),
    ],
)
def test_how_full_a_node_is_counts_in_hundredths_of_the_most_that_can_be_free(
    cards: int, free: list[int], expected: float
) -> None:
    center = center_of(PLAIN, {0: free}, cards=CARDS[:cards])
    assert weighed(center, full=1) == near(expected)
    assert weighed(center, full=0.5) == near(expected / 2)


def test_amounts_are_parts_of_the_largest_node_and_not_of_the_nodes_own() -> None:
    center = small([Node(4, 10), Node(16, 40)], shapes=[PLAIN])
    assert [left(center.nodes, center.devices, center.sizes, node) for node in range(2)] == near([0.5, 2.0])


def test_a_center_without_cpus_and_memory_has_scores_all_the_same() -> None:
    center = small([Node(0, 0, ((0, True),))], shapes=[Shape(0, 0, 1, 1000, ZERO)])
    assert left(center.nodes, center.devices, center.sizes, 0) == 2.0
    assert weighed(center, product=1) == -50


def test_a_sick_device_still_counts_as_free_of_the_node_but_no_place_counts_that_has_none() -> None:
    center = small([Node(16, 100, ((0, False), (0, True))), Node(16, 100, ((0, True),))], shapes=[PLAIN])
    assert [left(center.nodes, center.devices, center.sizes, node) for node in range(2)] == near([6.0, 4.0])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 16), st.integers(0, 100), st.integers(0, 1000)), min_size=2, max_size=6),
    st.integers(1, 1000),
)
def test_the_unit_of_an_amount_makes_no_difference(nodes: list[tuple[int, int, int]], scale: int) -> None:
    one, other = (center_of(PLAIN, {row: [node[2]] for row, node in enumerate(nodes)}) for _ in range(2))
    for row, (cpu, memory, _) in enumerate(nodes):
        one.nodes[row, [t.FREE_CPU, t.FREE_MEMORY]] = (cpu, memory)
    other.nodes[:] = one.nodes
    other.nodes[:, [t.CPU, t.FREE_CPU, t.MEMORY, t.FREE_MEMORY]] *= scale
    other.sizes[[t.LARGEST_CPU, t.LARGEST_MEMORY]] *= scale
    for row in range(len(nodes)):
        assert score(one, BEST_FIT, 0, row) == near(score(other, BEST_FIT, 0, row))


@pytest.mark.parametrize(
    ("shape", "free", "cpu", "grade"),
    [
        pytest.param(CARD, [1000] * 4, 16, -(100 - 100 * (1 / 8 + 1 / 4) / 2), id="one of four free, and an eighth"),
        pytest.param(PLAIN, [1000] * 4, 16, -(100 - 100 * (1 / 4) / 2), id="cpus alone"),
        pytest.param(PAIR, [1000] * 4, 8, -(100 - 100 * (1 / 8 + 1 / 2) / 2), id="half of what is half free"),
        pytest.param(CARD, [0, 0, 0, 1000], 0, -(100 - 100 * (1 / 16) / 2), id="a quarter of a quarter"),
        pytest.param(replace(PLAIN, unit=4), [1000] * 4, 16, -50, id="whole nodes of four tasks"),
    ],
)
def test_the_product_is_of_what_one_node_is_asked(shape: Shape, free: list[int], cpu: int, grade: float) -> None:
    center = center_of(shape, {0: free}, {0: cpu})
    assert weighed(center, product=1) == -int(-grade)


@pytest.mark.parametrize(
    ("shape", "free", "grade"),
    [
        pytest.param(HALF, [1000] * 4, -29, id="an untouched node of four"),
        pytest.param(HALF, [1000, 1000, 1000, 500], -49, id="the half left is of another type: one is opened"),
        pytest.param(HALF, [1000, 1000, 500, 1000], -95, id="the half left will do"),
        pytest.param(PAIR, [1000, 1000, 500, 1000], -48, id="two are opened"),
        pytest.param(PLAIN, [1000, 1000, 500, 1000], 0, id="who asks for no device is not graded"),
    ],
)
def test_packing_looks_at_the_tightest_devices_that_will_do(shape: Shape, free: list[int], grade: float) -> None:
    assert weighed(center_of(shape, {0: free}), packed=1) == grade


def test_a_sick_device_is_as_none() -> None:
    cards = ((0, False), (0, True), (0, True), (1, True))
    well = ((0, True), (0, True), (1, True))
    assert weighed(center_of(HALF, {0: [500, 1000, 1000, 1000]}, cards=cards), packed=1) == weighed(
        center_of(HALF, {0: [1000, 1000, 1000]}, cards=well), packed=1
    )


def holding(*shapes: Shape) -> t.Center:
    """A node on which work of these shapes runs, and of which the first shape asks; each has devices of its own."""
    first = HALF
    jobs = [Job(shape=shape) for shape in shapes]
    center = small([Node(99, 100, CARDS)], jobs, shapes=[first])
    position = 0
    for job, shape in enumerate(shapes):
        held = [(0, position + place, shape.share) for place in range(shape.devices)]
        position += shape.devices
        run(center, job, 9, {0: 1}, held)
    return center


@pytest.mark.parametrize(
    ("there", "grade"),
    [
        pytest.param((), -25, id="an empty node"),
        pytest.param((PLAIN,), -25, id="work without devices is of no kind"),
        pytest.param((HALF,), -75 - 3, id="its own kind alone, an eighth in use"),
        pytest.param((HALF, HALF), -75 - 6, id="twice its own kind"),
        pytest.param((CARD,), -6, id="another kind"),
        pytest.param((PAIR,), -12, id="two whole devices are another kind"),
        pytest.param((HALF, CARD), -50 - 9, id="its own among others"),
        pytest.param((HALF, CARD, PAIR), -50 - 21, id="its own among two others"),
        pytest.param((CARD, PAIR), -18, id="two other kinds"),
        pytest.param((replace(HALF, share=250),), -75 - 1, id="shares of any size are one kind"),
    ],
)
def test_clustering_looks_at_the_device_demands_that_run_there(there: tuple[Shape, ...], grade: int) -> None:
    assert weighed(holding(*there), clustered=1) == grade


def test_clustering_sees_of_a_gang_only_what_it_holds_of_the_node() -> None:
    jobs = [Job(need=3, shape=CARD)]
    center = small([Node(99, 100, CARDS)] * 2, jobs, shapes=[CARD])
    run(center, 0, 9, {0: 1, 1: 2}, [(0, 0, 1000), (1, 0, 1000), (1, 1, 1000)])
    # On the first node it holds one whole device, on the second two: there it is another kind.
    assert [weighed(center, node, clustered=1) for node in range(2)] == [-75 - 6, -12]


def test_work_that_ended_is_of_no_kind() -> None:
    center = holding(HALF, CARD)
    before = weighed(center, clustered=1)
    end(center, 1)
    assert (before, weighed(center, clustered=1)) == (-59, -78)


OTHERS = {
    Request(2, 0, 1, 500, 0b01): 2,
    Request(2, 0, 1, 1000, 0b01): 1,
    Request(4, 0, 2, 1000, 0b11): 1,
}
"""What will be asked for: half of it are halves."""


def plainly_usable(cpu: int, free: Sequence[int], kinds: Sequence[int]) -> float:
    """What a request drawn from these can use of a node."""
    total, expected = sum(OTHERS.values()), 0.0
    for asked, count in OTHERS.items():
        good = [
            one
            for one, kind in zip(free, kinds, strict=True)
            if one >= asked.share and kind >= 0 and asked.models >> kind & 1
        ]
        if len(good) >= asked.number and cpu >= asked.cpu:
            expected += count / total * sum(good)
    return expected


@pytest.mark.parametrize(
    ("shape", "free", "then", "cpu"),
    [
        pytest.param(HALF, [1000, 1000, 1000, 0], [500, 1000, 1000, 0], 16, id="half of a whole device"),
        pytest.param(HALF, [1000, 500, 1000, 0], [1000, 0, 1000, 0], 16, id="the half that is left"),
        pytest.param(CARD, [1000, 500, 1000, 0], [0, 500, 1000, 0], 16, id="a whole one"),
        pytest.param(PAIR, [1000, 500, 1000, 0], [0, 500, 0, 0], 16, id="the last two whole ones"),
        pytest.param(PLAIN, [1000, 500, 1000, 0], [1000, 500, 1000, 0], 7, id="cpus that others would need"),
        pytest.param(PLAIN, [1000, 500, 1000, 0], [1000, 500, 1000, 0], 5, id="nearly the last cpus"),
    ],
)
def test_fragments_is_the_graded_growth(shape: Shape, free: list[int], then: list[int], cpu: int) -> None:
    center, kinds = center_of(shape, {0: free}, {0: cpu}), [0, 0, 0, 1]
    learn(center, OTHERS)
    taken = shape.devices * shape.share
    before, after = plainly_usable(cpu, free, kinds), plainly_usable(cpu - shape.cpu, then, kinds)
    growth = (before - after - taken) / 1000
    assert weighed(center, fragments=1) == -np.floor(100 / (1 + np.exp(growth)))


def test_the_loss_of_value_is_of_what_requests_to_come_would_have_filled() -> None:
    center = center_of(
        CARD, {0: [1000, 1000, 0, 0], 1: [0, 0, 0, 1000], 2: [1000, 0, 0, 0]}, dict.fromkeys(range(3), 10**6)
    )
    learn(center, {Request(1, 0, 1, 1000, 0b01): 1})
    fill, price = center.fill[0, 1000], center.worth[0]
    assert fill > 0.9
    lost = [weighed(center, node, value=1) for node in (0, 2)]
    each = 100 * fill * price
    assert lost[0] == near(each + 100 * (DEVICES_LEFT * 2 + CPUS_LEFT), rel=1e-3)
    assert lost[1] == near(each + 100 * (DEVICES_LEFT * 1 + CPUS_LEFT), rel=1e-3)
    # Nobody will ask for a device of the other type: nothing is lost but what keeps nodes together.
    center.shapes[0, t.TYPES] = 0b10
    assert weighed(center, 1, value=1) == near(100 * (DEVICES_LEFT + CPUS_LEFT), rel=1e-3)


@pytest.mark.parametrize(
    ("shape", "draws", "watts"),
    [
        pytest.param(PLAIN, (2_000_000, 0, 0, 0, 0), 8, id="four thousandths of a cpu of 2 kW"),
        pytest.param(CARD, (0, 300_000, 500_000, 0, 0), 300, id="the first of equal devices"),
        pytest.param(PAIR, (0, 300_000, 500_000, 0, 0), 800, id="two"),
        pytest.param(HALF, (0, 300_000, 0, 0, 0), 150, id="half of one"),
        pytest.param(CARD, (0, 0, 500_000, 0, 0), 1000, id="of an unknown one a kilowatt"),
        pytest.param(HALF, (1_000_000, 0, 0, 0, 0), 502, id="half of that, and two thousandths of a cpu"),
    ],
)
def test_power_is_what_is_expected_to_be_drawn(shape: Shape, draws: tuple[int, ...], watts: int) -> None:
    center = center_of(shape, {0: [1000] * 4})
    center.draws[0] = draws
    assert weighed(center, power=1) == near(watts / 10)


def test_power_counts_the_devices_that_are_taken_and_not_the_nodes() -> None:
    center = center_of(HALF, {0: [1000, 600, 1000, 1000], 1: [1000, 1000, 1000, 1000]})
    center.draws[:] = (0, 400_000, 100_000, 0, 0)
    assert [weighed(center, node, power=1) for node in range(2)] == near([5.0, 20.0])


def test_whole_nodes_with_several_tasks_are_asked_for_all_of_them() -> None:
    one, four = center_of(replace(CARD, unit=1), {0: [1000] * 4}), center_of(replace(CARD, unit=3), {0: [1000] * 4})
    for center in (one, four):
        center.draws[0] = (1_000_000, 100_000, 200_000, 400_000, 0)
    assert weighed(one, power=1) == near((2 + 100) / 10)
    assert weighed(four, power=1) == near((6 + 700) / 10)


WEIGHTS = st.fixed_dictionaries(
    {
        name: st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0])
        for name in ("full", "product", "packed", "clustered", "fragments", "value", "power")
    }
)
SHAPES = st.sampled_from([PLAIN, HALF, CARD, PAIR, replace(CARD, unit=2)])
FREE = st.lists(st.sampled_from([0, 250, 500, 750, 1000]), min_size=4, max_size=4)


@settings(max_examples=80)
@given(WEIGHTS, SHAPES, FREE, st.integers(0, 16))
def test_a_weighted_score_is_the_sum_of_its_criteria(
    weights: dict[str, float], shape: Shape, free: list[int], cpu: int
) -> None:
    center = center_of(shape, {0: free}, {0: cpu})
    learn(center, OTHERS)
    center.draws[0] = (1_000_000, 100_000, 200_000, 0, 300_000)
    alone = {name: weighed(center, **{name: 1.0}) for name in weights}
    assert weighed(center, **weights) == near(sum(weight * alone[name] for name, weight in weights.items()), abs=1e-9)


@settings(max_examples=60)
@given(WEIGHTS, SHAPES, st.lists(FREE, min_size=2, max_size=4), st.integers(1, 16))
def test_where_a_node_stands_in_the_tables_makes_no_difference(
    weights: dict[str, float], shape: Shape, frees: list[list[int]], cpu: int
) -> None:
    forth = center_of(shape, dict(enumerate(frees)), dict.fromkeys(range(len(frees)), cpu))
    back = center_of(shape, dict(enumerate(frees[::-1])), dict.fromkeys(range(len(frees)), cpu))
    for center in (forth, back):
        learn(center, OTHERS)
        center.draws[:] = (1_000_000, 100_000, 200_000, 0, 300_000)
    scores = [weighed(forth, node, **weights) for node in range(len(frees))]
    assert scores == [weighed(back, node, **weights) for node in reversed(range(len(frees)))]


@settings(max_examples=60)
@given(SHAPES, FREE, st.permutations(range(3)))
def test_the_order_of_like_devices_makes_no_difference(shape: Shape, free: list[int], order: list[int]) -> None:
    one = center_of(shape, {0: free})
    other = center_of(shape, {0: [free[place] for place in order] + free[3:]})
    weights = {"full": 1.0, "product": 1.0, "packed": 1.0, "clustered": 1.0, "fragments": 1.0, "value": 1.0}
    for center in (one, other):
        learn(center, OTHERS)
    assert weighed(one, **weights) == near(weighed(other, **weights))


@settings(max_examples=40)
@given(SHAPES, st.lists(FREE, min_size=1, max_size=5), WEIGHTS)
def test_what_is_remembered_of_a_shape_is_the_score_where_a_unit_fits(
    shape: Shape, frees: list[list[int]], weights: dict[str, float]
) -> None:
    center = center_of(shape, dict(enumerate(frees)))
    learn(center, OTHERS)
    weighed(center, **weights)
    refresh(center, 0, WEIGHED)
    for node in range(len(frees)):
        fits = center.tasks[0, node] >= max(shape.unit, 1)
        expected = np.float32(score(center, WEIGHED, 0, node)) if fits else np.inf
        assert center.score[0, node] == expected
