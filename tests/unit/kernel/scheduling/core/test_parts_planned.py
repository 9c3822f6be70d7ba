"""Parts of devices in every step of planning: what fits, what is held, promised, and free from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.place import hold, lay, lift
from suanli.kernel.scheduling.core.preempt import preempt
from suanli.kernel.scheduling.core.profile import build, earliest, open_between
from suanli.kernel.scheduling.core.reserve import choose_beside, reserve, startable_beside
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT
from tests.unit.kernel.scheduling.core.center import Job
from tests.unit.kernel.scheduling.core.parted import A30, A100, NPU, code, fit, parted_center
from tests.unit.kernel.scheduling.core.small import part_holds, run

LIMIT = 10


def start(center: t.Center, job: int, tasks: int, node: int = 0) -> list[tuple[int, ...]]:
    """Let a job hold so many tasks on a node and lay it."""
    center.scratch[[t.CHOSEN, t.TASKS], 0] = (node, tasks)
    hold(center, job, 1, False)
    lay(center, job)
    return sorted(part_holds(center, job))


def test_a_job_holds_a_row_for_each_part_and_gives_all_back() -> None:
    center = parted_center([A30, A30], asks="2g.12gb", count=2, jobs=[Job(), Job()])
    center.jobs[:, t.SHAPE] = 0
    assert start(center, 0, 1) == [(0, 0, 142, 0b0011), (0, 0, 142, 0b1100)]
    assert center.devices[0, :, [t.FREE, t.SLOTS]].tolist() == [[0, 1000], [0b1111, 0]]
    assert fit(center) == (1, t.NOBODY)
    assert start(center, 1, 1) == [(0, 1, 142, 0b0011), (0, 1, 142, 0b1100)]
    assert fit(center) == (0, t.FAILS_FREE)
    lift(center, 0)
    assert center.devices[0, :, [t.FREE, t.SLOTS]].tolist() == [[1000, 0], [0, 0b1111]]
    lift(center, 1)
    assert center.devices[0, :, [t.FREE, t.SLOTS]].tolist() == [[1000, 1000], [0, 0]]


def test_parts_of_units_are_those_that_come_first() -> None:
    center = parted_center([NPU], asks="vir02", jobs=[Job(), Job(), Job()])
    center.jobs[:, t.SHAPE] = 0
    for job, slots in enumerate([0b000_0011_0000_0011, 0b000_1100_0000_1100, 0b011_0000_0011_0000]):
        assert start(center, job, 1) == [(0, 0, 142, slots)]
    assert fit(center) == (0, t.FAILS_FREE)


@given(seed=st.integers(0, 2**32))
def test_no_slices_are_held_twice_whoever_comes_and_goes(seed: int) -> None:
    chance = Random(seed)
    names = [one.name for one in A100]
    center = parted_center([A100, A100, A100], asks="1g.5gb", jobs=[Job()] * 12)
    center.jobs[:, t.SHAPE] = 0
    running: dict[int, list[tuple[int, ...]]] = {}
    for _ in range(40):
        name = chance.choice(names)
        center.shapes[0, t.PARTS_OF] = code(A100, name)
        tasks, _ = fit(center)
        free = [job for job in range(12) if job not in running]
        if running and (not tasks or not free or chance.random() < 0.4):
            lift(center, job := chance.choice(sorted(running)))
            del running[job]
        elif tasks and free:
            running[free[0]] = start(center, free[0], chance.randint(1, min(tasks, 3)))
        slots = [0, 0, 0]
        for _, position, _, taken in (row for rows in running.values() for row in rows):
            assert not slots[position] & taken
            slots[position] |= taken
        assert center.devices[0, :, t.SLOTS].tolist() == slots
        assert center.devices[0, :, t.FREE].tolist() == [0 if taken else 1000 for taken in slots]


def waiting(center: t.Center, job: int, need: int = 1, limit: int = LIMIT) -> None:
    center.jobs[job, [t.SHAPE, t.NEED, t.LIMIT]] = (0, need, limit)
    refresh(center, 0, BEST_FIT)


def test_the_head_is_promised_the_slices_that_come_free_and_nobody_takes_them() -> None:
    # Half of the device is free from 20 on, the other half from 50 on; the head needs both halves.
    center = parted_center([A100], asks="7g.40gb", jobs=[Job()] * 4)
    run(center, 1, 20, {0: 1}, [(0, 0, 428, 0b0000_1111)])
    run(center, 2, 50, {0: 1}, [(0, 0, 428, 0b1111_0000)])
    waiting(center, 0)
    assert reserve(center, 0, 0, 1) == 50
    assert center.then_devices[0, 0, [t.FREE, t.SLOTS]].tolist() == [0, 0b1111_1111]
    # Beside the head nothing of the device may be had for long: not the half that is free from 20 on either.
    center.shapes[0, t.PARTS_OF] = code(A100, "1g.5gb")
    center.shapes[0, t.SEEN] = t.NOBODY
    refresh(center, 0, BEST_FIT)
    assert not startable_beside(center, 0, 1)


def test_beside_a_part_of_the_head_another_part_starts_on_other_slices() -> None:
    center = parted_center([A100], asks="3g.20gb", jobs=[Job()] * 4)
    run(center, 1, 30, {0: 1}, [(0, 0, 428, 0b0000_1111)])
    run(center, 2, 90, {0: 1}, [(0, 0, 142, 0b0001_0000)])
    waiting(center, 0)
    assert reserve(center, 0, 0, 1) == 30
    assert center.then_devices[0, 0, t.SLOTS] == 0b0001_1111
    center.shapes[0, t.PARTS_OF] = code(A100, "1g.5gb")
    center.shapes[0, t.SEEN] = t.NOBODY
    waiting(center, 3)
    assert startable_beside(center, 0, 2)
    assert not startable_beside(center, 0, 3)
    hold(center, 3, choose_beside(center, 0, 1), True)
    (row,) = part_holds(center, 3)
    assert row[:3] == (0, 0, 142)
    assert row[t.HELD_SLOTS] in {0b0010_0000, 0b0100_0000}


def test_a_whole_device_that_is_promised_is_not_parted_past_that() -> None:
    center = parted_center([A100], asks="1g.5gb", jobs=[Job()] * 4)
    run(center, 1, 30, {0: 1}, [(0, 0, 142, 0b0100_0000)])
    center.shapes[0, [t.PARTED, t.SHARE]] = (0, 1000)
    waiting(center, 0)
    assert reserve(center, 0, 0, 1) == 30
    assert center.then_devices[0, 0, [t.FREE, t.SLOTS]].tolist() == [0, 0]
    center.shapes[0, [t.PARTED, t.SHARE, t.SEEN]] = (1, 142, t.NOBODY)
    refresh(center, 0, BEST_FIT)
    # Now there is room for six more, beside the head for none.
    assert center.total[0].tolist() == [6]
    assert not startable_beside(center, 0, 1)


PROFILE = [((0, 20), 0b0000_1111), ((0, 50), 0b0011_0000)]


@pytest.mark.parametrize(
    ("asks", "limit", "start_at"),
    [
        ("1g.5gb", 100, 0),
        ("2g.10gb", 100, 20),
        ("3g.20gb", 5, 20),
        ("4g.20gb", 100, 20),
        ("7g.40gb", 1, 50),
    ],
)
def test_the_first_start_of_a_part_is_when_its_slices_are_free_together(asks: str, limit: int, start_at: int) -> None:
    center = parted_center([A100], asks=asks, jobs=[Job()] * 3)
    for job, ((_, end), slots) in enumerate(PROFILE, start=1):
        run(center, job, end, {0: 1}, [(0, 0, 428, slots)])
    waiting(center, 0, limit=limit)
    build(center, 0, 1)
    assert earliest(center, 0, 1, (limit, 0), (0, t.NEVER)) == start_at


@given(seed=st.integers(0, 2**32))
def test_profiles_say_of_parts_what_is_free_at_every_instant(seed: int) -> None:
    chance = Random(seed)
    center = parted_center([A100, A30], asks="1g.5gb", jobs=[Job()] * 8)
    center.shapes[0, t.UNIT] = 1
    held: list[tuple[int, int, int]] = []
    taken = [0, 0]
    for job in range(1, 8):
        position = chance.randrange(2)
        template = chance.choice((A100, A30)[position])
        free = [s for s in template.starts if not template.slices_at(s) & taken[position]]
        if free:
            slots, end = template.slices_at(chance.choice(free)), chance.randint(1, 30)
            taken[position] |= slots
            held.append((position, slots, end))
            run(center, job, end, {0: 1}, [(0, position, 100, slots)])
    build(center, 0, 1)
    for _ in range(6):
        begin = chance.randint(0, 31)
        until = begin + chance.randint(1, 10)
        open_between(center, 0, 0, begin, until)
        for position in range(2):
            there = [slots for place, slots, end in held if place == position and end > begin]
            assert center.both_devices[0, position, t.SLOTS] == sum(there)
            assert center.both_devices[0, position, t.FREE] == (0 if there else 1000)


def test_for_a_part_the_fewest_of_lower_standing_leave() -> None:
    center = parted_center([A100], asks="3g.20gb", jobs=[Job()] * 5)
    center.keys[0] = [-1, 0, 0, 0, 0]
    for job, slots in enumerate([0b1, 0b10, 0b1_0000, 0b10_0000], start=1):
        center.jobs[job, t.PREEMPTIBLE] = 1
        run(center, job, 99, {0: 1}, [(0, 0, 142, slots)], started=job)
    waiting(center, 0)
    center.sizes[t.LEAVING_SIZE] = 0
    preempt(center, 0)
    # Those that started last hold the second half: the first half's two stay.
    assert sorted(center.lists[t.LEAVING, : center.sizes[t.LEAVING_SIZE]].tolist()) == [3, 4]


@pytest.mark.parametrize(("policy", "node"), [(FIRST_FIT, 0), (BEST_FIT, 1)])
def test_best_fit_goes_where_a_device_is_parted_already(policy: int, node: int) -> None:
    center = parted_center([A100], [A100], asks="1g.5gb", jobs=[Job()] * 2)
    run(center, 1, 99, {1: 1}, [(1, 0, 142, 0b0100_0000)])
    refresh(center, 0, policy)
    assert int(np.argmin(center.score[0])) == node


def whole_free(center: t.Center) -> list[int]:
    return [int(share) for share in center.devices[0, :, t.FREE]]


@pytest.mark.parametrize(("count", "free"), [(1, [1000, 0]), (7, [1000, 0]), (8, [0, 0])])
def test_a_parted_device_is_filled_before_a_whole_one_is_broken(count: int, free: Sequence[int]) -> None:
    center = parted_center([A100, A100], asks="1g.5gb", count=count, jobs=[Job()] * 2)
    center.devices[0, 1, [t.FREE, t.SLOTS]] = (0, 0b1000_0000)
    center.jobs[:, t.SHAPE] = 0
    start(center, 0, 1)
    assert whole_free(center) == list(free)
