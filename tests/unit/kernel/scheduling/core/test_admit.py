"""What every turn asks of a waiting job, and what is counted when it begins and ends."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import BY_SHAPE, begin, find, fits, is_full, tally
from suanli.kernel.scheduling.core.feasible import touch
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import changed, chosen, device_holds, free, holds, small

NEVER = t.NEVER


def bounded(active: list[list[int]], most: list[list[int]], named: list[int], asks: list[int]) -> t.Center:
    """Bounds by row, those that an association names, and what its job asks; the job is the second of two."""
    center = small([Node(9)], [Job(), Job()], bounds=max(len(active), 2), licenses=2)
    for row, amounts in enumerate(active):
        center.bounds[row, t.ACTIVE] = amounts
        center.bounds[row, t.MOST] = most[row]
    center.associations[1, : len(named)] = named
    center.jobs[1, t.ASSOCIATION] = 1
    center.asks[1, : len(asks)] = asks
    return center


ANY = [NEVER] * 4


@pytest.mark.parametrize(
    ("active", "most", "named", "asks", "expected"),
    [
        # Runs, milli-cpus, bytes, thousandths of devices.
        ([], [], [], [1, 1, 1, 1], False),
        ([[0, 0, 0, 0]], [ANY], [0], [1, 99, 99, 99], False),
        ([[0, 0, 0, 0]], [[1, NEVER, NEVER, NEVER]], [0], [1, 99, 99, 99], False),
        ([[1, 0, 0, 0]], [[1, NEVER, NEVER, NEVER]], [0], [1, 99, 99, 99], True),
        ([[1, 0, 0, 0]], [[2, NEVER, NEVER, NEVER]], [0], [1, 99, 99, 99], False),
        ([[0, 5, 0, 0]], [[NEVER, 9, NEVER, NEVER]], [0], [1, 4, 99, 99], False),
        ([[0, 5, 0, 0]], [[NEVER, 9, NEVER, NEVER]], [0], [1, 5, 99, 99], True),
        ([[0, 0, 5, 0]], [[NEVER, NEVER, 9, NEVER]], [0], [1, 99, 4, 99], False),
        ([[0, 0, 5, 0]], [[NEVER, NEVER, 9, NEVER]], [0], [1, 99, 5, 99], True),
        ([[0, 0, 0, 5]], [[NEVER, NEVER, NEVER, 9]], [0], [1, 99, 99, 4], False),
        ([[0, 0, 0, 5]], [[NEVER, NEVER, NEVER, 9]], [0], [1, 99, 99, 5], True),
        # A bound that was lowered below what runs.
        ([[7, 0, 0, 0]], [[5, NEVER, NEVER, NEVER]], [0], [1, 0, 0, 0], True),
        ([[0, 7, 0, 0]], [[NEVER, 5, NEVER, NEVER]], [0], [1, 0, 0, 0], True),
        ([[0, 0, 0, 0]], [[0, NEVER, NEVER, NEVER]], [0], [1, 0, 0, 0], True),
        # Of several the tightest counts; those that are not named do not.
        ([[0] * 4, [1, 0, 0, 0]], [ANY, [1, NEVER, NEVER, NEVER]], [0, 1], [1, 0, 0, 0], True),
        ([[0] * 4, [1, 0, 0, 0]], [ANY, [1, NEVER, NEVER, NEVER]], [1, 0], [1, 0, 0, 0], True),
        ([[0] * 4, [1, 0, 0, 0]], [ANY, [1, NEVER, NEVER, NEVER]], [0], [1, 0, 0, 0], False),
        ([[0] * 4, [1, 0, 0, 0]], [ANY, [1, NEVER, NEVER, NEVER]], [0, -1, 1], [1, 0, 0, 0], False),
        ([[1, 0, 0, 0]], [[1, NEVER, NEVER, NEVER]], [-1, 0], [1, 0, 0, 0], False),
        ([[0] * 4] * 5 + [[3, 0, 0, 0]], [ANY] * 5 + [[3] * 4], [0, 1, 2, 3, 4, 5], [1, 0, 0, 0], True),
        ([[0] * 4] * 5 + [[2, 0, 0, 0]], [ANY] * 5 + [[3] * 4], [0, 1, 2, 3, 4, 5], [1, 0, 0, 0], False),
    ],
)
def test_a_job_is_barred_where_a_bound_of_its_association_leaves_too_little(
    active: list[list[int]], most: list[list[int]], named: list[int], asks: list[int], expected: bool
) -> None:
    center = bounded(active, most, named, asks)
    before = center.copied()
    assert is_full(center, 1) is expected
    assert is_full(center, 0) is False
    assert changed(before, center) == set()


@pytest.mark.parametrize(
    ("named", "asks", "expected"),
    [
        ([0], [1, 2, 3, 4, 5, 6], {0: [1, 2, 3, 4]}),
        ([2], [1, 2, 3, 4, 5, 6], {2: [1, 2, 3, 4]}),
        ([0, 2], [1, 2, 3, 4, 5, 6], {0: [1, 2, 3, 4], 2: [1, 2, 3, 4]}),
        ([0, -1, 2], [1, 2, 3, 4, 5, 6], {0: [1, 2, 3, 4]}),
        ([-1, 0], [1, 2, 3, 4, 5, 6], {}),
        ([1, 0], [1, 0, 0, 9, 0, 0], {0: [1, 0, 0, 9], 1: [1, 0, 0, 9]}),
    ],
)
def test_what_is_asked_is_counted_of_every_bound_and_license(
    named: list[int], asks: list[int], expected: dict[int, list[int]]
) -> None:
    center = bounded([[10, 20, 30, 40]] * 3, [ANY] * 3, named, asks)
    center.licenses[:, t.IN_USE] = (7, 8)
    before = center.copied()
    tally(center, 1, 1)
    for bound in range(3):
        added = expected.get(bound, [0, 0, 0, 0])
        assert center.bounds[bound, t.ACTIVE].tolist() == [
            one + more for one, more in zip([10, 20, 30, 40], added, strict=True)
        ]
        assert center.bounds[bound, t.MOST].tolist() == ANY
    assert center.licenses[:, t.IN_USE].tolist() == [7 + asks[4], 8 + asks[5]]
    tally(center, 1, -1)
    assert changed(before, center) == set()
    tally(center, 1, -1)
    assert center.licenses[:, t.IN_USE].tolist() == [7 - asks[4], 8 - asks[5]]


@pytest.mark.parametrize(
    ("need", "cpus", "expected"), [(1, 0, False), (1, 1, True), (3, 2, False), (3, 3, True), (4, 3, False)]
)
def test_a_job_fits_where_there_is_room_for_all_of_it(need: int, cpus: int, expected: bool) -> None:
    center = small([Node(4)], [Job(), Job(need=need, shape=Shape(1, 2))])
    assert fits(center, 1, BEST_FIT) is (need <= 4)
    center.nodes[0, t.FREE_CPU] = cpus
    # Nobody said that the node changed.
    assert fits(center, 1, BEST_FIT) is (need <= 4)
    touch(center.nodes, center.shapes, center.log, center.sizes, 0)
    assert fits(center, 1, BEST_FIT) is expected
    assert center.shapes[1, t.SEEN] == 1


MANY = 32


@pytest.mark.parametrize(
    ("kinds", "need", "engines", "switches", "by_index"),
    [
        (MANY, 1, 1, 1, True),
        (MANY, 16, 1, 1, True),
        (MANY, 17, 1, 1, False),
        (MANY - 1, 1, 1, 1, False),
        (MANY, 1, 2, 1, False),
        (MANY, 1, 1, 2, True),
        (MANY, 2, 1, 2, False),
        (MANY, 2, 1, 0, True),
    ],
)
def test_nodes_are_sought_in_the_index_where_that_costs_less(
    kinds: int, need: int, engines: int, switches: int, by_index: bool
) -> None:
    nodes = [Node(20, engine=row % engines) for row in range(4)]
    center = small(nodes, [Job(need=need)])
    center.sizes[[t.KINDS, t.SWITCHES]] = (kinds, switches)
    found = find(center, 0, BEST_FIT)
    assert found == (1 if by_index else BY_SHAPE)
    assert bool(center.shapes[0, t.SEEN] == t.NOBODY) is by_index
    assert bool(center.sizes[t.INDEX_SEEN] == 0) is by_index
    if by_index:
        assert chosen(center, 1) == [(0, need)]
    center.nodes[:, t.FREE_CPU] = 0
    for node in range(4):
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    assert find(center, 0, BEST_FIT) == 0


@pytest.mark.parametrize(
    ("limit", "now", "end"), [(5, 10, 15), (NEVER, 10, NEVER), (NEVER - 10, 10, NEVER), (NEVER - 11, 10, NEVER - 1)]
)
def test_who_begins_holds_its_nodes_until_its_limit(limit: int, now: int, end: int) -> None:
    devices = ((0, True), (0, True))
    shape = Shape(2, 3, 1, 300, frozenset({0}))
    center = small([Node(9), Node(9, devices=devices)], [Job(), Job(limit=limit, need=3, shape=shape)], licenses=1)
    center.asks[1] = (1, 6, 9, 900, 2)
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (1, 3)
    begin(center, 1, now, 1, False)
    assert holds(center, 1) == [(1, 3, 6, 9, 0)]
    assert device_holds(center, 1) == [(1, 0, 900)]
    assert free(center, 1) == (3, 91, 1, 0)
    assert center.jobs[1, t.END] == end
    assert center.licenses[0, t.IN_USE] == 2
    assert center.sizes[t.RUNNING_SIZE] == 0
    assert center.log[: center.sizes[t.LOG_SIZE]].tolist() == [1]


def test_who_begins_beside_a_reservation_keeps_off_what_is_kept() -> None:
    devices = ((0, True), (0, True))
    center = small([Node(9, devices=devices)], [Job(shape=Shape(1, 1, 1, types=frozenset({0})))])
    center.both_devices[:] = center.devices
    center.both_devices[0, 0, t.FREE] = 0
    center.nodes[0, t.IS_KEPT] = 1
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (0, 1)
    begin(center, 0, 0, 1, True)
    assert device_holds(center, 0) == [(0, 1, 1000)]
