"""Residual value: fill by its recursion, prices, the loss of cpus, and the choice that keeps most."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import CPUS_LEFT, DEVICES_LEFT, Request, Worth, shortage, value
from suanli.kernel.scheduling.core.learn import ENDING
from suanli.kernel.scheduling.scores.residual_value import residual_value
from suanli.kernel.scheduling.scores.typical import typical
from suanli.kernel.scheduling.scores.worth import LEAN, PRICE, SPREAD, worth
from tests.unit.kernel.scheduling.scores.rooms import Card, asks, free

near = pytest.approx


def known(*requests: Request, devices: tuple[int, ...] = (9,)) -> Worth:
    counts = np.ones(len(requests), dtype=np.int64)
    return worth(typical(list(requests), counts, 1.0), np.array(devices, dtype=np.int64))


HALF, WHOLE = asks(1000, 1, 500), asks(1000, 1)


def plain_fill(shares: list[tuple[int, float]], left: int) -> float:
    """The recursion of the module's page: shares and the part of requests that ask for each."""

    @cache
    def fill(rest: int) -> float:
        able = [(share, part) for share, part in shares if share <= rest]
        chance = sum(part for _, part in able) + ENDING
        return sum(part * (share / 1000 + fill(rest - share)) for share, part in able) / chance

    return fill(left)


@pytest.mark.parametrize("left", [0, 1, 299, 300, 469, 470, 530, 600, 770, 999, 1000])
def test_fill_is_the_recursion(left: int) -> None:
    found = known(asks(1000, 1, 300), asks(1000, 1, 470), asks(1000, 1, 530), WHOLE)
    shares = [(300, 0.25), (470, 0.25), (530, 0.25), (1000, 0.25)]
    assert found.fill[0, left] == near(plain_fill(shares, left), rel=1e-9)


def test_fill_is_of_requests_whose_models_will_do() -> None:
    found = known(asks(1000, 1, 500, 0b01), asks(1000, 1, 300, 0b10), devices=(5, 5))
    assert found.fill[0, 499] == 0
    assert found.fill[0, 500] == near(0.5 * 0.5 / (0.5 + ENDING))
    assert found.fill[1, 300] == near(0.5 * 0.3 / (0.5 + ENDING))
    assert found.fill.shape == (2, 1001)


def test_a_device_that_nobody_asks_for_is_worth_nothing() -> None:
    found = known(asks(1000, 1, 500, 0b01), devices=(5, 5))
    assert not found.fill[1].any()


@pytest.mark.parametrize(
    ("requests", "devices", "price"),
    [
        pytest.param([WHOLE], (4,), [1], id="nobody insists"),
        pytest.param([asks(1, 1, 1000, 0b01)], (4,), [1], id="nobody can insist on the only model"),
        pytest.param([asks(1, 1, 1000, 0b01), WHOLE], (2, 2), [1 + PRICE, 1], id="half insist on half of all"),
        pytest.param([asks(1, 1, 1000, 0b01)], (2, 2), [1 + 2 * PRICE, 1], id="all insist on half of all"),
        pytest.param([asks(1, 1, 1000, 0b01), WHOLE], (1, 3), [1 + 2 * PRICE, 1], id="half on a quarter"),
        pytest.param([asks(1, 1, 1000, 0b11)], (1, 3), [1, 1], id="either of all will do"),
        pytest.param(
            [asks(1, 1, 1000, 0b011)], (1, 1, 2), [1 + 2 * PRICE, 1 + 2 * PRICE, 1], id="all on two of three, as many"
        ),
        pytest.param([asks(1, 1, 1000, 0b100)], (2, 2, 0), [1, 1, 1], id="on one that is not there"),
    ],
)
def test_a_model_is_dearer_the_more_insist_on_it(
    requests: list[Request], devices: tuple[int, ...], price: list[float]
) -> None:
    assert known(*requests, devices=devices).price.tolist() == near(price)


def test_cpus_that_a_filled_device_needs() -> None:
    found = known(asks(4000, 1), asks(8000, 1))
    assert [found.lean, found.spread] == near([LEAN * 6000, SPREAD * 6000])
    without = known(asks(0, 1))
    assert (without.lean, without.spread) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("margin", "excess"),
    [(0.0, 1 / math.sqrt(2 * math.pi)), (0.5, 0.19780), (1.0, 0.08332), (2.0, 0.00849), (-1.0, 1.08332), (-9.0, 9.0)],
)
def test_the_expected_excess_of_a_normal_variable(margin: float, excess: float) -> None:
    assert shortage(margin) == near(excess, abs=5e-5)


@given(st.floats(-6, 6))
def test_excess_and_shortfall_differ_by_the_margin(margin: float) -> None:
    assert shortage(margin) - shortage(-margin) == near(-margin, abs=1e-8)
    assert shortage(margin) >= max(0.0, -margin) - 1e-9


def worth_of(cpu: int, cards: list[Card], asked: Worth) -> float:
    room = free((cpu, cards))
    return float(value(cpu, room.device[0], room.model[0], asked))


@pytest.mark.parametrize(
    ("cards", "parts"),
    [
        pytest.param([], [], id="no devices"),
        pytest.param([0, 0], [], id="nothing free"),
        pytest.param([499], [], id="nothing that anybody asks for"),
        pytest.param([500], [500], id="a half"),
        pytest.param([1000, 500], [1000, 500], id="two devices"),
    ],
)
def test_with_plenty_of_cpus_a_node_is_worth_what_its_devices_will_be_filled_with(
    cards: list[Card], parts: list[int]
) -> None:
    asked = known(HALF)
    assert worth_of(10**9, cards, asked) == near(sum(asked.fill[0, part] for part in parts))


def test_cpus_that_are_short_leave_devices_idle() -> None:
    asked = known(asks(4000, 1))
    levels = [worth_of(cpu, [1000, 1000], asked) for cpu in (0, 1000, 2000, 4000, 8000, 100_000)]
    assert levels == sorted(levels)
    assert levels[0] < 0.5
    assert levels[-1] > 1.5


def test_a_dear_model_is_worth_more() -> None:
    asked = known(asks(1, 1, 1000, 0b01), WHOLE, devices=(2, 2))
    dear, other = (worth_of(10**9, [(1000, model)], asked) for model in range(2))
    assert dear / asked.fill[0, 1000] == near((1 + PRICE) * other / asked.fill[1, 1000])


@pytest.mark.parametrize(
    ("cards", "request_", "after", "position"),
    [
        pytest.param([1000], WHOLE, [0], -1, id="a whole device"),
        pytest.param([1000, 1000], asks(1000, 2), [0, 0], -1, id="two"),
        pytest.param([1000], asks(5000), [1000], -1, id="cpus alone"),
        pytest.param([500, 1000], HALF, [0, 1000], 0, id="the half that is left of one"),
        pytest.param([1000, 700], HALF, [1000, 200], 1, id="a whole device is kept whole"),
    ],
)
def test_the_score_is_the_loss_of_value_and_a_little_for_what_was_left(
    cards: list[Card], request_: Request, after: list[Card], position: int
) -> None:
    asked, cpu = known(HALF, WHOLE), 20_000
    score, chosen = residual_value(free((cpu, cards)), 0, request_, asked)
    lost = worth_of(cpu, cards, asked) - worth_of(cpu - request_.cpu, after, asked)
    left = DEVICES_LEFT * sum(cards) / 1000 + CPUS_LEFT * cpu / 1e6  # type: ignore[arg-type]
    assert score == near(lost + left)
    assert chosen == position


def test_asking_books_nothing() -> None:
    room = free((20_000, [1000, 700]))
    residual_value(room, 0, HALF, known(HALF, WHOLE))
    assert (room.device[0].tolist(), room.cpu.tolist()) == ([1000, 700, 0, 0], [20_000])


@settings(max_examples=80)
@given(
    st.lists(st.sampled_from([0, 300, 500, 530, 700, 1000]), min_size=1, max_size=4),
    st.sampled_from([300, 470, 500]),
    st.integers(1, 20),
)
def test_no_other_device_keeps_more(cards: list[Card], share: int, cpus: int) -> None:
    asked, cpu = known(asks(2000, 1, 470), HALF, asks(4000, 1, 530), WHOLE), 1000 * cpus
    request, room = asks(1000, 1, share), free((cpu, cards))
    chosen = residual_value(room, 0, request, asked)[1]
    able = [place for place, left in enumerate(room.device[0].tolist()) if left >= share]
    assert (chosen in able) is bool(able)

    def kept(place: int) -> float:
        after = [int(left) - share * (other == place) for other, left in enumerate(room.device[0].tolist())]
        return worth_of(cpu - 1000, list(after[: len(cards)]), asked)

    if able:
        assert kept(chosen) == near(max(map(kept, able)))
