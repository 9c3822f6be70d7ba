"""GPU packing and GPU clustering: every grade by hand, and their order."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core.criteria import KINDS, Request
from suanli.kernel.scheduling.scores.clustering import clustering
from suanli.kernel.scheduling.scores.packing import packing
from tests.unit.kernel.scheduling.scores.rooms import LARGEST, Card, asks, free

SHARE, WHOLE, TWO = asks(1, 1, 300), asks(1, 1), asks(1, 2)


@pytest.mark.parametrize(
    ("cards", "request_", "score"),
    [
        pytest.param([1000, 1000], asks(1), 0, id="no device: all nodes alike"),
        pytest.param([300, 1000], SHARE, -97, id="a shared device that it fills"),
        pytest.param([500, 1000], SHARE, -95, id="a shared device with more left"),
        pytest.param([900, 1000], SHARE, -91, id="a hardly shared one"),
        pytest.param([200, 1000], SHARE, -49, id="a free device of a node in use"),
        pytest.param([200, 1000], WHOLE, -49, id="a whole one of a node in use"),
        pytest.param([200, 1000, 1000], TWO, -48, id="two of a node in use"),
        pytest.param([1000, 1000], SHARE, -31, id="a free node of two"),
        pytest.param([1000], SHARE, -32, id="a free node of one"),
        pytest.param([1000, 1000, 1000, 1000], TWO, -29, id="a free node of four"),
        pytest.param([1000, 1000], TWO, -31, id="a free node, whatever is asked of it"),
    ],
)
def test_packing_by_hand(cards: list[Card], request_: Request, score: int) -> None:
    assert packing(free((9000, cards)), 0, request_, LARGEST) == (score, -1)


def test_packing_takes_shared_devices_then_free_ones_of_nodes_in_use_then_free_nodes() -> None:
    room = free((9000, [1000, 1000]), (9000, [200, 1000]), (9000, [500, 1000]), (9000, [300, 1000]))
    scores = [packing(room, row, SHARE, LARGEST)[0] for row in range(4)]
    assert sorted(range(4), key=lambda row: scores[row]) == [3, 2, 1, 0]
    assert scores == sorted(scores, reverse=True)


def test_packing_counts_models_that_will_not_do_as_devices_of_the_node() -> None:
    room = free((9000, [(1000, 1), (400, 0)]), (9000, [(1000, 1), (1000, 0)]))
    of_the_second = asks(1, 1, 300, 0b10)
    # The free device of the model lies on a node in use; the other node is free.
    assert packing(room, 0, of_the_second, LARGEST)[0] == -49
    assert packing(room, 1, of_the_second, LARGEST)[0] == -31


def kinds(*present: int) -> list[int]:
    return [int(kind in present) for kind in range(KINDS)]


@pytest.mark.parametrize(
    ("present", "cards", "request_", "score"),
    [
        pytest.param((0,), [1000] * 4, asks(1), 0, id="no device: all nodes alike"),
        pytest.param((0,), [1000] * 4, SHARE, -75, id="a node of this kind alone"),
        pytest.param((0, 2), [1000] * 4, SHARE, -50, id="a node of several kinds with it"),
        pytest.param((), [1000] * 4, SHARE, -25, id="an empty node"),
        pytest.param((2,), [1000] * 4, SHARE, 0, id="a node of others"),
        pytest.param((1, 2), [1000] * 4, SHARE, 0, id="a node of several others"),
        pytest.param((1,), [1000] * 4, WHOLE, -75, id="whole ones have a kind of their own"),
        pytest.param((1,), [1000] * 4, TWO, 0, id="and two another"),
        pytest.param((0,), [0, 1000, 1000, 1000], SHARE, -81, id="fuller first: a quarter"),
        pytest.param((0,), [0, 0, 0, 300], SHARE, -98, id="fuller first: nearly all"),
        pytest.param((2,), [0, 0, 0, 1000], SHARE, -18, id="fuller also among others"),
        pytest.param((), [1000], SHARE, -43, id="a small node is as one in use"),
    ],
)
def test_clustering_by_hand(present: tuple[int, ...], cards: list[Card], request_: Request, score: int) -> None:
    room = free((9000, cards))
    room.kinds[0] = kinds(*present)
    assert clustering(room, 0, request_, LARGEST) == (score, -1)


def test_how_many_of_a_kind_there_are_makes_no_difference() -> None:
    room = free((9000, [1000] * 4), (9000, [1000] * 4))
    room.kinds[0, 0], room.kinds[1, 0] = 1, 40
    assert clustering(room, 0, SHARE, LARGEST) == clustering(room, 1, SHARE, LARGEST)
