"""What a job holds of nodes and of devices, laid onto them and lifted off them again."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.place import hold, hold_device, hold_node, lay, lift, shift, shift_chains, unchain
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape, chain
from tests.unit.kernel.scheduling.core.small import ROWS, changed, device_holds, free, holds, small

GOOD, BAD = True, False
ONE = frozenset({0})


def hold_on(center: t.Center, job: int, on: Mapping[int, int], *, beside: bool = False) -> None:
    """Choose so many tasks on each node and let a job hold them."""
    for place, (node, tasks) in enumerate(on.items()):
        center.scratch[[t.CHOSEN, t.TASKS], place] = (node, tasks)
    hold(center, job, len(on), beside)


def unused(center: t.Center) -> tuple[list[int], list[int]]:
    """Rows that nobody has, in the order in which they are taken."""
    found = []
    for table, first in ((center.holds, t.UNUSED), (center.device_holds, t.DEVICE_UNUSED)):
        rows, row = list[int](), int(center.sizes[first])
        while row >= 0:
            rows.append(row)
            row = int(table[row, -1])
        found.append(rows)
    return found[0], found[1]


@pytest.mark.parametrize(
    ("shape", "on", "expected"),
    [
        # Node, tasks, cpus, memory, alone.
        (Shape(2, 3), {0: 1}, [(0, 1, 2, 3, 0)]),
        (Shape(2, 3), {1: 4}, [(1, 4, 8, 12, 0)]),
        (Shape(2, 3), {1: 4, 0: 2}, [(1, 4, 8, 12, 0), (0, 2, 4, 6, 0)]),
        (Shape(0, 3), {0: 2}, [(0, 2, 0, 6, 0)]),
        (Shape(2, 0), {0: 2}, [(0, 2, 4, 0, 0)]),
        # Who has a node alone holds all of it, whatever is asked for.
        (Shape(2, 3, alone=True), {1: 1}, [(1, 1, 9, 50, 1)]),
        (Shape(2, 3, alone=True), {1: 3, 0: 2}, [(1, 3, 9, 50, 1), (0, 2, 8, 40, 1)]),
    ],
)
def test_each_node_is_held_for_its_tasks(shape: Shape, on: dict[int, int], expected: list[tuple[int, ...]]) -> None:
    center = small([Node(8, 40), Node(9, 50)], [Job(), Job(shape=shape)])
    before = center.copied()
    hold_on(center, 1, on)
    assert holds(center, 1) == expected
    assert device_holds(center, 1) == []
    assert holds(center, 0) == []
    assert all(center.holds[row, t.HELD_BY] == 1 for row in range(len(expected)))
    # Nothing is laid yet.
    assert changed(before, center) == {"holds", "jobs", "sizes", "scratch"}


SIX = ((0, GOOD), (1, GOOD), (0, BAD), (0, GOOD), (-1, GOOD), (2, GOOD))


@pytest.mark.parametrize(
    ("shape", "tasks", "shares", "expected"),
    [
        # Whole devices: position and thousandths of each, the tightest that will do first, of equal ones the first.
        (Shape(1, 1, 1, types=ONE), 1, {}, {0: 1000}),
        (Shape(1, 1, 1, types=ONE), 2, {}, {0: 1000, 3: 1000}),
        (Shape(1, 1, 2, types=ONE), 1, {}, {0: 1000, 3: 1000}),
        (Shape(1, 1, 1, types=ONE), 1, {0: 999}, {3: 1000}),
        (Shape(1, 1, 1, types=frozenset({1})), 1, {}, {1: 1000}),
        (Shape(1, 1, 2, types=frozenset({1, 2})), 1, {}, {1: 1000, 5: 1000}),
        (Shape(1, 1, 4, types=frozenset({0, 1, 2})), 1, {}, {0: 1000, 1: 1000, 3: 1000, 5: 1000}),
        # Parts: as many on one device as go, then on the next tightest.
        (Shape(1, 1, 1, 300, ONE), 1, {}, {0: 300}),
        (Shape(1, 1, 1, 300, ONE), 3, {}, {0: 900}),
        (Shape(1, 1, 1, 300, ONE), 4, {}, {0: 900, 3: 300}),
        (Shape(1, 1, 1, 300, ONE), 6, {}, {0: 900, 3: 900}),
        (Shape(1, 1, 2, 300, ONE), 3, {}, {0: 900, 3: 900}),
        (Shape(1, 1, 1, 300, ONE), 1, {3: 400}, {3: 300}),
        (Shape(1, 1, 1, 300, ONE), 1, {3: 300}, {3: 300}),
        (Shape(1, 1, 1, 300, ONE), 1, {3: 299}, {0: 300}),
        (Shape(1, 1, 1, 300, ONE), 2, {3: 400}, {3: 300, 0: 300}),
        (Shape(1, 1, 1, 300, ONE), 3, {3: 700}, {3: 600, 0: 300}),
        (Shape(1, 1, 1, 300, ONE), 2, {0: 700, 3: 600}, {3: 600}),
        (Shape(1, 1, 1, 300, ONE), 1, {0: 600, 3: 600}, {0: 300}),
        (Shape(1, 1, 1, 250, frozenset({0, 1})), 9, {}, {0: 1000, 1: 1000, 3: 250}),
        (Shape(1, 1, 1, 1, ONE), 1001, {}, {0: 1000, 3: 1}),
    ],
)
def test_the_tightest_devices_are_held_as_full_as_they_go(
    shape: Shape, tasks: int, shares: dict[int, int], expected: dict[int, int]
) -> None:
    center = small([Node(9), Node(9, devices=SIX)], [Job(shape=shape)])
    for position, share in shares.items():
        center.devices[1, position, t.FREE] = share
    hold_on(center, 0, {1: tasks})
    assert sorted(device_holds(center, 0)) == sorted((1, position, share) for position, share in expected.items())
    assert [position for _, position, _ in reversed(device_holds(center, 0))] == list(expected)


def test_who_is_alone_holds_every_sound_device_whole() -> None:
    center = small([Node(9), Node(9, devices=SIX)], [Job(shape=Shape(1, 1, 1, 100, ONE, alone=True))])
    hold_on(center, 0, {1: 1})
    assert sorted(device_holds(center, 0)) == [(1, 0, 1000), (1, 1, 1000), (1, 3, 1000), (1, 5, 1000)]


def test_work_without_devices_holds_none() -> None:
    center = small([Node(9, devices=SIX)], [Job(shape=Shape(1, 1))])
    hold_on(center, 0, {0: 3})
    assert device_holds(center, 0) == []


@pytest.mark.parametrize(("beside", "is_kept", "expected"), [(False, 0, 0), (False, 1, 0), (True, 0, 0), (True, 1, 3)])
def test_of_kept_nodes_long_work_takes_only_what_is_free_beside(beside: bool, is_kept: int, expected: int) -> None:
    center = small([Node(9, devices=SIX)], [Job(shape=Shape(1, 1, 1, types=ONE))])
    center.nodes[0, t.IS_KEPT] = is_kept
    center.both_devices[:] = center.devices
    center.both_devices[0, 0, t.FREE] = 500
    hold_on(center, 0, {0: 1}, beside=beside)
    assert device_holds(center, 0) == [(0, expected, 1000)]


def test_rows_are_taken_from_the_front_and_given_back_there() -> None:
    center = small([Node(9)], [Job(), Job()])
    assert unused(center) == (list(range(ROWS)), list(range(ROWS)))
    for job, node in ((0, 5), (1, 6), (0, 7)):
        hold_node(center.holds, center.jobs, center.sizes, job, (node, 1, 2, 3, 0, 0))
    assert holds(center, 0) == [(7, 1, 2, 3, 0), (5, 1, 2, 3, 0)]
    assert holds(center, 1) == [(6, 1, 2, 3, 0)]
    assert center.holds[:3, t.HELD_BY].tolist() == [0, 1, 0]
    assert unused(center)[0] == list(range(3, ROWS))
    unchain(center.holds, center.sizes, t.UNUSED, center.jobs[0], t.HOLD)
    assert (holds(center, 0), holds(center, 1)) == ([], [(6, 1, 2, 3, 0)])
    assert center.jobs[0, t.HOLD] == t.NOBODY
    assert unused(center)[0] == [0, 2, *range(3, ROWS)]
    unchain(center.holds, center.sizes, t.UNUSED, center.jobs[0], t.HOLD)
    assert unused(center)[0] == [0, 2, *range(3, ROWS)]


def test_rows_of_devices_are_kept_by_themselves() -> None:
    center = small([Node(9)], [Job(), Job()])
    hold_device(center.device_holds, center.jobs, center.sizes, 1, (3, 4, 500, 0))
    hold_device(center.device_holds, center.jobs, center.sizes, 1, (2, 0, 250, 0))
    assert device_holds(center, 1) == [(2, 0, 250), (3, 4, 500)]
    assert unused(center) == (list(range(ROWS)), list(range(2, ROWS)))
    assert center.jobs[1, [t.HOLD, t.DEVICE_HOLD]].tolist() == [-1, 1]
    unchain(center.device_holds, center.sizes, t.DEVICE_UNUSED, center.jobs[1], t.DEVICE_HOLD)
    assert unused(center) == (list(range(ROWS)), [0, 1, *range(2, ROWS)])


def test_what_is_held_is_taken_and_given_back_in_any_tables() -> None:
    center = small([Node(9, 50, SIX), Node(9, 50)], [Job(), Job(shape=Shape(2, 3))])
    hold_on(center, 1, {0: 2, 1: 1})
    hold_device(center.device_holds, center.jobs, center.sizes, 1, (0, 3, 600, 0))
    before = center.copied()
    shift(center, center.then_nodes, center.then_devices, 1, -1)
    assert changed(before, center) == {"then_nodes", "then_devices"}
    columns = [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]
    assert center.then_nodes[:, columns].tolist() == [[-4, -6, 1, 0], [-2, -3, 1, 0]]
    assert center.then_devices[0, :, t.FREE].tolist() == [0, 0, 0, -600, 0, 0]
    shift(center, center.then_nodes, center.then_devices, 1, 1)
    assert changed(before, center) == set()
    shift(center, center.then_nodes, center.then_devices, 1, 1)
    assert center.then_nodes[:, columns].tolist() == [[4, 6, -1, 0], [2, 3, -1, 0]]
    assert center.then_devices[0, :, t.FREE].tolist() == [0, 0, 0, 600, 0, 0]


def test_two_chains_may_be_of_anybody() -> None:
    center = small([Node(9, 50, SIX)], [Job(), Job(shape=Shape(2, 3, alone=True))])
    hold_on(center, 1, {0: 2})
    first = (int(center.jobs[1, t.HOLD]), int(center.jobs[1, t.DEVICE_HOLD]))
    for given_chains, expected, shares in (
        ((t.NOBODY, t.NOBODY), (9, 50, 0, 0), [1000] * 4),
        ((first[0], t.NOBODY), (0, 0, 1, 1), [1000] * 4),
        ((t.NOBODY, first[1]), (9, 50, 0, 0), [0] * 4),
        (first, (0, 0, 1, 1), [0] * 4),
    ):
        shift_chains(center, center.nodes, center.devices, given_chains, -1)
        assert free(center, 0) == expected
        assert center.devices[0, [0, 1, 3, 5], t.FREE].tolist() == shares
        shift_chains(center, center.nodes, center.devices, given_chains, 1)
        assert free(center, 0) == (9, 50, 0, 0)


def of_node(center: t.Center, node: int) -> list[int]:
    """Whose holds are chained on a node, and that they are so in both directions."""
    found, row, before = [], int(center.nodes[node, t.HELD]), t.NOBODY
    while row >= 0:
        assert (center.holds[row, t.HELD_NODE], center.holds[row, t.BEFORE]) == (node, before)
        found.append(int(center.holds[row, t.HELD_BY]))
        before, row = row, int(center.holds[row, t.AFTER])
    return found


def test_who_lays_what_it_holds_is_found_on_its_nodes() -> None:
    center = small([Node(9), Node(9)], [Job(), Job(), Job()])
    for job, on in ((0, {0: 1, 1: 2}), (1, {0: 3}), (2, {1: 1, 0: 1})):
        hold_on(center, job, on)
        lay(center, job)
    assert [of_node(center, node) for node in range(2)] == [[2, 1, 0], [2, 0]]
    assert [free(center, node) for node in range(2)] == [(4, 95, 3, 0), (6, 97, 2, 0)]
    assert center.sizes[t.LOG_SIZE] == 5
    assert center.log[:5].tolist() == [0, 1, 0, 1, 0]
    lift(center, 1)
    assert [of_node(center, node) for node in range(2)] == [[2, 0], [2, 0]]
    assert free(center, 0) == (7, 98, 2, 0)
    assert holds(center, 1) == []
    assert center.log[5] == 0
    lift(center, 2)
    assert [of_node(center, node) for node in range(2)] == [[0], [0]]
    lift(center, 0)
    assert [of_node(center, node) for node in range(2)] == [[], []]
    assert [free(center, node) for node in range(2)] == [(9, 100, 0, 0)] * 2
    assert len(unused(center)[0]) == ROWS


def test_devices_are_taken_and_given_back_with_their_nodes() -> None:
    center = small([Node(9, devices=SIX)], [Job(shape=Shape(1, 1, 1, 300, ONE)), Job(shape=Shape(1, alone=True))])
    hold_on(center, 0, {0: 5})
    lay(center, 0)
    assert center.devices[0, :, t.FREE].tolist() == [100, 1000, 1000, 400, 1000, 1000]
    lift(center, 0)
    assert center.devices[0, :, t.FREE].tolist() == [1000] * 6
    assert (device_holds(center, 0), len(unused(center)[1])) == ([], ROWS)
    hold_on(center, 1, {0: 1})
    lay(center, 1)
    assert free(center, 0) == (0, 0, 1, 1)
    lift(center, 1)
    assert free(center, 0) == (9, 100, 0, 0)


@given(seed=st.integers(0, 2**32))
def test_whoever_comes_and_goes_what_is_free_is_what_nobody_holds(seed: int) -> None:
    chance = Random(seed)
    nodes = [Node(8, 30, ((0, GOOD), (0, GOOD))) for _ in range(3)]
    shapes = [Shape(1, 2), Shape(2, 1, 1, 300, ONE), Shape(0, 1, 1, types=ONE), Shape(1, 1, alone=True)]
    jobs = [Job(shape=chance.choice(shapes)) for _ in range(8)]
    center = small(nodes, jobs, shapes=shapes)
    there: list[int] = []
    for _ in range(25):
        job = chance.randrange(8)
        if job in there:
            lift(center, job)
            there.remove(job)
        else:
            shape = jobs[job].shape
            fitting = [
                node
                for node in range(3)
                if center.nodes[node, t.FREE_CPU] >= shape.cpu
                and center.nodes[node, t.FREE_MEMORY] >= shape.memory
                and center.nodes[node, t.HOLDERS if shape.alone else t.EXCLUSIVE] == 0
                and (not shape.devices or center.devices[node, :, t.FREE].max() >= shape.share)
            ]
            if fitting:
                hold_on(center, job, dict.fromkeys(chance.sample(fitting, chance.randint(1, len(fitting))), 1))
                lay(center, job)
                there.append(job)
        for node in range(3):
            held = [(other, row) for other in there for row in holds(center, other) if row[0] == node]
            cpu, memory, alone = (sum(row[column] for _, row in held) for column in (2, 3, 4))
            assert free(center, node) == (8 - cpu, 30 - memory, len(held), alone)
            assert sorted(of_node(center, node)) == sorted(other for other, _ in held)
            shares = [0, 0]
            for other in there:
                for at, position, share in device_holds(center, other):
                    shares[position] += share * (at == node)
            assert center.devices[node, :, t.FREE].tolist() == [1000 - share for share in shares]
    rows = sum(len(chain(center.holds, int(center.jobs[job, t.HOLD]), 1)) for job in range(8))
    assert len(unused(center)[0]) == ROWS - rows
