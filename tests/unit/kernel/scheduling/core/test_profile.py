"""What is free of each node from when until when: steps worked out by hand, and a table of instants in plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.place import hold_device, hold_node
from suanli.kernel.scheduling.core.profile import build, earliest, occupy, open_between
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, run, small

NEVER = t.NEVER
ONE = frozenset({0})
LAST = NEVER - 1


def center_of(nodes: Sequence[Node], runs: Sequence[tuple[int, Mapping[int, int]]], *others: Job) -> t.Center:
    """Jobs that wait, and then one that runs until an instant with so many cpus on each node."""
    center = small(nodes, [*others, *(Job() for _ in runs)], booked=32)
    for job, (end, on) in enumerate(runs, len(others)):
        run(center, job, end, on)
    return center


def steps(center: t.Center, node: int) -> list[tuple[int, ...]]:
    """From when, cpus, memory, holders, and who is alone."""
    found, step = [], node
    while step >= 0:
        found.append(tuple(center.steps[step, : t.STEP_DISK].tolist()))
        step = int(center.steps[step, t.STEP_AFTER])
    return found


def shares(center: t.Center, node: int) -> list[tuple[int, list[int]]]:
    found, step = [], node
    while step >= 0:
        found.append((int(center.steps[step, t.STEP_AT]), center.step_devices[step].tolist()))
        step = int(center.steps[step, t.STEP_AFTER])
    return found


def rises(center: t.Center) -> list[tuple[int, ...]]:
    return [tuple(row) for row in center.rises[: center.sizes[t.RISES]].tolist()]


def drops(center: t.Center) -> list[tuple[int, ...]]:
    return [tuple(row) for row in center.drops[: center.sizes[t.DROPS]].tolist()]


def test_a_center_in_which_nothing_runs_is_the_same_for_ever() -> None:
    center = center_of([Node(4), Node(8, 50)], [], Job())
    before = center.copied()
    build(center, 7, 8)
    assert steps(center, 0) == [(7, 4, 100, 0, 0)]
    assert steps(center, 1) == [(7, 8, 50, 0, 0)]
    assert (rises(center), drops(center), center.sizes[t.STEPS]) == ([], [], 3)
    assert changed(before, center) <= {"steps", "step_devices", "reach", "sizes"}


@pytest.mark.parametrize(
    ("runs", "now", "soon", "expected", "risen"),
    [
        # On the second of two nodes, of nine cpus: end and cpus; then steps of instant and cpus.
        ([(10, 2)], 0, 1, [(0, 7), (10, 9)], [(10, 1)]),
        ([(10, 2), (20, 3)], 0, 1, [(0, 4), (10, 6), (20, 9)], [(10, 1), (20, 1)]),
        ([(20, 2), (10, 3)], 0, 1, [(0, 4), (10, 7), (20, 9)], [(10, 1), (20, 1)]),
        ([(10, 2), (10, 3)], 0, 1, [(0, 4), (10, 9)], [(10, 1)]),
        ([(NEVER, 2), (10, 3)], 0, 1, [(0, 4), (10, 7)], [(10, 1)]),
        ([(NEVER, 2)], 0, 1, [(0, 7)], []),
        ([(NEVER - 1, 2)], 0, 1, [(0, 7), (NEVER - 1, 9)], [(NEVER - 1, 1)]),
        # What is past its end, or at it, ends soon, but not at the present.
        ([(-5, 2)], 0, 1, [(0, 7), (1, 9)], [(1, 1)]),
        ([(0, 2)], 0, 1, [(0, 7), (1, 9)], [(1, 1)]),
        ([(-5, 2)], 0, 0, [(0, 7), (1, 9)], [(1, 1)]),
        ([(-5, 2)], 0, -9, [(0, 7), (1, 9)], [(1, 1)]),
        ([(-5, 2)], 4, 9, [(4, 7), (9, 9)], [(9, 1)]),
        ([(-5, 2), (3, 1)], 4, 9, [(4, 6), (9, 9)], [(9, 1)]),
        ([(-5, 2), (9, 1)], 4, 9, [(4, 6), (9, 9)], [(9, 1)]),
        ([(-5, 2), (8, 1)], 4, 9, [(4, 6), (8, 7), (9, 9)], [(8, 1), (9, 1)]),
        ([(-5, 2), (10, 1)], 4, 9, [(4, 6), (9, 8), (10, 9)], [(9, 1), (10, 1)]),
        ([(-5, 2), (NEVER, 1)], 4, 9, [(4, 6), (9, 8)], [(9, 1)]),
        ([(4, 2), (5, 1)], 4, 5, [(4, 6), (5, 9)], [(5, 1)]),
    ],
)
def test_a_step_begins_where_something_ends(
    runs: list[tuple[int, int]],
    now: int,
    soon: int,
    expected: list[tuple[int, int]],
    risen: list[tuple[int, int]],
) -> None:
    center = center_of([Node(4), Node(9)], [(end, {1: cpus}) for end, cpus in runs], Job())
    build(center, now, soon)
    assert [(at, cpu) for at, cpu, *_ in steps(center, 1)] == expected
    held = len(runs)
    endless = sum(end >= NEVER for end, _ in runs)
    assert steps(center, 1)[0][3] == held
    assert steps(center, 1)[-1][3] == endless
    assert steps(center, 0) == [(now, 4, 100, 0, 0)]
    assert rises(center) == risen
    # A first step of each node, and of power.
    assert center.sizes[t.STEPS] == 3 + len(risen)


def test_all_that_is_held_is_left_and_rises_are_in_order() -> None:
    devices = ((0, True), (0, True))
    nodes = [Node(8, 40, devices), Node(8, 40)]
    center = small(nodes, [Job(shape=Shape(2, 5)), Job(shape=Shape(1, 3)), Job(shape=Shape(1, alone=True))], booked=8)
    run(center, 0, 30, {0: 2}, [(0, 0, 300), (0, 1, 1000)])
    run(center, 1, 20, {0: 1}, [(0, 0, 500)])
    run(center, 2, 25, {1: 1})
    build(center, 0, 1)
    assert steps(center, 0) == [(0, 3, 27, 2, 0), (20, 4, 30, 1, 0), (30, 8, 40, 0, 0)]
    assert steps(center, 1) == [(0, 0, 0, 1, 1), (25, 8, 40, 0, 0)]
    assert shares(center, 0) == [(0, [200, 0]), (20, [700, 0]), (30, [1000, 1000])]
    assert rises(center) == [(20, 0), (25, 1), (30, 0)]


def test_it_is_built_anew_each_time() -> None:
    center = center_of([Node(4)], [(10, {0: 1})], Job())
    build(center, 0, 1)
    once = center.copied()
    build(center, 0, 1)
    assert changed(once, center) == set()


def lay(center: t.Center, job: int, cpus: Mapping[int, int], start: int, end: int, now: int = 0) -> None:
    """Take so many cpus of each node from an instant until another."""
    for node, cpu in cpus.items():
        hold_node(center.holds, center.jobs, center.sizes, job, (node, cpu, cpu, cpu, 0, 0))
    occupy(center, job, start, end, now)


@pytest.mark.parametrize(
    ("start", "end", "expected", "risen", "dropped"),
    [
        # Two of nine cpus end at 10; three more are taken.
        (0, 5, [(0, 4), (5, 7), (10, 9)], [(5, 0), (10, 0)], []),
        (0, 10, [(0, 4), (10, 9)], [(10, 0), (10, 0)], []),
        (0, 15, [(0, 4), (10, 6), (15, 9)], [(10, 0), (15, 0)], []),
        (0, NEVER, [(0, 4), (10, 6)], [(10, 0)], []),
        (3, 5, [(0, 7), (3, 4), (5, 7), (10, 9)], [(5, 0), (10, 0)], [(3, 0)]),
        (3, 15, [(0, 7), (3, 4), (10, 6), (15, 9)], [(10, 0), (15, 0)], [(3, 0)]),
        (10, 15, [(0, 7), (10, 6), (15, 9)], [(10, 0), (15, 0)], [(10, 0)]),
        (12, 15, [(0, 7), (10, 9), (12, 6), (15, 9)], [(10, 0), (15, 0)], [(12, 0)]),
        (12, NEVER, [(0, 7), (10, 9), (12, 6)], [(10, 0)], [(12, 0)]),
        (10, NEVER, [(0, 7), (10, 6)], [(10, 0)], [(10, 0)]),
        (1, 2, [(0, 7), (1, 4), (2, 7), (10, 9)], [(2, 0), (10, 0)], [(1, 0)]),
    ],
)
def test_what_is_reserved_is_taken_from_one_instant_until_another(
    start: int, end: int, expected: list[tuple[int, int]], risen: list[tuple[int, int]], dropped: list[tuple[int, int]]
) -> None:
    center = center_of([Node(9), Node(4)], [(10, {0: 2})], Job())
    build(center, 0, 1)
    lay(center, 0, {0: 3}, start, end)
    assert [(at, cpu) for at, cpu, *_ in steps(center, 0)] == expected
    assert [100 - memory for _, _, memory, *_ in steps(center, 0)] == [
        {4: 5, 7: 2, 6: 3, 9: 0}[cpu] for _, cpu in expected
    ]
    assert [holders for *_, holders, _ in steps(center, 0)] == [{4: 2, 7: 1, 6: 1, 9: 0}[cpu] for _, cpu in expected]
    assert steps(center, 1) == [(0, 4, 100, 0, 0)]
    assert (rises(center), drops(center)) == (risen, dropped)


def test_several_reservations_overlap_on_several_nodes() -> None:
    center = center_of([Node(9), Node(9)], [], *(Job() for _ in range(3)))
    build(center, 0, 1)
    lay(center, 0, {0: 1, 1: 1}, 5, 15)
    lay(center, 1, {0: 2}, 10, 20)
    lay(center, 2, {1: 3, 0: 3}, 0, 12)
    assert [(at, cpu) for at, cpu, *_ in steps(center, 0)] == [(0, 6), (5, 5), (10, 3), (12, 6), (15, 7), (20, 9)]
    assert [(at, cpu) for at, cpu, *_ in steps(center, 1)] == [(0, 6), (5, 5), (12, 8), (15, 9)]
    assert [at for at, _ in rises(center)] == [12, 12, 15, 15, 20]
    assert sorted(drops(center)) == drops(center) or [at for at, _ in drops(center)] == [5, 5, 10]


def test_devices_are_reserved_with_their_nodes() -> None:
    center = small([Node(9, devices=((0, True), (0, True)))], [Job(), Job(shape=Shape(1, alone=True))], booked=8)
    build(center, 0, 1)
    hold_device(center.device_holds, center.jobs, center.sizes, 0, (0, 1, 400, 0))
    lay(center, 0, {0: 1}, 5, 10)
    hold_device(center.device_holds, center.jobs, center.sizes, 1, (0, 1, 600, 0))
    hold_device(center.device_holds, center.jobs, center.sizes, 1, (0, 0, 1000, 0))
    hold_node(center.holds, center.jobs, center.sizes, 1, (0, 1, 8, 9, 1, 0))
    occupy(center, 1, 7, NEVER, 0)
    assert shares(center, 0) == [
        (0, [1000, 1000]),
        (5, [1000, 600]),
        (7, [0, 0]),
        (10, [0, 400]),
    ]
    assert steps(center, 0) == [(0, 9, 100, 0, 0), (5, 8, 99, 1, 0), (7, 0, 90, 2, 1), (10, 1, 91, 1, 1)]


def asked(center: t.Center, need: int, limit: int, now: int = 0, last: int = LAST, shape: int = 0) -> int:
    refresh(center, shape, BEST_FIT)
    return int(earliest(center, shape, need, (limit, 0), (now, last)))


@pytest.mark.parametrize(
    ("need", "limit", "last", "expected"),
    [
        # Of four cpus three are taken until 10, and two are reserved from 20 until 30.
        (1, 5, LAST, 0),
        (1, 20, LAST, 0),
        (1, NEVER, LAST, 0),
        (2, 5, LAST, 10),
        (2, 10, LAST, 10),
        (2, 11, LAST, 10),
        (2, NEVER, LAST, 10),
        (3, 10, LAST, 10),
        (3, 11, LAST, 30),
        (4, 10, LAST, 10),
        (4, 11, LAST, 30),
        (4, NEVER, LAST, 30),
        (5, 1, LAST, NEVER),
        # No later than the last instant of interest.
        (4, 11, 30, 30),
        (4, 11, 29, NEVER),
        (2, 5, 10, 10),
        (2, 5, 9, NEVER),
        (1, 5, 0, 0),
    ],
)
def test_the_earliest_start_leaves_room_for_as_long_as_the_work_may_run(
    need: int, limit: int, last: int, expected: int
) -> None:
    center = center_of([Node(4)], [(10, {0: 3})], Job(), Job())
    build(center, 0, 1)
    lay(center, 1, {0: 2}, 20, 30)
    assert asked(center, need, limit, last=last) == expected


@pytest.mark.parametrize(
    ("shape", "need", "limit", "expected"),
    [
        # Two nodes of four cpus: the first is full until 10; half of the second is reserved from 5 until 15.
        (Shape(1), 2, 50, 0),
        (Shape(1), 3, 5, 0),
        (Shape(1), 3, 6, 10),
        (Shape(1), 4, 5, 0),
        (Shape(1), 5, 5, 10),
        (Shape(1), 6, 5, 10),
        (Shape(1), 7, 5, 15),
        (Shape(1), 8, 50, 15),
        (Shape(1), 9, 50, NEVER),
        (Shape(2), 1, 50, 0),
        (Shape(2), 2, 50, 10),
        (Shape(2), 2, 5, 0),
        (Shape(3), 1, 5, 0),
        (Shape(3), 1, 6, 10),
        (Shape(3), 2, 5, 15),
        (Shape(1, unit=3), 1, 5, 0),
        (Shape(1, unit=3), 1, 6, 10),
        (Shape(1, unit=3), 2, 6, 15),
        (Shape(1, unit=2), 2, 6, 10),
        (Shape(1, alone=True), 1, 5, 0),
        (Shape(1, alone=True), 1, 6, 10),
        (Shape(1, alone=True), 5, 6, 15),
        (Shape(1, 60), 2, 6, 10),
        (Shape(1, most=1), 2, 6, 10),
    ],
)
def test_nodes_are_judged_over_the_whole_while(shape: Shape, need: int, limit: int, expected: int) -> None:
    center = center_of([Node(4), Node(4)], [(10, {0: 4})], Job(shape=shape), Job())
    # Whoever runs has cpus of the plain kind.
    build(center, 0, 1)
    center.steps[0, [t.STEP_CPU, t.STEP_MEMORY]] = (0, 96)
    center.nodes[0, [t.FREE_CPU, t.FREE_MEMORY]] = (0, 96)
    lay(center, 1, {1: 2}, 5, 15)
    assert asked(center, need, limit) == expected


def test_only_nodes_of_one_engine_count_together() -> None:
    nodes = [Node(4), Node(4, engine=1), Node(4, engine=1)]
    center = center_of(nodes, [(10, {1: 4}), (20, {2: 4})], Job(), Job())
    build(center, 0, 1)
    assert [asked(center, need, 5) for need in (4, 5, 8, 9)] == [0, 20, 20, NEVER]
    lay(center, 1, {0: 4}, 0, 50)
    center.nodes[0, t.FREE_CPU] = 0
    center.shapes[0, t.SEEN] = t.NOBODY
    assert [asked(center, need, 5) for need in (4, 5, 8)] == [10, 20, 20]


def test_what_fits_at_the_start_is_told_by_node() -> None:
    center = center_of([Node(4), Node(6), Node(2)], [(10, {0: 3}), (20, {1: 6})], Job(), Job())
    build(center, 0, 1)
    lay(center, 1, {2: 1}, 12, 14)
    before = center.copied()
    assert asked(center, 5, 2) == 10
    assert center.row.tolist() == [4, 0, 2]
    assert asked(center, 5, 5) == 10
    assert center.row.tolist() == [4, 0, 1]
    assert asked(center, 3, 5) == 0
    assert center.row.tolist() == [1, 0, 2]
    assert asked(center, 11, 5) == 20
    assert center.row.tolist() == [4, 6, 2]
    tables = {"row", "spare", "reach", "both_nodes", "both_devices"}
    assert changed(before, center) <= tables | {"tasks", "total", "score", "lowest", "blocker", "failing", "shapes"}


def test_several_steps_together_may_leave_too_few_devices() -> None:
    devices = ((0, True), (0, True), (0, True))
    shape = Shape(0, 0, 2, types=ONE)
    center = small([Node(9, devices=devices)], [Job(shape=shape), Job(), Job()], booked=8)
    build(center, 0, 1)
    for job, (position, start, end) in enumerate([(0, 5, 10), (1, 12, 20)], 1):
        hold_device(center.device_holds, center.jobs, center.sizes, job, (0, position, 1000, 0))
        lay(center, job, {0: 0}, start, end)
    # From 0 until 13 no two are free all the while; from 10 on the first is, beside the third.
    assert asked(center, 1, 5) == 0
    assert asked(center, 1, 12) == 0
    assert asked(center, 1, 13) == 10
    assert asked(center, 2, 1) == NEVER


@pytest.mark.parametrize(
    ("start", "end", "expected", "share"),
    [
        # Nine cpus; four until 10; two from 5 until 15, with half of a device; three from 12 until 20.
        (0, 5, (5, 95, 1), 1000),
        (0, 6, (3, 93, 2), 500),
        (5, 10, (3, 93, 2), 500),
        (5, 20, (3, 93, 2), 500),
        (10, 12, (7, 98, 1), 500),
        (10, 13, (4, 95, 2), 500),
        (12, 15, (4, 95, 2), 500),
        (15, 20, (6, 97, 1), 1000),
        (15, NEVER, (6, 97, 1), 1000),
        (20, NEVER, (9, 100, 0), 1000),
        (99, 100, (9, 100, 0), 1000),
        (0, NEVER, (3, 93, 2), 500),
        (11, 12, (7, 98, 1), 500),
    ],
)
def test_what_is_free_for_a_while_is_the_least_of_it(
    start: int, end: int, expected: tuple[int, int, int], share: int
) -> None:
    nodes = [Node(1), Node(9, devices=((0, True),))]
    center = small(nodes, [Job(), Job(), Job(), Job(shape=Shape(4, 5))], booked=16)
    run(center, 3, 10, {1: 1})
    build(center, 0, 1)
    for job, (cpu, begin, until, part) in enumerate([(2, 5, 15, 500), (3, 12, 20, 0)]):
        hold_node(center.holds, center.jobs, center.sizes, job, (1, 1, cpu, cpu, 0, 0))
        hold_device(center.device_holds, center.jobs, center.sizes, job, (1, 0, part, 0))
        occupy(center, job, begin, until, 0)
    before = center.copied()
    open_between(center, 0, 1, start, end)
    told = center.both_nodes[1, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS]].tolist()
    assert tuple(told) == expected
    assert center.both_devices[1, :, : t.NEAR].tolist() == [[0, 1, share]]
    assert changed(before, center) <= {"both_nodes", "both_devices"}


def _least(laid: Sequence[tuple[int, int, Mapping[int, int]]], cpus: Sequence[int], start: int, end: int) -> list[int]:
    """What is free of each node at every instant of a while."""
    instants = {start, *(begin for begin, _, _ in laid if start < begin < end)}
    frees = []
    for instant in instants:
        free = list(cpus)
        for begin, until, on in laid:
            if begin <= instant < until:
                for node, cpu in on.items():
                    free[node] -= cpu
        frees.append(free)
    return [min(of_node) for of_node in zip(*frees, strict=True)]


@given(seed=st.integers(0, 2**32))
def test_the_earliest_start_is_what_a_look_at_every_instant_finds(seed: int) -> None:
    chance = Random(seed)
    cpus = [chance.randint(1, 6) for _ in range(chance.randint(1, 4))]
    laid: list[tuple[int, int, Mapping[int, int]]] = []
    shape = chance.choice([Shape(1), Shape(2), Shape(1, unit=2), Shape(1, unit=3)])
    center = small([Node(cpu, 999) for cpu in cpus], [Job(shape=shape), *(Job() for _ in range(12))], booked=64)
    for job in range(1, 5):
        left, end = _least(laid, cpus, 0, NEVER), chance.choice([chance.randint(1, 20), NEVER])
        on = {node: chance.randint(1, one) for node, one in enumerate(left) if one and chance.random() < 0.5}
        if on:
            run(center, job, end, on)
            laid.append((0, end, on))
    build(center, 0, 1)
    refresh(center, 0, BEST_FIT)
    for job in range(5, 13):
        need, limit = chance.randint(1, 6), chance.choice([chance.randint(1, 15), NEVER])
        expected = NEVER
        for instant in sorted({0, *(until for _, until, _ in laid if until < NEVER)}):
            left = [one // shape.cpu for one in _least(laid, cpus, instant, min(instant + limit, NEVER))]
            if sum((one >= shape.unit) if shape.unit else one for one in left) >= need:
                expected = instant
                break
        assert earliest(center, 0, need, (limit, 0), (0, LAST)) == expected
        if expected < NEVER:
            least = shape.unit or 1
            told = [one if one >= least else 0 for one in center.row.tolist()]
            right = _least(laid, cpus, expected, min(expected + limit, NEVER))
            if shape.unit or len(cpus) > 1:
                assert told == [one // shape.cpu if one // shape.cpu >= least else 0 for one in right]
        start, end = chance.randint(0, 15), chance.choice([chance.randint(16, 30), NEVER])
        left = _least(laid, cpus, start, end)
        on = {node: chance.randint(1, one) for node, one in enumerate(left) if one and chance.random() < 0.5}
        if on:
            lay(center, job, on, start, end)
            laid.append((start, end, on))
            if start == 0:
                # What starts at the present is taken of the nodes too, as a turn does.
                for node, cpu in on.items():
                    center.nodes[node, t.FREE_CPU] -= cpu
                center.shapes[0, t.SEEN] = t.NOBODY
                refresh(center, 0, BEST_FIT)
