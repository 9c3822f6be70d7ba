"""First, best and worst fit, and dot product: scores by hand, and against their formulas on any node."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.scores.arrays import differs, fits
from suanli.kernel.scheduling.scores.best_fit import best_fit
from suanli.kernel.scheduling.scores.dot_product import dot_product
from suanli.kernel.scheduling.scores.first_fit import first_fit
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.kernel.scheduling.scores.worst_fit import worst_fit
from tests.unit.kernel.scheduling.scores.rooms import LARGEST, Card, asks, free

FULL: list[Card] = [1000, 1000, 1000, 1000]


@pytest.mark.parametrize(
    ("cpu", "cards", "request_", "score"),
    [
        pytest.param(100_000, FULL, asks(0), 0, id="nothing taken of the largest node"),
        pytest.param(100_000, FULL, asks(100_000, 4), -100, id="all of it taken"),
        pytest.param(100_000, FULL, asks(50_000), -25, id="half of the cpus"),
        pytest.param(100_000, FULL, asks(0, 2), -25, id="half of the devices"),
        pytest.param(50_000, [1000], asks(10_000, 1, 600), -75, id="0.4 of the cpus and 0.1 of the devices are left"),
        pytest.param(50_000, [], asks(50_000), -100, id="a small node, all of it"),
        pytest.param(50_000, [], asks(1), -75, id="a milli-cpu is cut off"),
        pytest.param(99_000, FULL, asks(0), 0, id="half a hundredth is cut off"),
        pytest.param(98_000, FULL, asks(0), -1, id="a hundredth is not"),
    ],
)
def test_best_fit_is_what_is_left_in_whole_hundredths(
    cpu: int, cards: list[Card], request_: Request, score: int
) -> None:
    assert best_fit(free((cpu, cards)), 0, request_, LARGEST) == (score, -1)
    assert worst_fit(free((cpu, cards)), 0, request_, LARGEST)[0] == -score


@pytest.mark.parametrize(
    ("cards", "request_", "position"),
    [
        pytest.param([300, 1000, 500], asks(1, 1, 300), 1, id="the one with most"),
        pytest.param([500, 500], asks(1, 1, 300), 0, id="the first of equals"),
        pytest.param([(1000, 1), (500, 0)], asks(1, 1, 300, 0b01), 1, id="of a model that will do"),
        pytest.param([1000, 1000], asks(1, 1), 0, id="a whole one"),
        pytest.param([1000, 1000], asks(1, 2), -1, id="of several the tightest are taken"),
        pytest.param([1000], asks(1), -1, id="no device"),
    ],
)
def test_worst_fit_shares_the_device_with_most_left(cards: list[Card], request_: Request, position: int) -> None:
    assert worst_fit(free((9000, cards)), 0, request_, LARGEST)[1] == position


@pytest.mark.parametrize(
    ("cpu", "cards", "request_", "score"),
    [
        pytest.param(100_000, FULL, asks(0), -100, id="nothing asked"),
        pytest.param(100_000, FULL, asks(100_000, 4), 0, id="all of all"),
        pytest.param(100_000, FULL, asks(100_000), -50, id="all cpus of all"),
        pytest.param(50_000, [1000], asks(20_000), -95, id="a fifth of what is half free"),
        pytest.param(0, [1000, 1000], asks(0, 1), -93, id="a quarter of what is half free, cut"),
        pytest.param(0, [500], asks(0, 1, 500), -99, id="an eighth of an eighth, cut"),
    ],
)
def test_dot_product_is_what_is_free_times_what_is_asked(
    cpu: int, cards: list[Card], request_: Request, score: int
) -> None:
    assert dot_product(free((cpu, cards)), 0, request_, LARGEST) == (score, -1)


def test_first_fit_tells_no_node_from_another() -> None:
    room = free((1, []), (99_000, FULL))
    assert {first_fit(room, row, asks(1, row), LARGEST) for row in range(2)} == {(0.0, -1)}


def test_scores_are_in_parts_of_the_largest_node() -> None:
    room, request = free((4000, [1000])), asks(1000)
    assert best_fit(room, 0, request, Largest(4000.0, 1000.0))[0] == -12
    assert best_fit(room, 0, request, Largest(8000.0, 1000.0))[0] == -31
    assert best_fit(room, 0, request, Largest(4000.0, 4000.0))[0] == -50


CPUS = st.integers(0, 100).map(lambda cpus: 1000 * cpus)
CARDS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1)), max_size=4)
REQUESTS = st.builds(
    lambda cpu, number, share, models: asks(cpu, number, share if number == 1 else 1000, models),
    CPUS,
    st.integers(0, 3),
    st.sampled_from([100, 500, 1000]),
    st.sampled_from([-1, 1, 2]),
)


@given(CPUS, CARDS, REQUESTS)
def test_any_node_has_the_score_of_the_formula(cpu: int, cards: list[Card], request: Request) -> None:
    room = free((cpu, cards))
    if not fits(room, 0, request):
        return
    held = sum(left for left, _ in cards)  # type: ignore[misc]
    left = (cpu - request.cpu) / 100_000 + (held - request.number * request.share) / 4000
    product = cpu / 100_000 * request.cpu / 100_000 + held / 4000 * request.number * request.share / 4000
    # Cut to whole hundredths, up to what rounding may move over a cut.
    for score, exact in (
        (-best_fit(room, 0, request, LARGEST)[0], 100 * (1 - left / 2)),
        (-dot_product(room, 0, request, LARGEST)[0], 100 * (1 - product / 2)),
    ):
        assert score == int(score)
        assert score - 1e-6 <= exact < score + 1 + 1e-6
    assert worst_fit(room, 0, request, LARGEST)[0] == -best_fit(room, 0, request, LARGEST)[0]


@given(CARDS, st.sampled_from([100, 500, 1000]), st.sampled_from([-1, 1, 2]))
def test_worst_fit_never_takes_a_device_that_will_not_do(cards: list[Card], share: int, models: int) -> None:
    room, request = free((9000, cards)), asks(1, 1, share, models)
    position = worst_fit(room, 0, request, LARGEST)[1]
    able = [place for place in range(4) if differs(room.device[0], room.model[0], request, place)]
    assert (position in able) is bool(able)
    assert all(room.device[0, position] >= room.device[0, place] for place in able)
