"""What scores are computed from: what fits, which devices are taken, and what is booked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import KINDS, Request, accepts, kind_of, tightest
from suanli.kernel.scheduling.scores.arrays import Free, differs, fits, take, without
from tests.unit.kernel.scheduling.scores.rooms import Card, asks, free, plain_cards, plain_fits, plain_without, serves


@pytest.mark.parametrize(
    ("models", "model", "will_do"),
    [
        pytest.param(-1, 0, True, id="any model"),
        pytest.param(-1, 62, True, id="any, also the last"),
        pytest.param(-1, -1, False, id="no device is no model"),
        pytest.param(0b10, 1, True, id="the one asked for"),
        pytest.param(0b10, 0, False, id="another"),
        pytest.param(0b11, 1, True, id="either of two"),
        pytest.param(0, 0, False, id="none will do"),
        pytest.param(1 << 62, 62, True, id="the last of 63"),
    ],
)
def test_whether_a_model_will_do(models: int, model: int, will_do: bool) -> None:
    assert accepts(asks(1, 1, 1000, models), model) is will_do


@pytest.mark.parametrize(
    ("cards", "request_", "has_room"),
    [
        pytest.param([], asks(1000), True, id="cpus alone"),
        pytest.param([], asks(4000), True, id="all of the cpus"),
        pytest.param([], asks(4001), False, id="more cpus than are free"),
        pytest.param([], asks(1000, memory=100), True, id="all of the memory"),
        pytest.param([], asks(1000, memory=101), False, id="more memory than is free"),
        pytest.param([], asks(1000, 1), False, id="a device where there is none"),
        pytest.param([1000], asks(1000, 1), True, id="a whole one"),
        pytest.param([999], asks(1000, 1), False, id="one that is not whole any more"),
        pytest.param([1000], asks(1000, 2), False, id="two of one"),
        pytest.param([1000, 1000], asks(1000, 2), True, id="two of two"),
        pytest.param([300, 299], asks(1000, 1, 300), True, id="a share that one has"),
        pytest.param([299, 299], asks(1000, 1, 300), False, id="a share that both have together"),
        pytest.param([(1000, 0), (1000, 1)], asks(1000, 1, 1000, 0b10), True, id="of a model that is there"),
        pytest.param([(1000, 0), (999, 1)], asks(1000, 1, 1000, 0b10), False, id="of a model that is taken"),
        pytest.param([(1000, 0), (1000, 1)], asks(1000, 2, 1000, 0b10), False, id="two of a model of which one is"),
        pytest.param([(1000, 0), (1000, 1)], asks(1000, 2, 1000, 0b11), True, id="two of two models"),
    ],
)
def test_whether_a_node_has_room(cards: list[Card], request_: Request, has_room: bool) -> None:
    assert fits(free((4000, cards), memory=100), 0, request_) is has_room


@pytest.mark.parametrize(
    ("cards", "share", "models", "taken", "position"),
    [
        pytest.param([1000, 500, 300], 300, -1, 0, 2, id="the one with least"),
        pytest.param([1000, 500, 300], 301, -1, 0, 1, id="that still holds the share"),
        pytest.param([1000, 500, 300], 501, -1, 0, 0, id="only a whole one does"),
        pytest.param([500, 500], 500, -1, 0, 0, id="the first of equals"),
        pytest.param([300, 200], 400, -1, 0, -1, id="none does"),
        pytest.param([], 1, -1, 0, -1, id="there is none"),
        pytest.param([(300, 1), (500, 0)], 300, 0b01, 0, 1, id="of a model that will do"),
        pytest.param([500, 500, 500], 500, -1, 0b001, 1, id="not one that is taken"),
        pytest.param([500, 500, 500], 500, -1, 0b111, -1, id="all are taken"),
        pytest.param([300, 500], 300, -1, 0b01, 1, id="the tightest is taken"),
    ],
)
def test_the_tightest_device(cards: list[Card], share: int, models: int, taken: int, position: int) -> None:
    room = free((1, cards))
    assert tightest(room.device[0], room.model[0], asks(1, 1, share, models), taken) == position


@pytest.mark.parametrize(
    ("cards", "differing"),
    [
        pytest.param([1000, 1000, 1000], [0], id="all alike"),
        pytest.param([1000, 500, 1000], [0, 1], id="two kinds"),
        pytest.param([200, 500, 500], [1], id="those that hold the share"),
        pytest.param([(500, 0), (500, 1), (500, 0)], [0, 1], id="alike but for the model"),
        pytest.param([(500, 2), (500, 0)], [1], id="models that will do"),
        pytest.param([100, 200], [], id="none holds it"),
    ],
)
def test_devices_that_are_worth_a_look(cards: list[Card], differing: list[int]) -> None:
    room, request = free((1, cards)), asks(1, 1, 300, 0b11)
    found = [place for place in range(4) if differs(room.device[0], room.model[0], request, place)]
    assert found == differing


@pytest.mark.parametrize(
    ("cards", "request_", "left"),
    [
        pytest.param([1000, 500], asks(1, 0), [1000, 500, 0, 0], id="no device"),
        pytest.param([1000, 500], asks(1, 1, 300), [1000, 200, 0, 0], id="a share of the tightest"),
        pytest.param([1000, 500], asks(1, 1), [0, 500, 0, 0], id="a whole one"),
        pytest.param([1000, 1000, 1000], asks(1, 2), [0, 0, 1000, 0], id="two whole ones, the first"),
        pytest.param([700, 400, 500], asks(1, 2, 400), [700, 0, 100, 0], id="shares of two"),
        pytest.param([(400, 1), (700, 0)], asks(1, 1, 400, 0b01), [400, 300, 0, 0], id="of a model that will do"),
    ],
)
def test_what_is_left_of_devices(cards: list[Card], request_: Request, left: list[int]) -> None:
    room = free((9000, cards))
    assert without(room, 0, request_).tolist() == left
    # Nothing is booked by asking.
    assert room.device[0].tolist() == [one[0] for one in plain_cards(free((9000, cards)), 0)]


@pytest.mark.parametrize(
    ("number", "share", "kind"),
    [
        pytest.param(1, 1, 0, id="a thousandth"),
        pytest.param(1, 999, 0, id="nearly all of one"),
        pytest.param(3, 500, 0, id="shares of several"),
        pytest.param(1, 1000, 1, id="one"),
        pytest.param(8, 1000, 8, id="eight"),
        pytest.param(16, 1000, 16, id="sixteen"),
        pytest.param(17, 1000, KINDS - 1, id="more"),
        pytest.param(1000, 1000, KINDS - 1, id="very many"),
    ],
)
def test_kinds_of_device_demand(number: int, share: int, kind: int) -> None:
    assert kind_of(asks(1, number, share)) == kind


@pytest.mark.parametrize(
    ("request_", "position", "devices", "kind"),
    [
        pytest.param(asks(1500, memory=7), -1, [1000, 600, 0, 0], None, id="no device"),
        pytest.param(asks(1500, 1, 300, memory=7), 0, [700, 600, 0, 0], 0, id="a share of a certain one"),
        pytest.param(asks(1500, 1, 300, memory=7), 1, [1000, 300, 0, 0], 0, id="a share of another"),
        pytest.param(asks(1500, 1, 300, memory=7), -1, [1000, 300, 0, 0], 0, id="a share of the tightest"),
        pytest.param(asks(1500, 1, memory=7), -1, [0, 600, 0, 0], 1, id="a whole one"),
    ],
)
def test_what_is_booked(request_: Request, position: int, devices: list[int], kind: int | None) -> None:
    room = free((4000, [1000, 600]), (4000, [1000]), memory=100)
    take(room, 0, request_, position)
    assert (room.cpu.tolist(), room.memory.tolist()) == ([2500, 4000], [93, 100])
    assert room.device.tolist() == [devices, [1000, 0, 0, 0]]
    counted = np.zeros((2, KINDS), dtype=np.int64)
    if kind is not None:
        counted[0, kind] = 1
    assert (room.kinds == counted).all()
    assert room.cpu_capacity.tolist() == [4000, 4000]


CARDS = st.lists(st.tuples(st.sampled_from([0, 100, 300, 500, 700, 1000]), st.integers(0, 1)), max_size=4)
REQUESTS = st.builds(
    asks,
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from([100, 300, 500, 1000]),
    st.sampled_from([-1, 1, 2, 3]),
    st.integers(0, 5),
)


@given(st.integers(0, 5), CARDS, REQUESTS, st.integers(0, 5))
def test_any_room_is_judged_as_a_plain_one(cpu: int, cards: list[Card], request: Request, memory: int) -> None:
    room = free((cpu, cards), memory=memory)
    has_room = fits(room, 0, request)
    assert has_room is plain_fits(room, 0, request)
    if has_room:
        assert without(room, 0, request).tolist() == plain_without(room, 0, request)
    able = [place for place, one in enumerate(plain_cards(room, 0)) if serves(request, one)]
    best = min(able, key=lambda place: (room.device[0, place], place), default=-1)
    assert tightest(room.device[0], room.model[0], request, 0) == best


@given(CARDS, REQUESTS)
def test_one_of_each_kind_of_device_is_looked_at(cards: list[Card], request: Request) -> None:
    room = free((9, cards))
    every = plain_cards(room, 0)
    found = [every[place] for place in range(4) if differs(room.device[0], room.model[0], request, place)]
    assert len(set(found)) == len(found)
    assert set(found) == {one for one in every if serves(request, one)}


def booked(room: Free) -> tuple[int, int, int]:
    return int(room.cpu.sum()), int(room.memory.sum()), int(room.device.sum())


@given(st.integers(0, 5), CARDS, REQUESTS)
def test_all_that_is_asked_for_is_booked_and_nothing_else(cpu: int, cards: list[Card], request: Request) -> None:
    room = free((cpu, cards))
    if fits(room, 0, request):
        before = booked(room)
        take(room, 0, request, -1)
        after = booked(room)
        held = (request.cpu, request.memory, request.number * request.share)
        assert tuple(one - other for one, other in zip(before, after, strict=True)) == held
        assert room.device.min() >= 0
