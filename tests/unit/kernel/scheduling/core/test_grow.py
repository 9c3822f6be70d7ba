"""Tables that grow: what they say stays, what was remembered is forgotten, and what comes after is as it would be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.grow import grown, sizes_of
from suanli.kernel.scheduling.core.rules import EASY, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.keeping import reserved
from tests.unit.kernel.scheduling.core.small import changed, device_holds, holds, run, running, small

ONE = frozenset({0})
CARD = Shape(1, 1, 1, types=ONE)
NODES = [Node(8, 80, ((0, True), (0, True))), Node(4, 40, ((0, False),))]
JOBS = [Job(limit=9, need=2), Job(limit=9, shape=CARD), Job(limit=9, need=3), Job(limit=20, need=12)]


def center_of() -> t.Center:
    """Two jobs run, two wait."""
    center = small(NODES, JOBS, licenses=2, bounds=3, booked=5)
    center.licenses[:, t.TOTAL] = (4, 6)
    center.bounds[1, t.MOST, t.CPU_ASKED] = 77
    center.associations[0, 0] = 1
    center.asks[1] = (1, 1, 1, 1000, 2, 3)
    center.windows[1] = (50, 60)
    center.draws[0] = (1, 2, 3)
    center.weights[:] = range(11)
    center.keys[1] = (4, 3, 2, 1)
    run(center, 0, 30, {0: 1, 1: 1})
    run(center, 1, 40, {0: 1}, [(0, 1, 1000)])
    for job in (2, 3):
        changes.wait(center, job)
    return center


def more(sizes: t.Sizes, **rows: int) -> t.Sizes:
    """So many rows more of some."""
    return sizes._replace(**{name: getattr(sizes, name) + count for name, count in rows.items()})


EVERY = dict.fromkeys(t.Sizes._fields, 3)


def test_the_tables_that_it_grew_from_stay_as_they_were() -> None:
    center = center_of()
    before = center.copied()
    grown(center, more(sizes_of(center), **EVERY))
    assert changed(before, center) == set()


@pytest.mark.parametrize(
    "name",
    ["devices", "jobs", "kinds", "associations", "bounds", "asks", "licenses", "windows", "draws", "keys", "weights"],
)
def test_what_was_told_is_in_the_same_rows(name: str) -> None:
    center = center_of()
    larger = grown(center, more(sizes_of(center), **EVERY))
    old, new = getattr(center, name), getattr(larger, name)
    assert np.array_equal(new[tuple(slice(0, length) for length in old.shape)], old)


def test_of_nodes_and_shapes_only_what_was_remembered_is_gone() -> None:
    center = center_of()
    assert reserved(center, 3) == 40
    larger = grown(center, more(sizes_of(center), **EVERY))
    forgotten = [t.LAST, t.IS_KEPT]
    assert larger.nodes[: len(NODES), forgotten].tolist() == [[t.NOBODY, 0]] * len(NODES)
    told = [column for column in range(center.nodes.shape[1]) if column not in forgotten]
    assert np.array_equal(larger.nodes[: len(NODES), told], center.nodes[:, told])
    assert (larger.shapes[:, [t.SEEN, t.BESIDE_TURN]] == t.NOBODY).all()
    assert larger.sizes[[t.HEAD, t.HEAD_SEEN, t.INDEX_SEEN]].tolist() == [t.NOBODY] * 3
    assert larger.sizes[[t.LOG_SIZE, t.KEPT_SIZE]].tolist() == [0, 0]


def test_rows_that_are_new_are_as_in_new_tables() -> None:
    center, wanted = center_of(), more(sizes_of(center_of()), **EVERY)
    larger, new = grown(center, wanted), t.make_center(wanted)
    for name in ("nodes", "devices", "jobs", "associations", "bounds", "asks", "licenses"):
        rows = getattr(center, name).shape[0]
        assert getattr(new, name).shape[0] == rows + 3
        assert np.array_equal(getattr(larger, name)[rows:], getattr(new, name)[rows:]), name


def test_the_chains_of_holds_are_whole_and_what_is_new_is_used_first() -> None:
    center = center_of()
    rows, positions = center.holds.shape[0], center.device_holds.shape[0]
    larger = grown(center, more(sizes_of(center), holds=5, device_holds=7))
    assert [holds(larger, job) for job in range(2)] == [holds(center, job) for job in range(2)]
    assert device_holds(larger, 1) == device_holds(center, 1)
    free = _rows(larger.holds, int(larger.sizes[t.UNUSED]))
    assert free[:5] == list(range(rows, rows + 5))
    assert free[5:] == _rows(center.holds, int(center.sizes[t.UNUSED]))
    free = _rows(larger.device_holds, int(larger.sizes[t.DEVICE_UNUSED]))
    assert free[:7] == list(range(positions, positions + 7))
    assert free[7:] == _rows(center.device_holds, int(center.sizes[t.DEVICE_UNUSED]))


def _rows(table: t.Ints, row: int) -> list[int]:
    """The rows of a chain, each of which leads on to the next."""
    found = []
    while row >= 0:
        found.append(row)
        row = int(table[row, -1])
    assert len(set(found)) == len(found)
    return found


def test_tables_without_a_row_left_can_be_used_again_once_they_have_grown() -> None:
    center = small([Node(99)], JOBS)
    center.sizes[t.UNUSED] = t.NOBODY
    larger = grown(center, more(sizes_of(center), holds=1))
    run(larger, 0, 30, {0: 2})
    assert holds(larger, 0) == [(0, 2, 2, 2, 0)]
    assert larger.sizes[t.UNUSED] == t.NOBODY
    changes.end(larger, 0)
    assert larger.sizes[t.UNUSED] == larger.holds.shape[0] - 1


def test_what_a_shape_finds_is_what_it_found() -> None:
    center = center_of()
    larger = grown(center, more(sizes_of(center), nodes=2, shapes=2, engines=1))
    for one in (center, larger):
        for shape in range(center.shapes.shape[0]):
            refresh(one, shape, BEST_FIT)
    count, shapes = len(NODES), center.shapes.shape[0]
    assert np.array_equal(larger.tasks[:shapes, :count], center.tasks)
    assert np.array_equal(larger.score[:shapes, :count], center.score)
    assert not larger.tasks[:, count:].any()
    assert np.array_equal(larger.total[:shapes, :1], center.total)
    assert not larger.total[:, 1:].any()


def lived(center: t.Center, ends: Sequence[int], grows_at: int) -> list[tuple[object, ...]]:
    """Turns, and ends between them; before one of the turns the tables grow. What was decided, and who holds what."""
    told: list[tuple[object, ...]] = []
    started = np.zeros(8, dtype=np.int64)
    for now, end in enumerate(ends):
        if now == grows_at:
            center = grown(center, more(sizes_of(center), **EVERY))
        if center.sizes[t.RUNNING_SIZE] and end < center.sizes[t.RUNNING_SIZE]:
            changes.end(center, running(center)[end])
        decided = changes.plan(center, now, now + 1, Rules(BEST_FIT, EASY, 8), started)
        jobs = started[: decided.started].tolist()
        told.append((decided, jobs, [holds(center, job) for job in jobs], [device_holds(center, job) for job in jobs]))
        told.append((running(center), t.queued(center).tolist()))
    return told


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9), st.booleans()), min_size=1, max_size=6),
    st.lists(st.integers(0, 2), min_size=1, max_size=6),
    st.integers(0, 5),
)
def test_a_center_that_grows_on_its_way_decides_the_same(
    asked: list[tuple[int, int, bool]], ends: list[int], grows_at: int
) -> None:
    jobs = [Job(limit=limit, need=need, shape=CARD if has_card else Shape(2)) for need, limit, has_card in asked]
    found = []
    for at in (grows_at, -1):
        center = small(NODES, jobs, shapes=[Shape(2), CARD])
        for job in range(len(jobs)):
            changes.wait(center, job)
        found.append(lived(center, ends, at))
    assert found[0] == found[1]
