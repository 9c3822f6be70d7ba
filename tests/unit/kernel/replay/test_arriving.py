"""Tasks that arrive and never leave: where each goes, what is booked, and who is dropped for good."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.replay.arriving import place_arriving
from suanli.kernel.scheduling.core.criteria import KINDS, Request
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.gradient import gradient
from suanli.kernel.scheduling.scores.typical import typical

SHARE_470, SHARE_530, WHOLE, NO_DEVICE, TWO, WIDE = range(6)
CLASSES = np.array(
    [
        [1000, 1, 1, 470, -1],
        [1000, 1, 1, 530, -1],
        [1000, 1, 1, 1000, -1],
        [1000, 1, 0, 0, -1],
        [1000, 1, 2, 1000, -1],
        [50_000, 1, 1, 1000, -1],
    ]
)


def center(*nodes: list[int], memory: int = 100, cpu: int = 9000) -> Free:
    """Nodes of so many thousandths free on each of two devices of one model."""
    device = np.array(nodes, dtype=np.int64).reshape(len(nodes), 2)
    count = len(nodes)
    return Free(
        np.full(count, cpu),
        np.full(count, memory),
        device,
        np.zeros((count, 2), np.int64),
        np.full(count, cpu),
        np.zeros((count, KINDS), np.int64),
    )


def placed(free: Free, *arriving: int, often: dict[int, int] | None = None) -> list[int]:
    """The node of each task; typical is what is often asked for, else everything alike."""
    counts = np.array([(often or dict.fromkeys(range(len(CLASSES)), 1)).get(of, 0) for of in range(len(CLASSES))])
    known = typical([Request(*row) for row in CLASSES.tolist()], counts, 1.0)
    tasks: Ints = np.array(arriving, dtype=np.int64)
    return [int(row) for row in place_arriving(gradient(free, CLASSES, known), free, CLASSES, tasks, known)]


def test_nothing_arrives() -> None:
    free = center([1000, 1000])
    assert placed(free) == []
    assert free.device.tolist() == [[1000, 1000]]


def test_a_share_goes_where_it_fills_a_device_exactly() -> None:
    free = center([1000, 1000], [1000, 470])
    assert placed(free, SHARE_470, often={SHARE_470: 1, WHOLE: 1}) == [1]
    assert free.device.tolist() == [[1000, 1000], [1000, 0]]


def test_shares_that_fill_a_device_together_lie_together() -> None:
    free = center([1000, 1000], [1000, 1000])
    assert placed(free, SHARE_470, SHARE_530, WHOLE, TWO) == [0, 0, 0, 1]
    assert free.device.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("free", "arriving", "nodes"),
    [
        pytest.param(center([1000, 1000]), [TWO, WHOLE], [0, -1], id="no device is left"),
        pytest.param(center([1000, 400]), [TWO, WHOLE], [-1, 0], id="two are not free"),
        pytest.param(center([1000, 1000]), [WIDE, WHOLE], [-1, 0], id="no node has the cpus"),
        pytest.param(center([1000, 1000], cpu=1000), [NO_DEVICE, WHOLE], [0, -1], id="cpus are used up"),
        pytest.param(center([1000, 1000], memory=1), [WHOLE, WHOLE], [0, -1], id="memory is used up"),
        pytest.param(center([1000, 1000], memory=0), [NO_DEVICE], [-1], id="there is no memory"),
    ],
)
def test_who_finds_no_room_is_dropped_and_the_next_tries_for_itself(
    free: Free, arriving: list[int], nodes: list[int]
) -> None:
    assert placed(free, *arriving) == nodes


def test_all_that_is_placed_is_booked() -> None:
    free = center([1000, 1000], [1000, 1000])
    rows = placed(free, WHOLE, NO_DEVICE, SHARE_470, TWO, WHOLE, WHOLE)
    asked = CLASSES[[WHOLE, NO_DEVICE, SHARE_470, TWO, WHOLE, WHOLE]]
    took = [row >= 0 for row in rows]
    assert free.cpu.sum() == 2 * 9000 - asked[took, 0].sum()
    assert free.memory.sum() == 2 * 100 - asked[took, 1].sum()
    assert free.device.sum() == 4000 - (asked[took, 2] * asked[took, 3]).sum()
    assert free.kinds.sum() == (asked[took, 2] > 0).sum()


def test_of_equal_nodes_the_first_is_taken() -> None:
    assert placed(center([1000, 1000], [1000, 1000], [1000, 1000]), TWO, TWO, TWO, TWO) == [0, 1, 2, -1]
