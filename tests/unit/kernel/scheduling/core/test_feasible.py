"""How many tasks fit on a node and what it fails first, constraint by constraint, with answers worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import holdable, may_gain, tasks_on, weight
from tests.unit.kernel.scheduling.core import brute
from tests.unit.kernel.scheduling.core.center import Node, Shape
from tests.unit.kernel.scheduling.core.days import NODES, SHAPES
from tests.unit.kernel.scheduling.core.small import small

PLENTY = 2**30
"""Tasks where nothing counts them."""


def judged(
    node: Node, shape: Shape, columns: Mapping[int, int] | None = None, free: Sequence[int] = ()
) -> tuple[int, int]:
    """Tasks and what is failed first, on the second of two nodes, of the second of two shapes."""
    center = small([Node(0, 0, ready=False), node], shapes=[Shape(cpu=99), shape])
    for column, value in (columns or {}).items():
        center.nodes[1, column] = value
    for position, value in enumerate(free):
        center.devices[1, position, t.FREE] = value
    tasks, blocker = tasks_on(center.nodes, center.devices, center.shapes, 1, 1)
    return int(tasks), int(blocker)


@pytest.mark.parametrize(
    ("cpu", "memory", "shape", "expected"),
    [
        # One task of three cpus: the last one that fits exactly, and one cpu too few.
        (2, 100, Shape(cpu=3), (0, t.FAILS_CPU)),
        (3, 100, Shape(cpu=3), (1, t.NOBODY)),
        (5, 100, Shape(cpu=3), (1, t.NOBODY)),
        (6, 100, Shape(cpu=3), (2, t.NOBODY)),
        (8, 100, Shape(cpu=3), (2, t.NOBODY)),
        (0, 100, Shape(cpu=1), (0, t.FAILS_CPU)),
        (1, 100, Shape(cpu=1), (1, t.NOBODY)),
        # Memory, with as many cpus as anyone wants.
        (99, 9, Shape(memory=10), (0, t.FAILS_MEMORY)),
        (99, 10, Shape(memory=10), (1, t.NOBODY)),
        (99, 19, Shape(memory=10), (1, t.NOBODY)),
        (99, 20, Shape(memory=10), (2, t.NOBODY)),
        (99, 0, Shape(memory=1), (0, t.FAILS_MEMORY)),
        (99, 1, Shape(memory=1), (1, t.NOBODY)),
        # The scarcer of both decides; where both fail, cpus are named.
        (7, 100, Shape(cpu=2, memory=50), (2, t.NOBODY)),
        (7, 100, Shape(cpu=1, memory=20), (5, t.NOBODY)),
        (1, 1, Shape(cpu=2, memory=2), (0, t.FAILS_CPU)),
        (4, 1, Shape(cpu=2, memory=2), (0, t.FAILS_MEMORY)),
        (1, 9, Shape(cpu=2, memory=2), (0, t.FAILS_CPU)),
        # What is not asked for counts nothing, even where there is none.
        (0, 7, Shape(cpu=0, memory=3), (2, t.NOBODY)),
        (7, 0, Shape(cpu=3, memory=0), (2, t.NOBODY)),
        (0, 0, Shape(cpu=0, memory=0), (PLENTY, t.NOBODY)),
        # A unit of several tasks: how many fit is told though they are too few.
        (5, 100, Shape(cpu=2, unit=2), (2, t.NOBODY)),
        (4, 100, Shape(cpu=2, unit=2), (2, t.NOBODY)),
        (3, 100, Shape(cpu=2, unit=2), (1, t.FAILS_CPU)),
        (99, 29, Shape(memory=10, unit=3), (2, t.FAILS_MEMORY)),
        (99, 30, Shape(memory=10, unit=3), (3, t.NOBODY)),
        (5, 10, Shape(cpu=2, memory=10, unit=2), (1, t.FAILS_MEMORY)),
        (3, 10, Shape(cpu=2, memory=10, unit=2), (1, t.FAILS_CPU)),
        # A node that shrank below what is held of it owes what it has not.
        (-3, 100, Shape(cpu=1), (0, t.FAILS_CPU)),
        (-3, 100, Shape(cpu=0, memory=50), (2, t.NOBODY)),
        (99, -1, Shape(memory=1), (0, t.FAILS_MEMORY)),
        (9, -50, Shape(cpu=3, memory=0), (3, t.NOBODY)),
    ],
)
def test_cpus_and_memory_count_tasks(cpu: int, memory: int, shape: Shape, expected: tuple[int, int]) -> None:
    assert judged(Node(99, 100), shape, {t.FREE_CPU: cpu, t.FREE_MEMORY: memory}) == expected


@pytest.mark.parametrize(
    ("most", "cpu", "expected"),
    [
        (0, 9, (9, t.NOBODY)),
        (1, 9, (1, t.NOBODY)),
        (2, 9, (2, t.NOBODY)),
        (9, 9, (9, t.NOBODY)),
        (10, 9, (9, t.NOBODY)),
        (3, 0, (0, t.FAILS_CPU)),
        (1, 1, (1, t.NOBODY)),
    ],
)
def test_no_more_tasks_are_counted_than_one_node_may_have(most: int, cpu: int, expected: tuple[int, int]) -> None:
    assert judged(Node(9), Shape(most=most), {t.FREE_CPU: cpu}) == expected


def test_the_bound_on_tasks_counts_what_nothing_else_does() -> None:
    assert judged(Node(0, 0), Shape(cpu=0, memory=0, most=3)) == (3, t.NOBODY)


@pytest.mark.parametrize(
    ("windows", "kept_off", "within", "expected"),
    [
        (0b0, 0b0, 0b0, (4, t.NOBODY)),
        (0b1, 0b0, 0b0, (4, t.NOBODY)),
        (0b1, 0b1, 0b0, (0, t.FAILS_RESERVED)),
        (0b110, 0b011, 0b0, (0, t.FAILS_RESERVED)),
        (0b110, 0b001, 0b0, (4, t.NOBODY)),
        (0b0, 0b111, 0b0, (4, t.NOBODY)),
        (0b0, 0b0, 0b1, (0, t.FAILS_OUTSIDE)),
        (0b1, 0b0, 0b1, (4, t.NOBODY)),
        (0b10, 0b0, 0b1, (0, t.FAILS_OUTSIDE)),
        (0b11, 0b0, 0b10, (4, t.NOBODY)),
        (0b11, 0b0, 0b10 | t.CLOSED, (0, t.FAILS_OUTSIDE)),
        (0b11, 0b0, t.CLOSED, (0, t.FAILS_OUTSIDE)),
        (0b11, 0b1, 0b100, (0, t.FAILS_RESERVED)),
    ],
)
def test_windows_close_nodes_and_open_them(windows: int, kept_off: int, within: int, expected: tuple[int, int]) -> None:
    assert judged(Node(4, windows=windows), Shape(kept_off=kept_off, within=within)) == expected


@pytest.mark.parametrize(
    ("features", "must_have", "expected"),
    [
        (0b0, 0b0, (4, t.NOBODY)),
        (0b111, 0b0, (4, t.NOBODY)),
        (0b0, 0b1, (0, t.FAILS_FEATURE)),
        (0b1, 0b1, (4, t.NOBODY)),
        (0b10, 0b1, (0, t.FAILS_FEATURE)),
        (0b01, 0b11, (0, t.FAILS_FEATURE)),
        (0b11, 0b11, (4, t.NOBODY)),
        (0b111, 0b101, (4, t.NOBODY)),
    ],
)
def test_a_node_must_have_every_feature(features: int, must_have: int, expected: tuple[int, int]) -> None:
    assert judged(Node(4, features=features), Shape(must_have=must_have)) == expected


@pytest.mark.parametrize(
    ("holders", "alone_there", "alone", "expected"),
    [
        (0, 0, False, (4, t.NOBODY)),
        (3, 0, False, (4, t.NOBODY)),
        (1, 1, False, (0, t.FAILS_EXCLUSIVE)),
        (0, 0, True, (4, t.NOBODY)),
        (1, 0, True, (0, t.FAILS_EXCLUSIVE)),
        (2, 0, True, (0, t.FAILS_EXCLUSIVE)),
        (1, 1, True, (0, t.FAILS_EXCLUSIVE)),
    ],
)
def test_who_is_alone_on_a_node_shares_it_with_nobody(
    holders: int, alone_there: int, alone: bool, expected: tuple[int, int]
) -> None:
    assert judged(Node(4), Shape(alone=alone), {t.HOLDERS: holders, t.EXCLUSIVE: alone_there}) == expected


def test_what_a_node_fails_first_is_told_in_the_order_of_the_constraints() -> None:
    node = Node(0, 0, ready=False, windows=0b1)
    shape = Shape(5, 5, devices=1, types=frozenset({1}), alone=True, kept_off=0b1, within=0b10, must_have=0b1)
    columns = {t.HOLDERS: 1}
    mended: list[tuple[dict[int, int], int]] = [
        ({}, t.FAILS_STATE),
        ({t.READY: 1}, t.FAILS_RESERVED),
        ({t.RESERVED: 0b100}, t.FAILS_OUTSIDE),
        ({t.RESERVED: 0b10}, t.FAILS_FEATURE),
        ({t.HAS: 0b1}, t.FAILS_EXCLUSIVE),
        ({t.HOLDERS: 0}, t.FAILS_CLASS),
    ]
    for mending, expected in mended:
        columns |= mending
        assert judged(node, shape, columns) == (0, expected)
    devices = Node(0, 0, devices=((1, True),))
    shape = Shape(5, 5, devices=1, types=frozenset({1}))
    assert judged(devices, shape, {}, [999]) == (0, t.FAILS_FREE)
    assert judged(devices, shape) == (0, t.FAILS_CPU)
    assert judged(devices, shape, {t.FREE_CPU: 5}) == (0, t.FAILS_MEMORY)
    assert judged(devices, shape, {t.FREE_CPU: 5, t.FREE_MEMORY: 5}) == (1, t.NOBODY)


GOOD, BAD = True, False
TWO = ((0, GOOD), (0, GOOD))
FOUR = TWO + TWO
ONE = frozenset({0})


@pytest.mark.parametrize(
    ("devices", "free", "shape", "expected"),
    [
        # Whole devices, one or several for each task.
        (TWO, [], Shape(0, 0, 1, types=ONE), (2, t.NOBODY)),
        (TWO, [], Shape(0, 0, 2, types=ONE), (1, t.NOBODY)),
        (FOUR, [], Shape(0, 0, 2, types=ONE), (2, t.NOBODY)),
        (FOUR, [], Shape(0, 0, 3, types=ONE), (1, t.NOBODY)),
        (FOUR, [], Shape(0, 0, 4, types=ONE), (1, t.NOBODY)),
        (FOUR, [0], Shape(0, 0, 1, types=ONE), (3, t.NOBODY)),
        (FOUR, [999], Shape(0, 0, 1, types=ONE), (3, t.NOBODY)),
        (FOUR, [0, 0, 0, 0], Shape(0, 0, 1, types=ONE), (0, t.FAILS_FREE)),
        (FOUR, [0], Shape(0, 0, 4, types=ONE), (0, t.FAILS_FREE)),
        (FOUR, [0, 0, 0], Shape(0, 0, 2, types=ONE), (0, t.FAILS_FREE)),
        # Parts of devices: three of 300 in each, four of 250, one of 501, a thousand of 1.
        (TWO, [], Shape(0, 0, 1, 300, ONE), (6, t.NOBODY)),
        (TWO, [899, 300], Shape(0, 0, 1, 300, ONE), (3, t.NOBODY)),
        (TWO, [900, 299], Shape(0, 0, 1, 300, ONE), (3, t.NOBODY)),
        (TWO, [299, 299], Shape(0, 0, 1, 300, ONE), (0, t.FAILS_FREE)),
        (TWO, [], Shape(0, 0, 1, 250, ONE), (8, t.NOBODY)),
        (TWO, [], Shape(0, 0, 1, 501, ONE), (2, t.NOBODY)),
        (TWO, [], Shape(0, 0, 1, 500, ONE), (4, t.NOBODY)),
        (TWO, [], Shape(0, 0, 1, 1, ONE), (2000, t.NOBODY)),
        (TWO, [1, 0], Shape(0, 0, 1, 1, ONE), (1, t.NOBODY)),
        (TWO, [], Shape(0, 0, 3, 300, ONE), (2, t.NOBODY)),
        (TWO, [700, 1000], Shape(0, 0, 3, 300, ONE), (1, t.NOBODY)),
        # Less than nothing is free of a device that more is held of than there is.
        (TWO, [-400, 1000], Shape(0, 0, 1, 200, ONE), (5, t.NOBODY)),
        (TWO, [-1, -1000], Shape(0, 0, 1, 1, ONE), (0, t.FAILS_FREE)),
        (TWO, [-1, 1], Shape(0, 0, 1, 1, ONE), (1, t.NOBODY)),
        # Units: how many tasks fit is told, though these are too few.
        (TWO, [], Shape(0, 0, 1, types=ONE, unit=2), (2, t.NOBODY)),
        (TWO, [0], Shape(0, 0, 1, types=ONE, unit=2), (1, t.FAILS_FREE)),
        (FOUR, [0, 0], Shape(0, 0, 2, types=ONE, unit=2), (1, t.FAILS_FREE)),
        (FOUR, [0], Shape(0, 0, 2, types=ONE, unit=2), (1, t.FAILS_FREE)),
        (FOUR, [], Shape(0, 0, 2, types=ONE, unit=2), (2, t.NOBODY)),
        (TWO, [200, 400], Shape(0, 0, 1, 200, ONE, unit=4), (3, t.FAILS_FREE)),
        (TWO, [400, 400], Shape(0, 0, 1, 200, ONE, unit=4), (4, t.NOBODY)),
        # What is left of several devices is no further part: four have three parts of 300 each, and no thirteenth.
        (FOUR, [], Shape(0, 0, 1, 300, ONE, unit=12), (12, t.NOBODY)),
        (FOUR, [], Shape(0, 0, 1, 300, ONE, unit=13), (12, t.FAILS_CLASS)),
        (FOUR, [100], Shape(0, 0, 1, 300, ONE, unit=12), (9, t.FAILS_FREE)),
        ((*FOUR, (0, BAD)), [], Shape(0, 0, 1, 300, ONE, unit=13), (12, t.FAILS_HEALTH)),
        ((*FOUR, (0, BAD)), [], Shape(0, 0, 1, 300, ONE, unit=15), (12, t.FAILS_HEALTH)),
        ((*FOUR, (0, BAD)), [], Shape(0, 0, 1, 300, ONE, unit=16), (12, t.FAILS_CLASS)),
        # Sick ones are of no use, and are named where the others are too few.
        (((0, GOOD), (0, BAD)), [], Shape(0, 0, 1, types=ONE), (1, t.NOBODY)),
        (((0, BAD), (0, BAD)), [], Shape(0, 0, 1, types=ONE), (0, t.FAILS_HEALTH)),
        (((0, BAD), (0, GOOD)), [1000, 0], Shape(0, 0, 1, types=ONE), (0, t.FAILS_FREE)),
        (((0, BAD), (0, GOOD)), [], Shape(0, 0, 2, types=ONE), (0, t.FAILS_HEALTH)),
        (((0, BAD), (0, GOOD)), [1000, 0], Shape(0, 0, 2, types=ONE), (0, t.FAILS_HEALTH)),
        (((0, BAD), *TWO), [], Shape(0, 0, 1, types=ONE, unit=2), (2, t.NOBODY)),
        (((0, BAD), *TWO), [], Shape(0, 0, 1, types=ONE, unit=3), (2, t.FAILS_HEALTH)),
        (((0, BAD), *TWO), [0, 0, 1000], Shape(0, 0, 1, types=ONE, unit=2), (1, t.FAILS_FREE)),
        (((0, BAD), (0, GOOD)), [], Shape(0, 0, 1, 400, ONE, unit=3), (2, t.FAILS_HEALTH)),
        (((0, BAD), (0, GOOD)), [0, 799], Shape(0, 0, 1, 400, ONE, unit=2), (1, t.FAILS_FREE)),
        # Of types only those that will do.
        (((0, GOOD), (1, GOOD), (2, GOOD)), [], Shape(0, 0, 1, types=ONE), (1, t.NOBODY)),
        (((0, GOOD), (1, GOOD), (2, GOOD)), [], Shape(0, 0, 1, types=frozenset({1})), (1, t.NOBODY)),
        (((0, GOOD), (1, GOOD), (2, GOOD)), [], Shape(0, 0, 1, types=frozenset({0, 2})), (2, t.NOBODY)),
        (((0, GOOD), (1, GOOD), (2, GOOD)), [0, 7, 0], Shape(0, 0, 1, types=frozenset({0, 2})), (0, t.FAILS_FREE)),
        (((5, GOOD), (62, GOOD)), [], Shape(0, 0, 1, types=frozenset({62})), (1, t.NOBODY)),
        (((5, GOOD), (62, GOOD)), [], Shape(0, 0, 2, types=frozenset({5, 62})), (1, t.NOBODY)),
        (((5, GOOD), (62, GOOD)), [], Shape(0, 0, 1, types=frozenset({4, 61})), (0, t.FAILS_CLASS)),
        (((0, GOOD), (1, BAD)), [], Shape(0, 0, 2, types=frozenset({0, 1})), (0, t.FAILS_HEALTH)),
        # Where no device stands there is none, whatever its row says.
        (((0, GOOD), (-1, GOOD)), [], Shape(0, 0, 1, types=ONE), (1, t.NOBODY)),
        (((-1, GOOD), (-1, GOOD)), [], Shape(0, 0, 1, types=frozenset(range(63))), (0, t.FAILS_CLASS)),
        (((0, GOOD), (-1, GOOD)), [], Shape(0, 0, 2, types=frozenset(range(63))), (0, t.FAILS_CLASS)),
        ((), [], Shape(0, 0, 1, types=ONE), (0, t.FAILS_CLASS)),
    ],
)
def test_devices_count_tasks(
    devices: tuple[tuple[int, bool], ...], free: list[int], shape: Shape, expected: tuple[int, int]
) -> None:
    assert judged(Node(9, devices=devices), shape, free=free) == expected


@pytest.mark.parametrize(
    ("cpu", "memory", "shape", "expected"),
    [
        # Two devices: the scarcest decides, and devices are named before cpus, and these before memory.
        (9, 9, Shape(4, 1, 1, types=ONE), (2, t.NOBODY)),
        (9, 9, Shape(5, 1, 1, types=ONE), (1, t.NOBODY)),
        (9, 9, Shape(1, 9, 1, types=ONE), (1, t.NOBODY)),
        (9, 9, Shape(2, 2, 1, 250, ONE), (4, t.NOBODY)),
        (9, 9, Shape(10, 1, 1, types=ONE), (0, t.FAILS_CPU)),
        (9, 9, Shape(1, 10, 1, types=ONE), (0, t.FAILS_MEMORY)),
        (9, 9, Shape(10, 10, 1, types=ONE), (0, t.FAILS_CPU)),
        (9, 9, Shape(10, 10, 3, types=ONE), (0, t.FAILS_CLASS)),
        (9, 9, Shape(10, 1, 3, types=ONE), (0, t.FAILS_CLASS)),
        (9, 9, Shape(1, 10, 3, types=ONE), (0, t.FAILS_CLASS)),
        (9, 9, Shape(5, 1, 1, types=ONE, unit=2), (1, t.FAILS_CPU)),
        (9, 9, Shape(1, 5, 1, types=ONE, unit=2), (1, t.FAILS_MEMORY)),
        (9, 9, Shape(1, 1, 1, types=ONE, unit=3), (2, t.FAILS_CLASS)),
        (9, 9, Shape(1, 1, 1, types=ONE, most=1), (1, t.NOBODY)),
    ],
)
def test_the_scarcest_of_all_decides(cpu: int, memory: int, shape: Shape, expected: tuple[int, int]) -> None:
    columns = {t.FREE_CPU: cpu, t.FREE_MEMORY: memory}
    assert judged(Node(9, devices=TWO), shape, columns) == expected


CLASS, MODEL, MEMORY, PRECISION = t.FAILS_CLASS, t.FAILS_MODEL, t.FAILS_DEVICE_MEMORY, t.FAILS_PRECISION
RATE = t.FAILS_RATE


@pytest.mark.parametrize(
    ("of_class", "of_model", "of_memory", "types", "unit", "tasks", "fails"),
    [
        # Types 0 to 3, one device of each; bits are what each constraint leaves of them.
        (0b0000, 0b0000, 0b0000, 0b0000, 1, 0, CLASS),
        (0b0001, 0b0000, 0b0000, 0b0000, 1, 0, MODEL),
        (0b0001, 0b0001, 0b0000, 0b0000, 1, 0, MEMORY),
        (0b0001, 0b0001, 0b0001, 0b0000, 1, 0, PRECISION),
        (0b1000, 0b1000, 0b1000, 0b0000, 1, 0, PRECISION),
        (0b1110, 0b1000, 0b0000, 0b0000, 1, 0, MEMORY),
        (0b0001, 0b0001, 0b0001, 0b0001, 2, 1, CLASS),
        (0b0011, 0b0001, 0b0001, 0b0001, 2, 1, MODEL),
        (0b1010, 0b1010, 0b1000, 0b1000, 2, 1, MEMORY),
        (0b1011, 0b1011, 0b0011, 0b0001, 2, 1, PRECISION),
        (0b1111, 0b1111, 0b1111, 0b0111, 4, 3, PRECISION),
        (0b1111, 0b1111, 0b0111, 0b0111, 4, 3, MEMORY),
        (0b1111, 0b0111, 0b0111, 0b0111, 4, 3, MODEL),
        (0b0111, 0b0111, 0b0111, 0b0111, 4, 3, CLASS),
        (0b1111, 0b1111, 0b1111, 0b1111, 4, 4, t.NOBODY),
    ],
)
def test_the_constraint_that_leaves_too_few_devices_is_named(
    of_class: int, of_model: int, of_memory: int, types: int, unit: int, tasks: int, fails: int
) -> None:
    node = Node(9, devices=((0, GOOD), (1, GOOD), (2, GOOD), (3, GOOD), (-1, GOOD)))
    center = small([node], shapes=[Shape(0, 0, devices=1)])
    left = (of_class, of_model, of_memory, types, types)
    center.shapes[0, [t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.OF_PRECISION, t.TYPES]] = left
    center.shapes[0, t.UNIT] = unit
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == (tasks, fails)


@pytest.mark.parametrize(
    ("of_memory", "of_precision", "types", "unit", "tasks", "fails"),
    [
        # What a rate leaves of the types that do the precision.
        (0b1111, 0b0000, 0b0000, 1, 0, PRECISION),
        (0b1111, 0b0001, 0b0000, 1, 0, RATE),
        (0b1111, 0b1000, 0b0000, 1, 0, RATE),
        (0b0000, 0b0000, 0b0000, 1, 0, MEMORY),
        (0b1111, 0b0011, 0b0001, 2, 1, RATE),
        (0b1111, 0b0001, 0b0001, 2, 1, PRECISION),
        (0b0001, 0b0001, 0b0001, 2, 1, MEMORY),
        (0b1111, 0b0011, 0b0011, 2, 2, t.NOBODY),
        (0b1111, 0b1111, 0b0111, 4, 3, RATE),
    ],
)
def test_a_rate_is_named_where_the_precision_would_have_done(
    of_memory: int, of_precision: int, types: int, unit: int, tasks: int, fails: int
) -> None:
    node = Node(9, devices=((0, GOOD), (1, GOOD), (2, GOOD), (3, GOOD), (-1, GOOD)))
    center = small([node], shapes=[Shape(0, 0, devices=1)])
    left = (0b1111, 0b1111, of_memory, of_precision, types)
    center.shapes[0, [t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.OF_PRECISION, t.TYPES]] = left
    center.shapes[0, t.UNIT] = unit
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == (tasks, fails)


@pytest.mark.parametrize(
    ("share", "count", "unit", "tasks", "fails"),
    [
        # Two devices are of the class, one of the model; of one device 400 fits twice, 300 three times.
        (400, 1, 2, 2, t.NOBODY),
        (400, 1, 3, 2, MODEL),
        (400, 1, 4, 2, MODEL),
        (400, 1, 5, 2, CLASS),
        (300, 1, 3, 3, t.NOBODY),
        (300, 1, 4, 3, MODEL),
        (300, 1, 6, 3, MODEL),
        (300, 1, 7, 3, CLASS),
        (300, 2, 1, 1, t.NOBODY),
        (300, 2, 2, 1, MODEL),
        (300, 2, 3, 1, MODEL),
        (300, 2, 4, 1, CLASS),
        (1000, 2, 1, 0, MODEL),
        (1000, 3, 1, 0, CLASS),
    ],
)
def test_parts_of_devices_are_counted_for_the_constraint_that_is_named(
    share: int, count: int, unit: int, tasks: int, fails: int
) -> None:
    center = small([Node(9, devices=TWO)], shapes=[Shape(0, 0, count, share)])
    center.devices[0, 1, t.TYPE] = 1
    center.shapes[0, [t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.TYPES]] = (0b11, 0b10, 0b10, 0b10)
    center.shapes[0, t.UNIT] = unit
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == (tasks, fails)


@pytest.mark.parametrize(
    ("of_class", "of_model", "of_memory", "share", "unit", "tasks", "fails"),
    [
        # Types 0 to 2, one device of each; precision leaves the first alone. Of one, 300 fits three times, 400 twice.
        (0b111, 0b111, 0b111, 300, 3, 3, t.NOBODY),
        (0b111, 0b111, 0b111, 300, 4, 3, PRECISION),
        (0b111, 0b111, 0b111, 300, 9, 3, PRECISION),
        (0b111, 0b111, 0b111, 300, 10, 3, CLASS),
        (0b111, 0b111, 0b011, 300, 4, 3, PRECISION),
        (0b111, 0b111, 0b011, 300, 6, 3, PRECISION),
        (0b111, 0b111, 0b011, 300, 7, 3, MEMORY),
        (0b111, 0b111, 0b001, 300, 4, 3, MEMORY),
        (0b111, 0b011, 0b001, 300, 6, 3, MEMORY),
        (0b111, 0b011, 0b001, 300, 7, 3, MODEL),
        (0b111, 0b001, 0b001, 300, 4, 3, MODEL),
        (0b111, 0b001, 0b001, 300, 9, 3, MODEL),
        (0b011, 0b001, 0b001, 300, 7, 3, CLASS),
        (0b111, 0b111, 0b111, 400, 2, 2, t.NOBODY),
        (0b111, 0b111, 0b111, 400, 3, 2, PRECISION),
        (0b111, 0b111, 0b111, 400, 6, 2, PRECISION),
        (0b111, 0b111, 0b101, 400, 5, 2, MEMORY),
        (0b111, 0b101, 0b001, 400, 4, 2, MEMORY),
        (0b111, 0b101, 0b001, 400, 5, 2, MODEL),
        (0b101, 0b101, 0b001, 400, 5, 2, CLASS),
    ],
)
def test_of_parts_too_the_first_constraint_that_leaves_too_few_is_named(
    of_class: int, of_model: int, of_memory: int, share: int, unit: int, tasks: int, fails: int
) -> None:
    node = Node(9, devices=((0, GOOD), (1, GOOD), (2, GOOD)))
    center = small([node], shapes=[Shape(0, 0, 1, share)])
    center.shapes[0, [t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.TYPES]] = (of_class, of_model, of_memory, 0b001)
    center.shapes[0, t.UNIT] = unit
    assert tasks_on(center.nodes, center.devices, center.shapes, 0, 0) == (tasks, fails)


@given(NODES, SHAPES, st.data())
def test_as_many_fit_as_can_be_put_there_one_by_one(node: Node, shape: Shape, data: st.DataObject) -> None:
    cpu, memory, disk = (data.draw(st.integers(-2, most)) for most in (node.cpu, node.memory, node.disk))
    holders, devices = data.draw(st.integers(0, 2)), [data.draw(st.integers(0, 1000)) for _ in node.devices]
    alone = data.draw(st.integers(0, 1)) if holders == 1 else 0
    columns = {t.FREE_CPU: cpu, t.FREE_MEMORY: memory, t.FREE_DISK: disk, t.HOLDERS: holders, t.EXCLUSIVE: alone}
    tasks, blocker = judged(node, shape, columns, devices)
    assert tasks == brute.tasks_on(brute.Free(node, cpu, memory, devices, disk, holders, alone), shape)
    assert (blocker == t.NOBODY) == (tasks >= max(shape.unit, 1))


@pytest.mark.parametrize(
    ("unit", "by_nodes", "tasks", "expected"),
    [
        (1, 0, 0, 0),
        (1, 0, 1, 1),
        (1, 0, 7, 7),
        (3, 0, 2, 0),
        (3, 0, 3, 3),
        (3, 0, 4, 4),
        (1, 1, 0, 0),
        (1, 1, 1, 1),
        (1, 1, 7, 1),
        (3, 1, 2, 0),
        (3, 1, 3, 1),
        (3, 1, 4, 1),
    ],
)
def test_a_node_counts_its_tasks_or_as_one(unit: int, by_nodes: int, tasks: int, expected: int) -> None:
    shapes = small([Node(1)], shapes=[Shape(cpu=7), Shape()]).shapes
    shapes[1, [t.UNIT, t.BY_NODES]] = (unit, by_nodes)
    assert weight(shapes, 1, tasks) == expected


@pytest.mark.parametrize(
    ("totals", "need", "expected"),
    [
        ([0], 1, False),
        ([1], 1, True),
        ([2], 1, True),
        ([2], 3, False),
        ([2, 3], 3, True),
        ([3, 2], 3, True),
        ([2, 2], 3, False),
        ([2, 2, 4], 3, True),
        ([-1, 0], 1, False),
    ],
)
def test_all_of_a_need_must_be_of_one_engine(totals: list[int], need: int, expected: bool) -> None:
    center = small([Node(1, engine=engine) for engine in range(len(totals))], shapes=[Shape(cpu=7), Shape()])
    center.total[0], center.total[1] = 99, totals
    assert holdable(center.total, 1, need) is expected


@pytest.mark.parametrize(
    ("blocker", "expected"),
    [
        (t.NOBODY, True),
        (t.FAILS_STATE, False),
        (t.FAILS_RESERVED, True),
        (t.FAILS_OUTSIDE, True),
        (t.FAILS_FEATURE, False),
        (t.FAILS_EXCLUSIVE, True),
        (t.FAILS_CLASS, False),
        (t.FAILS_MODEL, False),
        (t.FAILS_DEVICE_MEMORY, False),
        (t.FAILS_PRECISION, False),
        (t.FAILS_RATE, False),
        (t.FAILS_HEALTH, False),
        (t.FAILS_FREE, True),
        (t.FAILS_CPU, True),
        (t.FAILS_MEMORY, True),
    ],
)
def test_only_what_others_hold_or_a_window_closes_can_become_of_use(blocker: int, expected: bool) -> None:
    assert may_gain(blocker) is expected
