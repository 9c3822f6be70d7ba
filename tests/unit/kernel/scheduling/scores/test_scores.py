"""Scores by hand on small nodes, and the fast ones against slow and obvious ones."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import KINDS, Request, graded, kind_of, shortage, tightest, usable, value
from suanli.kernel.scheduling.core.learn import ENDING
from suanli.kernel.scheduling.scores.arrays import Free, fits, take, without
from suanli.kernel.scheduling.scores.best_fit import best_fit
from suanli.kernel.scheduling.scores.clustering import clustering
from suanli.kernel.scheduling.scores.dot_product import dot_product
from suanli.kernel.scheduling.scores.first_fit import first_fit
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.kernel.scheduling.scores.packing import packing
from suanli.kernel.scheduling.scores.residual_value import residual_value
from suanli.kernel.scheduling.scores.typical import cpu_a_device, parts, typical
from suanli.kernel.scheduling.scores.worst_fit import worst_fit
from suanli.kernel.scheduling.scores.worth import worth

LARGEST = Largest(100_000.0, 4000.0)
Node = tuple[int, list[int], int]


def free(*nodes: Node) -> Free:
    """Nodes of milli-cpus, free thousandths of up to four devices, and their model."""
    cpu = np.array([node[0] for node in nodes])
    device = np.array([node[1] + [0] * (4 - len(node[1])) for node in nodes])
    model = np.array([[node[2]] * len(node[1]) + [-1] * (4 - len(node[1])) for node in nodes])
    return Free(cpu, cpu * 4, device, model, cpu, np.zeros((len(nodes), KINDS), np.int64))


def asks(cpu: int, number: int = 0, share: int = 0, models: int = -1) -> Request:
    return Request(cpu, 0, number, share, models)


def test_a_request_fits_by_cpus_devices_and_model() -> None:
    room = free((4000, [1000, 300], 1))
    assert fits(room, 0, asks(4000, 1, 1000))
    assert not fits(room, 0, asks(4001, 1, 1000))
    assert not fits(room, 0, asks(1, 2, 1000))
    assert fits(room, 0, asks(1, 2, 300, 1 << 1))
    assert not fits(room, 0, asks(1, 1, 300, 1 << 2))
    assert not fits(room, 0, Request(1, 16_001, 0, 0, -1))


def test_the_tightest_devices_are_taken_and_booked() -> None:
    room = free((4000, [1000, 500, 300, 500], 0))
    assert tightest(room.device[0], room.model[0], asks(1, 1, 400), 0) == 1
    assert tightest(free((1, [300], 0)).device[0], room.model[0], asks(1, 1, 400), 0) == -1
    assert without(room, 0, asks(1, 2, 400)).tolist() == [1000, 100, 300, 100]
    take(room, 0, asks(1000, 1, 400), 3)
    take(room, 0, asks(1000, 1, 1000), -1)
    take(room, 0, asks(500), -1)
    assert (room.cpu[0], room.device[0].tolist()) == (1500, [0, 500, 300, 100])
    assert room.kinds[0, :3].tolist() == [1, 1, 0]
    assert [kind_of(asks(1, 1, 999)), kind_of(asks(1, 99, 1000))] == [0, KINDS - 1]


def test_typical_requests_are_the_most_frequent_that_make_up_a_part() -> None:
    known = typical([asks(1, 1, 500), asks(2, 1, 500), asks(9), asks(3, 2, 1000)], np.array([50, 20, 20, 5]), 0.9)
    assert (known.number.tolist(), known.share.tolist(), known.start.tolist()) == ([1], [500], [0, 2])
    assert known.weight == pytest.approx([5 / 9, 7 / 9])
    assert parts(known) == pytest.approx([5 / 9, 2 / 9])
    assert cpu_a_device(known) == pytest.approx((5 * 1 + 2 * 2) / (7 * 0.5))


def test_fragmentation_prefers_the_exact_fill() -> None:
    known = typical([asks(1000, 1, 470), asks(1000, 1, 1000)], np.array([1, 1]), 1.0)
    room = free((9000, [470], 0), (9000, [1000], 0))
    # 470 on 470: usable 470/2 falls to 0 with the 470 that is taken; on a whole device 1000 falls to 530/2.
    assert fragmentation(room, 0, asks(1000, 1, 470), known) == (graded(235 - 470), 0)
    assert fragmentation(room, 1, asks(1000, 1, 470), known) == (graded(1000 - 470 - 265), 0)
    assert graded(0.0) == -50


def test_packing_shares_then_uses_then_opens() -> None:
    room = free((9000, [1000, 400], 0), (9000, [1000, 1000], 0), (9000, [1000, 200], 0))
    share = asks(1, 1, 300)
    assert [packing(room, row, share, LARGEST)[0] for row in range(3)] == [-96.0, -31.0, -49.0]
    assert packing(room, 0, asks(1, 1, 1000), LARGEST)[0] == -49.0
    assert packing(room, 0, asks(1), LARGEST) == (0.0, -1)


def test_clustering_keeps_kinds_together() -> None:
    room = free(*[(9000, [1000] * 4, 0)] * 4)
    room.kinds[0, 0], room.kinds[1, :2], room.kinds[3, 1] = 2, 1, 1
    scores = [clustering(room, row, asks(1, 1, 300), LARGEST)[0] for row in range(4)]
    assert scores == [-75.0, -50.0, -25.0, 0.0]
    room.device[0, 0] = 0
    assert clustering(room, 0, asks(1, 1, 300), LARGEST)[0] == -81.0


def test_fits_and_dot_product_by_hand() -> None:
    room = free((50_000, [1000, 600], 0), (100_000, [1000] * 4, 0))
    request = asks(10_000, 1, 600)
    assert best_fit(room, 0, request, LARGEST) == (-67.0, -1)  # 0.4 of the cpus and 0.25 of the devices are left
    assert worst_fit(room, 0, request, LARGEST) == (67.0, 0)
    assert best_fit(room, 1, request, LARGEST)[0] == -12.0
    assert dot_product(room, 0, request, LARGEST)[0] == -94.0  # 1 - (0.5 * 0.1 + 0.4 * 0.15) / 2
    assert dot_product(room, 1, request, LARGEST)[0] == -87.0
    assert first_fit(room, 0, request, LARGEST) == first_fit(room, 1, request, LARGEST) == (0.0, -1)


def test_fill_is_what_comes_before_chances_end() -> None:
    known = worth(typical([asks(1000, 1, 400)], np.array([1])), np.array([4]))
    once = 0.4 / (1 + ENDING)
    assert known.fill[0, 399] == 0
    assert known.fill[0, 400] == pytest.approx(once)
    assert known.fill[0, 800] == pytest.approx((0.4 + once) / (1 + ENDING))
    assert known.fill[0, 1000] == known.fill[0, 800]


def test_a_model_that_requests_insist_on_is_dearer() -> None:
    known = worth(typical([asks(1, 1, 1000), asks(1, 1, 1000, 1 << 1)], np.array([3, 1])), np.array([3, 1]))
    assert known.price.tolist() == [1.0, 1.25]
    assert worth(typical([asks(1, 1, 1000, 3)], np.array([1])), np.array([3, 1])).price.tolist() == [1.0, 1.0]


def test_shortage_is_the_normal_loss() -> None:
    assert shortage(0.0) == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert shortage(1.0) == pytest.approx(0.08331547)
    assert shortage(-3.0) - shortage(3.0) == pytest.approx(3.0)
    assert shortage(7.0) == 0.0


def test_residual_value_prefers_the_exact_fill_and_spares_scarce_cpus() -> None:
    often = [asks(4000, 1, 470), asks(4000, 1, 500), asks(4000, 1, 1000)]
    known = worth(typical(often, np.array([1, 1, 1]), 1.0), np.array([9]))
    room = free((40_000, [530, 470, 1000], 0), (4000, [0, 1000], 0), (40_000, [0, 0], 0))
    assert residual_value(room, 0, asks(4000, 1, 470), known)[1] == 1
    # Cpus alone are best taken where no device waits for them, worst where one has just enough.
    scores = [residual_value(room, row, asks(3000), known)[0] for row in range(3)]
    assert scores[2] < scores[0] < scores[1]


shares = st.sampled_from([100, 190, 300, 470, 530, 810, 1000])
requests = st.builds(
    lambda cpu, number, share, models: asks(cpu, number, share if number == 1 else 1000 * bool(number), models),
    st.integers(1, 9).map(lambda cpus: 1000 * cpus),
    st.integers(0, 3),
    shares,
    st.sampled_from([-1, 1, 2, 3]),
)
nodes = st.builds(
    lambda cpu, device, model: free((cpu, device, model)),
    st.integers(0, 12_000),
    st.lists(st.one_of(st.just(0), shares, st.integers(0, 1000)), min_size=1, max_size=4),
    st.integers(0, 1),
)


def slow_usable(room: Free, weights: dict[Request, float]) -> float:
    """The definition, request by request."""
    expected = 0.0
    for request, weight in weights.items():
        if request.number and fits(room, 0, request):
            expected += weight * sum(left for left in room.device[0].tolist() if left >= request.share)
    return expected


@settings(max_examples=200, deadline=None)
@given(nodes, st.lists(requests, min_size=1, max_size=12, unique=True), requests)
def test_fragmentation_is_its_definition(room: Free, known: list[Request], request: Request) -> None:
    given_ = typical(known, np.ones(len(known), np.int64), 1.0)
    weights = dict.fromkeys(known, 1 / len(known))
    before = slow_usable(room, weights)
    assert usable(int(room.cpu[0]), room.device[0], room.model[0], given_) == pytest.approx(before)
    if not fits(room, 0, request):
        return
    score, chosen = fragmentation(room, 0, request, given_)
    lost = []
    alone = request.number == 1 and request.share < 1000
    for position in range(4) if alone else (-1,):
        if position >= 0 and (room.device[0, position] < request.share or room.model[0, position] < 0):
            continue
        after = Free(*(values.copy() for values in room))
        take(after, 0, request, position)
        lost.append((before - slow_usable(after, weights) - request.number * request.share, position))
    # The grade is cut to whole hundredths: equal up to what rounding of the sums may move over a cut.
    exact = min(100 / (1 + math.exp(grown / 1000)) * -1 for grown, _ in lost)
    assert exact - 1e-6 <= score < exact + 1 + 1e-6
    assert chosen in {position for _, position in lost}


@settings(max_examples=200, deadline=None)
@given(nodes, st.lists(requests, min_size=1, max_size=12, unique=True))
def test_value_never_falls_with_more_cpus(room: Free, known: list[Request]) -> None:
    given_ = worth(typical(known, np.ones(len(known), np.int64), 1.0), np.array([5, 2]))
    levels = [value(cpu, room.device[0], room.model[0], given_) for cpu in range(0, 20_001, 1000)]
    assert all(low <= high + 1e-9 for low, high in pairwise(levels))
    filled = [given_.fill[m, f] * given_.price[m] for f, m in zip(room.device[0], room.model[0], strict=True) if m >= 0]
    assert levels[-1] <= sum(filled) + 1e-9
