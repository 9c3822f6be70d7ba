"""Empty tables, larger ones with the same content, rows copied, and scores: worked out by hand."""

from __future__ import annotations

import copy as copies
import ctypes
from collections.abc import Callable
from pickle import dumps, loads

import numpy as np
import pytest

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy, copy_devices
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.grow import grown, sizes_of
from suanli.kernel.scheduling.core.score import BEST_FIT
from suanli.model.devices import Interconnect
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import device_holds, free, holds, run, running, small

SIZES = t.Sizes(
    nodes=3,
    devices=2,
    engines=2,
    shapes=4,
    kinds=5,
    jobs=6,
    holds=7,
    device_holds=8,
    associations=2,
    bounds=3,
    asks=4,
    licenses=2,
    keys=4,
    booked=5,
    booked_devices=6,
)


def test_of_empty_tables_nothing_waits_runs_or_is_free() -> None:
    center = t.make_center(SIZES)
    assert t.queued(center).tolist() == []
    assert center.sizes[[t.RUNNING_SIZE, t.KINDS, t.LOG_SIZE, t.KEPT_SIZE, t.TURN]].tolist() == [0] * 5
    none = [t.HEAD, t.HEAD_HOLD, t.HEAD_DEVICE_HOLD, t.HEAD_SEEN, t.INDEX_SEEN]
    assert center.sizes[none].tolist() == [t.NOBODY] * 5
    assert not center.nodes[:, t.READY].any()
    assert (center.nodes[:, [t.LAST, t.HELD]] == t.NOBODY).all()
    assert (center.devices[:, :, t.TYPE] == t.NOBODY).all()
    assert (center.shapes[:, t.SEEN] == t.NOBODY).all()
    assert (center.shapes[:, t.UNIT] == 1).all()
    assert (center.jobs[:, [t.HOLD, t.DEVICE_HOLD]] == t.NOBODY).all()
    assert (center.bounds[:, t.MOST] == t.NEVER).all()
    assert not center.bounds[:, t.ACTIVE].any()
    assert (center.associations == t.NOBODY).all()
    assert center.asks.tolist() == [[1, 0, 0, 0, 0, 0]] * 4
    assert (center.score == np.inf).all()
    assert (center.lowest == np.inf).all()
    assert (center.blocker == t.NOBODY).all()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("nodes", 3),
        ("devices", 3),
        ("shapes", 4),
        ("tasks", 4),
        ("blocker", 4),
        ("score", 4),
        ("lowest", 4),
        ("failing", 4),
        ("total", 4),
        ("beside", 4),
        ("log", 4 * 3 + 1024),
        ("jobs", 6),
        ("holds", 7),
        ("gains", 7),
        ("device_holds", 8),
        ("kinds", 5),
        ("associations", 2),
        ("bounds", 3),
        ("asks", 4),
        ("licenses", 2),
        ("row", 3),
        ("busy", 3),
        ("then_nodes", 3),
        ("both_devices", 3),
        ("steps", 2 * (3 + 7 + 2 * 5)),
        ("step_devices", 2 * (3 + 7 + 2 * 5)),
        ("rises", 3 + 7 + 2 * 5),
        ("drops", 5),
        ("booked", 5),
        ("booked_devices", 6),
        ("shelves", 4),
    ],
)
def test_tables_have_a_row_for_each(name: str, rows: int) -> None:
    assert len(getattr(t.make_center(SIZES), name)) == rows


def test_of_one_reservation_alone_no_profile_is_kept() -> None:
    center = t.make_center(SIZES._replace(booked=0))
    assert (len(center.steps), len(center.rises), len(center.drops), len(center.booked)) == (0, 0, 0, 0)


@pytest.mark.parametrize("nodes", [1, t.BLOCK, t.BLOCK + 1, 3 * t.BLOCK])
def test_blocks_of_nodes_are_as_many_as_needed(nodes: int) -> None:
    assert t.make_center(SIZES._replace(nodes=nodes)).lowest.shape == (4, -(-nodes // t.BLOCK))


def test_rows_that_nobody_has_lead_to_each_other() -> None:
    center = t.make_center(SIZES)
    assert center.holds[:, t.NEXT].tolist() == [1, 2, 3, 4, 5, 6, -1]
    assert center.device_holds[:, t.DEVICE_NEXT].tolist() == [1, 2, 3, 4, 5, 6, 7, -1]


def test_a_queue_is_sorted_by_all_its_keys() -> None:
    center = small([Node(1)], [Job() for _ in range(4)])
    center.jobs[:, t.KIND] = (3, 2, 1, 0)
    for job in (3, 1, 0, 2):
        changes.wait(center, job)
    center.keys[:, :4] = [[1, 0, 1, 0], [0, 5, 0, 4], [9, 0, 8, 0]]
    t.sort_queue(center)
    assert t.queued(center).tolist() == [3, 1, 2, 0]
    first = center.sizes[t.FIRST]
    assert center.lists[t.KIND_OF, first : first + 4].tolist() == [0, 2, 1, 3]
    center.jobs[:, t.KIND] = 2
    center.kinds[:, t.WAITING_OF] = (0, 0, 4, 0)
    t.tell_kinds(center)
    assert center.lists[t.KIND_OF, first : first + 4].tolist() == [2] * 4
    assert center.sizes[t.KINDS] == 1


def test_the_sizes_of_tables_are_those_they_were_made_of() -> None:
    assert sizes_of(t.make_center(SIZES)) == SIZES
    assert sizes_of(t.make_center(SIZES._replace(booked=0, booked_devices=0))).booked == 0


GROWTHS = [
    {"nodes": 9},
    {"devices": 5},
    {"engines": 3},
    {"shapes": 9},
    {"jobs": 99},
    {"holds": 200},
    {"device_holds": 300},
    {"kinds": 50, "asks": 50},
    {"bounds": 8, "associations": 9},
    {"booked": 3, "booked_devices": 4},
    {"nodes": 9, "devices": 4, "jobs": 50, "holds": 150, "device_holds": 111},
    {},
]


@pytest.mark.parametrize("growth", GROWTHS)
def test_larger_tables_say_the_same(growth: dict[str, int]) -> None:
    devices = ((0, True), (0, True))
    types = frozenset({0})
    jobs = [
        Job(limit=9, need=2, shape=Shape(1, 2)),
        Job(shape=Shape(2, 3, 1, 500, types)),
        Job(preemptible=True),
        Job(),
    ]
    links = ((Interconnect.LINK, ((0, 1),)),)
    center = small([Node(9, devices=devices, links=links), Node(4, 50)], jobs, licenses=1)
    center.licenses[0] = range(7)
    center.windows[0] = (5, 9)
    run(center, 1, 30, {0: 2}, [(0, 0, 500), (0, 1, 500)])
    run(center, 2, 20, {0: 1, 1: 1})
    changes.end(center, 1)
    run(center, 1, 40, {0: 1}, [(0, 1, 500)])
    changes.wait(center, 0)
    refresh(center, 0, BEST_FIT)
    center.sizes[[t.HEAD, t.HEAD_SEEN, t.KEPT_SIZE, t.TURN]] = (0, 3, 1, 7)
    center.nodes[0, t.IS_KEPT] = 1
    larger = grown(center, sizes_of(center)._replace(**growth))
    assert sizes_of(larger) == sizes_of(center)._replace(**growth)
    for one in (center, larger):
        assert [holds(one, job) for job in range(4)] == [[], [(0, 1, 2, 3, 0)], [(1, 1, 1, 1, 0), (0, 1, 1, 1, 0)], []]
        assert device_holds(one, 1) == [(0, 1, 500)]
        assert running(one) == [2, 1]
        assert t.queued(one).tolist() == [0]
        assert [free(one, node) for node in range(2)] == [(6, 96, 2, 0), (3, 49, 1, 0)]
        assert one.devices[0, :2, : t.SLOTS].tolist() == [[0, 1, 1000, 6 * 64], [0, 1, 500, 1 + 64]]
        assert one.licenses[0].tolist() == list(range(7))
        assert one.windows[0].tolist() == [5, 9]
        assert one.sizes[[t.PREEMPTIBLES, t.TURN, t.KINDS]].tolist() == [1, 7, 1]
    # What is remembered of shapes, of the head and by the index is worked out anew.
    assert larger.sizes[[t.LOG_SIZE, t.KEPT_SIZE]].tolist() == [0, 0]
    assert larger.sizes[[t.HEAD, t.HEAD_SEEN, t.INDEX_SEEN]].tolist() == [t.NOBODY] * 3
    assert not larger.nodes[:, t.IS_KEPT].any()
    assert (larger.nodes[:, t.LAST] == t.NOBODY).all()
    assert (larger.shapes[:, t.SEEN] == t.NOBODY).all()
    refresh(larger, 0, BEST_FIT)
    assert larger.tasks[0, :2].tolist() == [6, 3]
    rows = 0
    for first, table in ((t.UNUSED, larger.holds), (t.DEVICE_UNUSED, larger.device_holds)):
        row, unused = int(larger.sizes[first]), set[int]()
        while row >= 0:
            unused.add(row)
            row = int(table[row, -1])
        held = 3 if first == t.UNUSED else 1
        assert len(unused) == table.shape[0] - held
        rows += len(unused)
    # And it can be filled.
    run(larger, 3, 50, {0: 1, 1: 1})
    assert holds(larger, 3) == [(1, 1, 1, 1, 0), (0, 1, 1, 1, 0)]
    changes.end(larger, 2)
    assert [free(larger, node) for node in range(2)] == [(6, 96, 2, 0), (3, 49, 1, 0)]


def test_a_row_is_copied_onto_one_that_may_be_longer() -> None:
    into, source = np.full(5, 9, dtype=np.int64), np.array([1, 2, 3], dtype=np.int64)
    copy(into, source)
    assert into.tolist() == [1, 2, 3, 9, 9]
    copy(into[3:], source[:0])
    assert into.tolist() == [1, 2, 3, 9, 9]
    copy(into[:2], into[1:3])
    assert into.tolist() == [2, 3, 3, 9, 9]


def test_devices_of_a_node_are_copied() -> None:
    into, source = np.zeros((3, 3), dtype=np.int16), np.arange(6, dtype=np.int16).reshape(2, 3)
    copy_devices(into, source)
    assert into.tolist() == [[0, 1, 2], [3, 4, 5], [0, 0, 0]]


@pytest.mark.parametrize("copied", [t.Center.copied, copies.copy, copies.deepcopy, lambda center: loads(dumps(center))])
def test_a_copy_is_handed_on_as_the_address_of_its_own_tables(copied: Callable[[t.Center], t.Center]) -> None:
    center = t.make_center(SIZES)
    told = center.address
    other = copied(center)
    assert other.address != told
    assert first_word(other.address) == other.nodes.ctypes.data
    assert first_word(told) == center.nodes.ctypes.data


def first_word(address: int) -> int:
    """The first word there."""
    return int(ctypes.c_int64.from_address(address).value)
