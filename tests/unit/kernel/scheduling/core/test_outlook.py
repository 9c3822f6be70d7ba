"""What ends of running work bring for the head, looked for from the beginning and again after some nodes changed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.outlook import due_by, look_again, look_ahead, matters, node_at
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, free, run, small

NEVER = t.NEVER
ONE = frozenset({0})
Gain = tuple[int, int, int]


def gains(center: t.Center) -> list[Gain]:
    """Instant, node, and tasks that fit from then on."""
    return [(int(at), int(node), int(tasks)) for at, node, tasks in center.gains[: center.sizes[t.GAINS]]]


def ahead(center: t.Center, need: int, now: int = 0, soon: int = 1, shape: int = 0) -> int:
    refresh(center, shape, BEST_FIT)
    return int(look_ahead(center, shape, need, now, soon))


@pytest.mark.parametrize(
    ("ends", "instant", "expected"),
    [
        ([], 5, 0),
        ([5], 4, 0),
        ([5], 5, 1),
        ([5], 6, 1),
        ([1, 5, 5, 9], 0, 0),
        ([1, 5, 5, 9], 1, 1),
        ([1, 5, 5, 9], 4, 1),
        ([1, 5, 5, 9], 5, 3),
        ([1, 5, 5, 9], 8, 3),
        ([1, 5, 5, 9], 9, 4),
        ([1, 5, 5, 9], 99, 4),
        ([-9, -1, 0, NEVER], 0, 3),
        ([-9, -1, 0, NEVER], NEVER, 4),
        ([t.LEAVES, 3], 0, 1),
    ],
)
def test_those_are_counted_that_end_by_an_instant(ends: list[int], instant: int, expected: int) -> None:
    center = small([Node(9)], [Job() for _ in ends] or [Job()])
    for job, end in enumerate(ends):
        run(center, job, end, {0: 1})
    assert due_by(center.jobs, center.lists[t.RUNNING, : len(ends)], instant) == expected


def two_nodes(ends: Mapping[int, tuple[int, int]]) -> t.Center:
    """Two full nodes of four cpus, in the order of the jobs from 1 on: end, node and cpus; job 0 waits."""
    center = small([Node(4), Node(4)], [Job(), *(Job() for _ in ends)])
    for job, (end, node) in ends.items():
        run(center, job, end, {node: 2})
    return center


HALVES = {1: (10, 0), 2: (20, 1), 3: (30, 0), 4: (40, 1)}


@pytest.mark.parametrize(
    ("need", "start", "brought", "row", "ended"),
    [
        (1, 10, [(10, 0, 2)], [2, 0], 1),
        (2, 10, [(10, 0, 2)], [2, 0], 1),
        (3, 20, [(10, 0, 2), (20, 1, 2)], [2, 2], 2),
        (4, 20, [(10, 0, 2), (20, 1, 2)], [2, 2], 2),
        (5, 30, [(10, 0, 2), (20, 1, 2), (30, 0, 4)], [4, 2], 3),
        (8, 40, [(10, 0, 2), (20, 1, 2), (30, 0, 4), (40, 1, 4)], [4, 4], 4),
        (9, NEVER, [(10, 0, 2), (20, 1, 2), (30, 0, 4), (40, 1, 4)], [4, 4], 0),
    ],
)
def test_each_end_is_noted_with_what_it_brings(
    need: int, start: int, brought: list[Gain], row: list[int], ended: int
) -> None:
    center = two_nodes(HALVES)
    refresh(center, 0, BEST_FIT)
    before = center.copied()
    assert ahead(center, need) == start
    assert gains(center) == brought
    assert center.row.tolist() == row
    assert center.sizes[t.ENDED] == ended
    assert center.sizes[t.LOOKS] == 1
    tables = {"nodes", "gains", "row", "spare", "sizes", "both_nodes", "both_devices"}
    assert changed(before, center) <= tables
    for node in range(2):
        assert free(center, node) == free(before, node)
    assert center.tasks.tolist() == before.tasks.tolist()


@pytest.mark.parametrize(
    ("ends", "need", "soon", "start", "brought"),
    [
        # Who ends at one instant ends together; only a change of what fits is noted.
        ({1: (10, 0), 2: (10, 1)}, 3, 1, 10, [(10, 0, 4), (10, 1, 4)]),
        ({1: (10, 0), 2: (10, 0)}, 4, 1, 10, [(10, 0, 2), (10, 0, 4)]),
        ({1: (10, 0), 2: (11, 0)}, 4, 1, 10, [(10, 0, 2), (10, 1, 4)]),
        # Late ones end soon, before or after others.
        ({1: (-9, 0), 2: (0, 1), 3: (10, 0), 4: (40, 1)}, 4, 1, 1, [(1, 0, 2), (1, 1, 2)]),
        ({1: (-9, 0), 2: (0, 1), 3: (10, 0), 4: (40, 1)}, 5, 1, 10, [(1, 0, 2), (1, 1, 2), (10, 0, 4)]),
        ({1: (-9, 0), 2: (0, 1), 3: (10, 0), 4: (40, 1)}, 3, 10, 10, [(10, 0, 2), (10, 1, 2), (10, 0, 4)]),
        ({1: (-9, 0), 2: (0, 1), 3: (10, 0), 4: (40, 1)}, 3, 11, 11, [(10, 0, 2), (11, 0, 4), (11, 1, 2)]),
        ({1: (-9, 0), 2: (0, 1), 3: (10, 0), 4: (40, 1)}, 8, 50, 50, None),
        ({1: (-9, 0), 2: (1, 1), 3: (NEVER, 0), 4: (40, 1)}, 7, 1, NEVER, None),
        ({1: (-9, 0), 2: (1, 1), 3: (NEVER, 0), 4: (40, 1)}, 6, 1, 40, None),
        ({1: (NEVER, 0), 2: (NEVER, 0), 3: (NEVER, 1), 4: (NEVER, 1)}, 1, 1, NEVER, []),
        ({1: (1, 0), 2: (NEVER, 0), 3: (NEVER, 1), 4: (NEVER, 1)}, 1, 1, 1, [(1, 0, 2)]),
    ],
)
def test_late_work_and_endless_work(
    ends: dict[int, tuple[int, int]], need: int, soon: int, start: int, brought: list[Gain] | None
) -> None:
    center = two_nodes(ends)
    if len(ends) == 2:
        # The rest of both nodes is free; then the head needs what only whole nodes hold.
        center.shapes[0, t.UNIT] = 3
    assert ahead(center, need, soon=soon) == start
    if len(ends) == 4 and brought is not None:
        assert gains(center) == brought


def test_ends_that_bring_nothing_are_not_noted() -> None:
    center = small([Node(4, 10), Node(4, 10)], [Job(shape=Shape(2, 9)), Job(), Job(shape=Shape(1, 5)), Job()])
    center.jobs[3, t.SHAPE] = center.jobs[2, t.SHAPE]
    run(center, 1, 10, {0: 1})
    run(center, 2, 20, {0: 1})
    run(center, 3, 15, {1: 1})
    # At 10 memory of the first node is still too little.
    assert ahead(center, 2) == 20
    assert gains(center) == [(15, 1, 1), (20, 0, 1)]


def test_work_on_nodes_that_can_be_of_no_use_is_left_where_it_is() -> None:
    shape = Shape(1, 1, 1, types=ONE)
    nodes = [Node(4, devices=((1, True),)), Node(4, devices=((0, True),)), Node(4, ready=False)]
    center = small(nodes, [Job(shape=shape), Job(), Job(), Job()])
    run(center, 1, 10, {0: 1})
    run(center, 2, 20, {1: 1}, [(1, 0, 1000)])
    run(center, 3, 5, {2: 1})
    assert ahead(center, 1) == 20
    assert gains(center) == [(20, 1, 1)]
    assert [matters(center, job, 0) for job in (1, 2, 3)] == [False, True, False]


@pytest.mark.parametrize(
    ("blockers", "expected"),
    [
        ((t.FAILS_STATE, t.FAILS_CLASS), False),
        ((t.FAILS_STATE, t.FAILS_CPU), True),
        ((t.FAILS_CPU, t.FAILS_STATE), True),
        ((t.NOBODY, t.FAILS_MODEL), True),
        ((t.FAILS_FREE, t.FAILS_MEMORY), True),
        ((t.FAILS_HEALTH, t.FAILS_FEATURE), False),
    ],
)
def test_work_matters_where_any_of_its_nodes_could_be_of_use(blockers: tuple[int, int], expected: bool) -> None:
    center = small([Node(4), Node(4), Node(4)], [Job(), Job()])
    run(center, 1, 10, {0: 1, 2: 1})
    refresh(center, 0, BEST_FIT)
    center.blocker[0] = (blockers[0], t.NOBODY, blockers[1])
    assert matters(center, 1, 0) is expected
    assert matters(center, 0, 0) is False


@pytest.mark.parametrize(
    ("instant", "now", "soon", "expected", "shares"),
    [
        # Of eight cpus one each is taken until 5, 10 and 20, and two until 10; so are parts of two devices.
        (4, 0, 1, (3, 95, 4, 0), [700, 500]),
        (5, 0, 1, (4, 96, 3, 0), [1000, 500]),
        (9, 0, 1, (4, 96, 3, 0), [1000, 500]),
        (10, 0, 1, (7, 99, 1, 0), [1000, 1000]),
        (19, 0, 1, (7, 99, 1, 0), [1000, 1000]),
        (20, 0, 1, (8, 100, 0, 0), [1000, 1000]),
        # What is past its end at the present ends soon.
        (6, 5, 6, (4, 96, 3, 0), [1000, 500]),
        (6, 5, 7, (3, 95, 4, 0), [700, 500]),
        (6, 4, 7, (4, 96, 3, 0), [1000, 500]),
        (11, 10, 12, (3, 95, 4, 0), [700, 500]),
        (12, 10, 12, (7, 99, 1, 0), [1000, 1000]),
        (20, 10, 12, (8, 100, 0, 0), [1000, 1000]),
    ],
)
def test_a_node_is_told_as_it_will_be_at_an_instant(
    instant: int, now: int, soon: int, expected: tuple[int, ...], shares: list[int]
) -> None:
    devices = ((0, True), (1, False))
    center = small([Node(1), Node(8, devices=devices)], [Job() for _ in range(5)])
    run(center, 0, 5, {1: 1}, [(1, 0, 300)])
    run(center, 1, 10, {1: 1}, [(1, 1, 250)])
    run(center, 2, 20, {1: 1, 0: 1})
    run(center, 3, 10, {1: 2}, [(1, 1, 250)])
    before = center.copied()
    node_at(center, 1, instant, now, soon)
    of_node = center.both_nodes[1, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]]
    assert tuple(of_node.tolist()) == expected
    assert center.both_devices[1, :, : t.NEAR].tolist() == [[0, 1, shares[0]], [1, 0, shares[1]]]
    assert changed(before, center) <= {"both_nodes", "both_devices"}
    assert center.both_nodes[0].tolist() == before.both_nodes[0].tolist()
    kept = [t.ENGINE, t.READY, t.CPU, t.MEMORY, t.HELD, t.LAST]
    assert center.both_nodes[1, kept].tolist() == center.nodes[1, kept].tolist()


def test_who_had_a_node_alone_leaves_it_to_others() -> None:
    center = small([Node(8)], [Job(shape=Shape(1, 1, alone=True))])
    run(center, 0, 5, {0: 1})
    assert free(center, 0) == (0, 0, 1, 1)
    node_at(center, 0, 5, 0, 1)
    assert center.both_nodes[0, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]].tolist() == [8, 100, 0, 0]


MANY = 20


def of_many(need: int) -> t.Center:
    """Five full nodes of four cpus: job n from 1 on has one cpu until 10 n, four after the other on each node."""
    center = small([Node(4) for _ in range(5)], [Job(need=need), *(Job() for _ in range(MANY + 4))])
    for job in range(1, MANY + 1):
        run(center, job, 10 * job, {(job - 1) // 4: 1})
    assert ahead(center, need) == 10 * need
    center.sizes[[t.HEAD_SEEN, t.HEAD_START]] = (center.sizes[t.LOG_SIZE], 10 * need)
    return center


def again(center: t.Center, need: int) -> int:
    refresh(center, 0, BEST_FIT)
    return int(look_again(center, 0, need))


def test_where_no_node_changed_the_same_is_found_again() -> None:
    center = of_many(18)
    noted = gains(center)
    assert again(center, 18) == 180
    assert gains(center) == noted
    assert again(center, 7) == 70
    assert center.row.tolist() == [4, 3, 0, 0, 0]
    assert again(center, 19) == NEVER


def test_a_node_on_which_less_is_taken_is_looked_at_alone() -> None:
    center = of_many(18)
    changes.end(center, 20)
    assert again(center, 18) == 170
    assert center.row.tolist() == [4, 4, 4, 4, 2]
    # Up to the former start, beyond the one that is found.
    others = [(10 * job, (job - 1) // 4, 1 + (job - 1) % 4) for job in range(1, 17)]
    assert gains(center) == [*others, (170, 4, 2), (180, 4, 3)]


def test_what_it_costs_to_look_again_decides() -> None:
    # 17 ended for it, so that four jobs on a node are worth the look at it, and five are not.
    for holders, expected in ((4, 170), (5, NEVER)):
        center = of_many(17)
        center.nodes[0, t.HOLDERS] = holders
        changes.set_node(center, 0, (0, 1, 4, 100, 0, 0, 0, 0))
        assert again(center, 17) == expected
    # A node that changed twice is looked at once.
    center = of_many(17)
    for _ in range(2):
        changes.set_node(center, 0, (0, 1, 4, 100, 0, 0, 0, 0))
    assert again(center, 17) == 170
    changes.set_node(center, 1, (0, 1, 4, 100, 0, 0, 0, 0))
    assert again(center, 17) == NEVER


@pytest.mark.parametrize(("need", "holders", "expected"), [(16, 4, 160), (15, 4, NEVER), (12, 3, 120), (11, 3, NEVER)])
def test_the_bound_on_that_cost(need: int, holders: int, expected: int) -> None:
    center = of_many(need)
    center.nodes[4, t.HOLDERS] = holders
    changes.set_node(center, 4, (0, 1, 4, 100, 0, 0, 0, 0))
    assert again(center, need) == expected


def test_a_node_that_can_be_of_no_use_any_more_brings_nothing() -> None:
    center = of_many(18)
    changes.set_node(center, 0, (0, 0, 4, 100, 0, 0, 0, 0))
    assert again(center, 18) == NEVER
    assert all(node != 0 for _, node, _ in gains(center))
    center = of_many(16)
    changes.set_node(center, 4, (0, 0, 4, 100, 0, 0, 0, 0))
    assert again(center, 16) == 160


def test_what_ends_at_once_on_a_node_is_noted_once() -> None:
    center = small([Node(4) for _ in range(5)], [Job(need=18), *(Job() for _ in range(24))])
    for job in range(1, 21):
        run(center, job, 10 * (1 + (job - 1) // 2), {(job - 1) // 4: 1})
    assert ahead(center, 18) == 90
    center.sizes[[t.HEAD_SEEN, t.HEAD_START]] = (center.sizes[t.LOG_SIZE], 90)
    changes.set_node(center, 1, (0, 1, 4, 100, 0, 0, 0, 0))
    assert again(center, 18) == 90
    assert [gain for gain in gains(center) if gain[1] == 1] == [(30, 1, 2), (40, 1, 4)]
    assert gains(center) == sorted(gains(center), key=lambda gain: gain[0])


@given(seed=st.integers(0, 2**32))
def test_to_look_again_finds_what_to_look_ahead_does(seed: int) -> None:
    chance = Random(seed)
    devices = ((0, True), (0, True))
    nodes = [Node(chance.randint(1, 5), devices=devices, engine=chance.randrange(2)) for _ in range(6)]
    shape = chance.choice([Shape(1), Shape(2), Shape(1, unit=2), Shape(1, alone=True), Shape(0, 1, 1, 500, ONE)])
    need = chance.randint(1, 6)
    center = small(nodes, [Job(need=need, shape=shape), *(Job() for _ in range(40))])
    idle, active, seen = list(range(1, 41)), list[int](), False
    for step in range(10):
        for _ in range(chance.choice([0, 1, 1, 6]) if step else 30):
            node = chance.randrange(6)
            if active and chance.random() < 0.4:
                idle.append(active.pop(chance.randrange(len(active))))
                changes.end(center, idle[-1])
            elif idle and center.nodes[node, t.FREE_CPU] > 0:
                active.append(idle.pop())
                free_share = int(center.devices[node, 0, t.FREE])
                held = [(node, 0, chance.randint(1, free_share))] if free_share and chance.random() < 0.5 else []
                run(center, active[-1], chance.choice([chance.randint(1, 30), NEVER]), {node: 1}, held)
        refresh(center, 0, BEST_FIT)
        if max(center.total[0]) >= need:
            seen = False
            continue
        found = look_again(center, 0, need) if seen else NEVER
        row = center.row.tolist()
        expected = look_ahead(center, 0, need, 0, 1)
        if found < NEVER:
            assert (found, row) == (expected, center.row.tolist())
        seen = expected < NEVER
        center.sizes[[t.HEAD_SEEN, t.HEAD_START]] = (center.sizes[t.LOG_SIZE], expected)
