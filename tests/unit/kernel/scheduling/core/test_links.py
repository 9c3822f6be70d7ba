"""Devices that must be near each other, in every step that counts, takes, scores, reserves and makes room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, tasks_on
from suanli.kernel.scheduling.core.foresee import foresee
from suanli.kernel.scheduling.core.index import read_changes
from suanli.kernel.scheduling.core.merits import worst_taken
from suanli.kernel.scheduling.core.outlook import node_at
from suanli.kernel.scheduling.core.place import hold, hold_device, hold_node
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.profile import build, earliest, occupy
from suanli.kernel.scheduling.core.reserve import startable_beside
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WEIGHED, score
from suanli.kernel.scheduling.core.seek import seek
from tests.unit.kernel.scheduling.core.brute import groups
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.days import NODES
from tests.unit.kernel.scheduling.core.eights import (
    APART,
    EIGHT,
    ZERO,
    asking,
    center_of,
    fits,
)
from tests.unit.kernel.scheduling.core.keeping import promised_devices, reserved, see_present
from tests.unit.kernel.scheduling.core.small import chosen, device_holds, run, running, small

pytestmark = pytest.mark.step

NEVER = t.NEVER


def held(center: t.Center, tasks: int, long: bool = False) -> set[int]:
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (0, tasks)
    hold(center, 0, 1, long)
    rows = device_holds(center, 0)
    assert all((node, share) == (0, 1000) for node, _, share in rows)
    assert len(rows) == len({position for _, position, _ in rows})
    return {position for _, position, _ in rows}


@pytest.mark.parametrize(
    ("free", "shape", "tasks", "expected"),
    [
        ("01234567", asking(4), 1, "0123"),
        ("124567", asking(3), 1, "456"),
        ("0124567", asking(4), 1, "4567"),
        ("0124567", asking(3), 2, "012456"),
        ("0145", asking(2), 2, "0145"),
        ("01245", asking(2), 1, "45"),
        ("12567", asking(2), 1, "12"),
        # Without a bound all tasks go together, each in as few groups as can be.
        ("01234567", asking(2, 0), 2, "0123"),
        ("012345", asking(2, 0), 1, "45"),
        ("012345", asking(1, 0), 3, "012"),
        ("01234567", asking(3, 0), 2, "012456"),
        ("0124567", asking(1, 0), 1, "0"),
        ("34567", asking(1, 0), 1, "3"),
        ("034567", asking(3, 0), 1, "456"),
        ("034567", asking(5, 0), 1, "45670"),
    ],
)
def test_devices_are_taken_near_together(free: str, shape: Shape, tasks: int, expected: str) -> None:
    assert held(center_of(shape, free), tasks) == {int(one) for one in expected}


def test_where_no_devices_are_near_the_first_are_taken() -> None:
    assert held(center_of(asking(2, 0), "13567", node=APART), 2) == {1, 3, 5, 6}


def test_beside_the_reservation_what_it_leaves_is_near_together() -> None:
    center = center_of(asking(2), "01234567")
    center.nodes[0, t.IS_KEPT] = 1
    center.both_devices[:] = center.devices
    center.both_devices[0, [0, 1, 2], t.FREE] = 0
    assert held(center, 1, long=True) == {4, 5}


def test_shares_are_taken_as_ever() -> None:
    center = center_of(Shape(1, 1, 1, 500, ZERO), "01234567")
    center.devices[0, 6, t.FREE] = 500
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (0, 2)
    hold(center, 0, 1, False)
    assert sorted(device_holds(center, 0)) == [(0, 0, 500), (0, 6, 500)]


@given(NODES, st.integers(1, 3), st.integers(0, 5), st.integers(1, 3), st.data())
def test_what_is_taken_can_be_dealt_out(node: Node, count: int, apart: int, tasks: int, data: st.DataObject) -> None:
    apart = apart if count > 1 else 0
    shape = Shape(0, 0, devices=count, types=frozenset({0, 1}), apart=apart)
    center = small([replace(node, ready=True)], [Job(shape=shape)])
    shares = [data.draw(st.sampled_from([0, 1000, 1000])) for _ in node.devices]
    center.devices[0, : len(shares), t.FREE] = shares
    center.shapes[0, t.PURSUES] = data.draw(st.sampled_from([0, t.BY_RANK]))
    center.merits[0, t.RANK, :2] = data.draw(st.permutations([0.0, 1.0]))
    before = center.devices.copy()
    if fits(center)[0] < tasks:
        return
    worst = worst_taken(center, center.devices[0], 0, tasks, t.RANK)
    taken = held(center, tasks)
    assert (center.devices == before).all()
    assert len(taken) == tasks * count
    usable = {place for place, (kind, well) in enumerate(node.devices) if well and kind < 2 and shares[place]}
    assert taken <= usable
    ranks = {place: float(center.merits[0, t.RANK, node.devices[place][0]]) for place in usable}
    assert worst == (max(ranks[place] for place in taken) if center.shapes[0, t.PURSUES] or taken else 0.0)
    if apart:
        assert sum(len(group & taken) // count for group in groups(node, apart)) == tasks
    elif center.shapes[0, t.PURSUES]:
        assert sorted(ranks[place] for place in taken) == sorted(ranks.values())[: len(taken)]
    if apart and center.shapes[0, t.PURSUES] and tasks == 1:
        bests = [sorted(ranks[place] for place in group & usable)[count - 1 : count] for group in groups(node, apart)]
        assert worst == min(best[0] for best in bests if best)


def weighed(center: t.Center, node: int = 0) -> float:
    center.weights[:] = 0
    center.weights[t.TOPOLOGY] = 1
    return float(score(center, WEIGHED, 0, node))


@pytest.mark.parametrize(
    ("free", "shape", "expected"),
    [
        # Distance, and of the wholly free devices within it the part that is left.
        ("01234567", asking(4), 1 + 0),
        ("0124567", asking(3), 1 + 0),
        ("01234567", asking(3), 1 + 1 / 4),
        ("01234567", asking(2, 0), 1 + 2 / 4),
        ("0145", asking(4, 0), 6 + 0),
        ("01456", asking(4, 0), 6 + 1 / 5),
        ("01234567", asking(2, 0, unit=3), 6 + 2 / 8),
        # One device: how much is left of the group that it is taken out of.
        ("01234567", asking(1, 0), 0 + 3 / 4),
        ("04567", asking(1, 0), 0 + 0),
        # Shares.
        ("01234567", Shape(1, 1, 1, 500, ZERO), 0 + 3 / 4),
        ("01234567", Shape(1, 1), 0),
    ],
)
def test_how_far_apart_the_devices_of_a_node_would_be(free: str, shape: Shape, expected: float) -> None:
    assert weighed(center_of(shape, free)) == pytest.approx(100 * expected / 7)


def test_what_goes_onto_a_device_that_is_shared_already_breaks_no_group() -> None:
    center = center_of(Shape(1, 1, 1, 500, ZERO), "01234567")
    center.devices[0, 2, t.FREE] = 500
    assert weighed(center) == 0


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 600 / 7 + 100 / 7 * 6 / 8), (8, 600 / 7)])
def test_without_links_several_are_as_far_apart_as_can_be(count: int, expected: float) -> None:
    assert weighed(center_of(asking(count, 0), "01234567", node=APART)) == pytest.approx(expected)


@given(NODES, st.integers(1, 3), st.integers(0, 5), st.data())
def test_the_score_is_that_of_plain_sets(node: Node, count: int, apart: int, data: st.DataObject) -> None:
    shape = Shape(0, 0, devices=count, types=frozenset({0, 1}), apart=apart if count > 1 else 0)
    center = small([replace(node, ready=True)], [Job(shape=shape)])
    shares = [data.draw(st.sampled_from([0, 500, 1000, 1000])) for _ in node.devices]
    center.devices[0, : len(shares), t.FREE] = shares
    if not fits(center)[0]:
        return
    found, taken = weighed(center), held(center, 1)
    whole = {place for place, (_, well) in enumerate(node.devices) if well and shares[place] == 1000}
    places = frozenset(range(len(node.devices)))
    at = [*({frozenset({one}) for one in places}, *(groups(node, distance) for distance in range(1, 6))), {places}]
    distance = next(far for far, some in enumerate(at) if any(taken <= group for group in some))
    (group,) = (group for group in at[max(distance, 1)] if taken <= group)
    left = len(group & whole) - len(taken)
    assert found == pytest.approx(100 * (distance + left / len(group & whole)) / 7)


def test_a_weighed_score_takes_the_node_where_devices_are_nearer() -> None:
    center = center_of(asking(4, 0), "01245", "4567", "01234567")
    center.weights[t.TOPOLOGY] = 1.0
    refresh(center, 0, WEIGHED)
    assert center.score[0].argsort().tolist()[0] == 1


def test_the_index_finds_what_has_a_group_for_the_task() -> None:
    for free, expected in (("01245", []), ("4567", [(0, 1)])):
        center = center_of(asking(4), free, "012456")
        read_changes(center, BEST_FIT)
        assert chosen(center, seek(center, 0, 1, False)) == expected


def of_runs(shape: Shape, runs: Sequence[tuple[int, Sequence[int]]], *jobs: Job) -> t.Center:
    """A node of two fours, the head first, and work that runs until an instant on some of the devices."""
    others = [Job(shape=Shape(1, 1, 1, types=ZERO), preemptible=True) for _ in runs]
    center = small([EIGHT], [Job(shape=shape, limit=10), *others, *jobs], booked=32)
    for job, (end, devices) in enumerate(runs, 1):
        run(center, job, end, {0: 1}, [(0, position, 1000) for position in devices])
    return center


RUNS = [(10, [0, 4]), (20, [1]), (30, [5])]
"""Four are free from the first on, two in each group; a whole group from 20 on."""


def test_the_outlook_counts_groups_as_work_ends() -> None:
    center = of_runs(asking(4), RUNS)
    for instant, tasks in ((5, 0), (10, 0), (19, 0), (20, 1), (29, 1), (30, 2)):
        node_at(center, 0, instant, 0, 1)
        assert tasks_on(center.both_nodes, center.both_devices, center.shapes, 0, 0)[0] == tasks


def test_the_head_is_promised_the_first_instant_at_which_a_group_is_free() -> None:
    center = of_runs(asking(4), RUNS)
    assert reserved(center, 0) == 20


@pytest.mark.parametrize(("count", "start"), [(2, 0), (3, 10), (4, 20)])
def test_profiles_tell_the_same(count: int, start: int) -> None:
    center = of_runs(asking(count), RUNS)
    refresh(center, 0, FIRST_FIT)
    build(center, 0, 1)
    assert earliest(center, 0, 1, (10, 0), (0, NEVER - 1)) == start


def test_a_group_must_be_free_all_the_while() -> None:
    center = of_runs(asking(4), [])
    refresh(center, 0, FIRST_FIT)
    build(center, 0, 1)
    for start, end, position in ((5, 15, 3), (20, 30, 4)):
        hold_node(center.holds, center.jobs, center.sizes, 0, (0, 0, 0, 0, 0, 0))
        hold_device(center.device_holds, center.jobs, center.sizes, 0, (0, position, 1000, 0))
        occupy(center, 0, start, end, 0)
        center.jobs[0, [t.HOLD, t.DEVICE_HOLD]] = t.NOBODY
    # One group is broken from 5 to 15, the other from 20 to 30.
    for need, limit, start in ((1, 20, 0), (1, 21, 15), (2, 5, 0), (2, 6, 30), (2, 5, 0)):
        assert earliest(center, 0, need, (limit, 0), (0, NEVER - 1)) == start


def test_a_start_is_foreseen_when_a_group_is_free() -> None:
    jobs = [Job(shape=asking(count)) for count in (2, 3, 4, 5)]
    others = [Job(shape=Shape(1, 1, 1, types=ZERO)) for _ in RUNS]
    center = small([EIGHT], [*jobs, *others])
    for job, (end, devices) in enumerate(RUNS, len(jobs)):
        run(center, job, end, {0: 1}, [(0, position, 1000) for position in devices])
    starts = [int(foresee(center, job, 0, 1, t.NOBODY, NEVER, FIRST_FIT)) for job in range(4)]
    assert starts == [0, 10, 20, NEVER]


def test_the_head_is_reserved_a_group_and_the_rest_is_anybodys() -> None:
    long = [Job(shape=asking(count)) for count in (2, 3)]
    center = of_runs(asking(4), RUNS, *long)
    assert reserved(center, 0) == 20
    assert sorted(promised_devices(center)) == [(0, position, 1000) for position in range(4)]
    for job, expected in ((4, True), (5, False)):
        shape = int(center.jobs[job, t.SHAPE])
        see_present(center, shape, 50, 0)
        # Of the other group two are free now and then.
        assert startable_beside(center, shape, 1) == expected


def test_work_makes_room_where_a_group_lacks_least() -> None:
    jobs = [Job(shape=asking(4)), *(Job(shape=Shape(1, 1, 1, types=ZERO), preemptible=True) for _ in range(4))]
    center = small([EIGHT], jobs)
    center.keys[0, 1:] = 1
    for job, position in enumerate((0, 4, 5, 1), 1):
        run(center, job, 50, {0: 1}, [(0, position, 1000)], started=job)
    refresh(center, 0, FIRST_FIT)
    preempt(center, 0)
    leaving = set(center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist())
    # Those that started last go first, until a group is whole; who need not go for that is spared.
    assert leaving == {2, 3}


def test_who_asks_for_what_links_cannot_give_makes_nobody_leave() -> None:
    jobs = [Job(shape=asking(5)), Job(shape=Shape(1, 1, 8, types=ZERO), preemptible=True)]
    center = small([EIGHT], jobs)
    center.keys[0, 1] = 1
    run(center, 1, 50, {0: 1}, [(0, position, 1000) for position in range(8)])
    refresh(center, 0, FIRST_FIT)
    preempt(center, 0)
    assert center.sizes[t.LEAVING_SIZE] == 0
    assert running(center) == [1]
