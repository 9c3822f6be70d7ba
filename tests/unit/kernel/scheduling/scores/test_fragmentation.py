"""Fragmentation and its growth: by hand on small nodes, the grade's cuts, and which device is shared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import Request, Typical, graded, usable
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.typical import typical
from tests.unit.kernel.scheduling.scores.rooms import Card, asks, free

near = pytest.approx


def known(*requests: Request) -> Typical:
    """All of them as frequent."""
    return typical(list(requests), np.ones(len(requests), dtype=np.int64), 1.0)


def can_use(cpu: int, cards: list[Card], *requests: Request) -> float:
    room = free((cpu, cards))
    return float(usable(cpu, room.device[0], room.model[0], known(*requests)))


HALF, WHOLE, TWO = asks(1000, 1, 500), asks(1000, 1), asks(1000, 2)


@pytest.mark.parametrize(
    ("cpu", "cards", "requests", "thousandths"),
    [
        pytest.param(9000, [1000], [WHOLE], 1000, id="a whole device for whole ones"),
        pytest.param(9000, [999], [WHOLE], 0, id="nearly a whole one is of no use to them"),
        pytest.param(9000, [700], [HALF], 700, id="all that is free of a device that holds the share"),
        pytest.param(9000, [400], [HALF], 0, id="none of one that does not"),
        pytest.param(9000, [1000, 400, 700], [HALF], 1700, id="of several those that hold it"),
        pytest.param(9000, [1000], [TWO], 0, id="one is of no use to who needs two"),
        pytest.param(9000, [1000, 1000], [TWO], 2000, id="two are"),
        pytest.param(999, [1000], [WHOLE], 0, id="too few cpus: of no use at all"),
        pytest.param(1000, [1000], [WHOLE], 1000, id="just enough cpus"),
        pytest.param(9000, [1000], [HALF, WHOLE], 1000, id="of use to both"),
        pytest.param(9000, [700], [HALF, WHOLE], 350, id="of use to one of two"),
        pytest.param(9000, [1000], [WHOLE, asks(1000)], 500, id="nobody without devices uses any"),
        pytest.param(9000, [(1000, 1)], [asks(1000, 1, 1000, 0b01)], 0, id="another model"),
        pytest.param(9000, [(1000, 1), (1000, 0)], [asks(1000, 1, 1000, 0b01)], 1000, id="one of the model"),
        pytest.param(9000, [], [WHOLE], 0, id="no devices"),
        pytest.param(5000, [1000], [WHOLE, asks(6000, 1)], 500, id="cpus enough for one of two"),
    ],
)
def test_what_typical_requests_can_use(
    cpu: int, cards: list[Card], requests: list[Request], thousandths: float
) -> None:
    assert can_use(cpu, cards, *requests) == near(thousandths)


@pytest.mark.parametrize(
    ("lost", "grade"),
    [
        pytest.param(0, -50, id="no growth"),
        pytest.param(1000, -26, id="a device more: 26.9 cut"),
        pytest.param(-1000, -73, id="a device less: 73.1 cut"),
        pytest.param(40, -49, id="a 25th of a device more"),
        pytest.param(-40, -50, id="a 25th less: 50.99"),
        pytest.param(-41, -51, id="a little less still"),
        pytest.param(16_000, 0, id="very much more"),
        pytest.param(-16_000, -99, id="very much less"),
    ],
)
def test_growth_is_graded_in_whole_hundredths(lost: float, grade: int) -> None:
    assert graded(float(lost)) == grade


@given(st.floats(-5000, 5000), st.floats(0, 3000))
def test_more_growth_is_never_graded_better(lost: float, more: float) -> None:
    assert -100 <= graded(lost) <= graded(lost + more) <= 0


def growth(before: float, after: float, taken: int) -> int:
    """The grade by the definition: what is free but not usable grew by so much."""
    return -math.floor(100 / (1 + math.exp((before - after - taken) / 1000)))


@pytest.mark.parametrize(
    ("cards", "request_", "requests", "after", "position"),
    [
        pytest.param([1000], WHOLE, [WHOLE], [0], -1, id="a whole device, wholly used"),
        pytest.param([1000, 1000], WHOLE, [TWO], [0, 1000], -1, id="one of two that are needed together"),
        pytest.param([1000, 500], HALF, [HALF, WHOLE], [1000, 0], 1, id="half of a half"),
        pytest.param([1000], HALF, [HALF, WHOLE], [500], 0, id="half of a whole one"),
        pytest.param([1000, 1000], TWO, [TWO, WHOLE], [0, 0], -1, id="both at once"),
        pytest.param([1000], asks(2000), [WHOLE], [1000], -1, id="cpus alone"),
        pytest.param([1000], asks(8500), [WHOLE], [1000], -1, id="cpus that its device would have needed"),
    ],
)
def test_the_growth_of_a_choice(
    cards: list[Card], request_: Request, requests: list[Request], after: list[Card], position: int
) -> None:
    told = fragmentation(free((9000, cards)), 0, request_, known(*requests))
    before, then = can_use(9000, cards, *requests), can_use(9000 - request_.cpu, after, *requests)
    assert told == (growth(before, then, request_.number * request_.share), position)


def test_of_devices_the_one_whose_sharing_grows_it_least_is_shared() -> None:
    requests = known(asks(1000, 1, 470), asks(1000, 1, 530), WHOLE)
    room = free((9000, [1000, 530, 470]))
    assert fragmentation(room, 0, asks(1000, 1, 470), requests)[1] == 2
    assert fragmentation(room, 0, asks(1000, 1, 530), requests)[1] == 1


def test_of_devices_alike_the_first_is_shared() -> None:
    assert fragmentation(free((9000, [1000, 1000, 1000])), 0, HALF, known(HALF, WHOLE))[1] == 0


def test_asking_books_nothing() -> None:
    room = free((9000, [1000, 530, 470]))
    for request in (HALF, WHOLE, asks(1000)):
        fragmentation(room, 0, request, known(HALF, WHOLE))
    assert room.device[0].tolist() == [1000, 530, 470, 0]
    assert room.cpu.tolist() == [9000]


def test_a_node_left_with_nothing_that_anybody_could_use_is_best() -> None:
    room = free((9000, [500]), (9000, [1000]))
    scores = [fragmentation(room, row, HALF, known(HALF, WHOLE))[0] for row in range(2)]
    assert scores[0] < scores[1]
