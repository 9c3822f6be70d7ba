"""Each criterion against its definition, written as plainly as it can be, and by hand where the words draw a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import (
    CPUS_LEFT,
    DEVICES_LEFT,
    KINDS,
    Request,
    Typical,
    Worth,
    accepts,
    clustered,
    free_of,
    graded,
    kind_of,
    left_over,
    packed,
    product,
    shortage,
    take_tightest,
    tightest,
    usable,
    value,
    weight_within,
)
from suanli.kernel.scheduling.core.tables import Ints

near = pytest.approx

ANY = -1
Device = tuple[int, int]
"""Free thousandths, and the type."""

FREE = st.sampled_from([0, 1, 249, 250, 500, 750, 999, 1000])
DEVICES = st.lists(st.tuples(FREE, st.integers(-1, 2)), max_size=5)
SHARES = st.sampled_from([1, 250, 333, 500, 1000])
BITS = st.sampled_from([ANY, 0b001, 0b010, 0b101, 0b111])
ASKED = st.builds(Request, st.just(0), st.just(0), st.integers(1, 6), SHARES, BITS)


def rows(devices: Sequence[Device]) -> tuple[Ints, Ints]:
    """What is free of each and its type, as the criteria are asked."""
    free = np.array([left for left, _ in devices], dtype=np.int64)
    return free, np.array([kind for _, kind in devices], dtype=np.int64)


def asks(number: int, share: int = 1000, models: int = ANY, cpu: int = 0) -> Request:
    return Request(cpu, 0, number, share, models)


@pytest.mark.parametrize(
    ("models", "model", "expected"),
    [
        (ANY, 0, True),
        (ANY, 62, True),
        (ANY, -1, False),
        (0b01, 0, True),
        (0b01, 1, False),
        (0b10, 1, True),
        (0b10, 0, False),
        (0b110, 2, True),
        (0b110, 3, False),
        (1 << 62, 62, True),
        (1 << 62, 61, False),
        (0, 0, False),
        (0b11, -1, False),
    ],
)
def test_a_request_takes_the_types_whose_bits_are_set(models: int, model: int, expected: bool) -> None:
    assert accepts(asks(1, models=models), model) is expected


@pytest.mark.parametrize(
    ("number", "share", "kind"),
    [
        (1, 1, 0),
        (1, 999, 0),
        (3, 500, 0),
        (0, 0, 0),
        (1, 1000, 1),
        (2, 1000, 2),
        (16, 1000, 16),
        (17, 1000, 17),
        (18, 1000, 17),
        (64, 1000, 17),
    ],
)
def test_kinds_of_demand_are_shares_and_so_many_whole_devices(number: int, share: int, kind: int) -> None:
    assert kind_of(asks(number, share)) == kind
    assert kind < KINDS


def suits(device: Device, asked: Request) -> bool:
    """Whether a device is there, of a type that will do, and has one share free."""
    left, kind = device
    return kind >= 0 and (asked.models < 0 or bool(asked.models & 1 << kind)) and left >= asked.share


@given(DEVICES, ASKED, st.sets(st.integers(0, 4)))
def test_the_tightest_is_the_least_free_of_those_that_suit(
    devices: list[Device], asked: Request, taken: set[int]
) -> None:
    good = [place for place, one in enumerate(devices) if place not in taken and suits(one, asked)]
    found = tightest(*rows(devices), asked, sum(1 << place for place in taken))
    assert found == min(good, key=lambda place: (devices[place][0], place), default=-1)


def plainly_taken(devices: list[Device], asked: Request) -> list[int]:
    """What is left once each share in turn comes from the device in use, else from the tightest not yet used."""
    left, used, current = [free for free, _ in devices], set[int](), -1
    for _ in range(asked.number):
        if current < 0 or left[current] < asked.share:
            good = [
                place
                for place, (_, kind) in enumerate(devices)
                if place not in used and suits((left[place], kind), asked)
            ]
            if not good:
                return left
            current = min(good, key=lambda place: (left[place], place))
            used.add(current)
        left[current] -= asked.share
    return left


@given(DEVICES, ASKED)
def test_shares_are_taken_one_by_one_from_the_tightest(devices: list[Device], asked: Request) -> None:
    free, kinds = rows(devices)
    take_tightest(free, kinds, asked)
    assert free.tolist() == plainly_taken(devices, asked)
    assert kinds.tolist() == [kind for _, kind in devices]


@pytest.mark.parametrize(
    ("devices", "asked", "left"),
    [
        pytest.param([(1000, 0)], asks(0, 0), [1000], id="nothing asked"),
        pytest.param([(1000, 0), (1000, 0)], asks(1), [0, 1000], id="the first of equal ones"),
        pytest.param([(1000, 0), (600, 0)], asks(1, 500), [1000, 100], id="the tightest"),
        pytest.param([(1000, 0), (600, 0)], asks(2, 500), [500, 100], id="then the next"),
        pytest.param([(1000, 0), (600, 0)], asks(2, 300), [1000, 0], id="two shares of one device"),
        pytest.param([(1000, 0), (600, 0)], asks(3, 300), [700, 0], id="and the third of the other"),
        pytest.param([(300, 0), (300, 1)], asks(1, 300, 0b10), [300, 0], id="of the type asked for"),
        pytest.param([(300, -1), (400, 0)], asks(1, 300), [300, 100], id="what is not there is not taken"),
        pytest.param([(299, 0), (1000, 0)], asks(1, 300), [299, 700], id="one thousandth too little"),
        pytest.param([(1000, 0)], asks(3), [0], id="as many as there are, where there are not enough"),
    ],
)
def test_tightest_devices_by_hand(devices: list[Device], asked: Request, left: list[int]) -> None:
    free, kinds = rows(devices)
    take_tightest(free, kinds, asked)
    assert free.tolist() == left


@given(DEVICES)
def test_what_is_free_is_the_sum(devices: list[Device]) -> None:
    assert free_of(rows(devices)[0]) == sum(left for left, _ in devices)


PARTS = st.integers(0, 64).map(lambda parts: parts / 64)
"""Numbers whose products are exact, so that nothing is rounded over a cut."""


@given(PARTS, PARTS, PARTS, PARTS)
def test_the_product_is_half_of_free_times_asked_cut_to_hundredths(
    cpu: float, asked_cpu: float, devices: float, asked_devices: float
) -> None:
    found = product((cpu, asked_cpu), (devices, asked_devices))
    assert found == -math.floor(100 * (1 - (cpu * asked_cpu + devices * asked_devices) / 2))
    assert -100 <= found <= 0


@given(PARTS, PARTS, PARTS)
def test_of_two_nodes_the_product_takes_the_fuller(free: float, less: float, asked: float) -> None:
    fuller, emptier = sorted((free, less))
    assert product((fuller, asked), (0, 0)) <= product((emptier, asked), (0, 0))
    assert product((0, 0), (fuller, asked)) == product((fuller, asked), (0, 0))


def plainly_packed(before: list[int], after: list[int], kinds: list[int]) -> int:
    """The grades of the simulator: an untouched node, whole devices opened, shares of devices in use."""
    there = sum(kind >= 0 for kind in kinds)
    untouched = before.count(1000)
    if untouched == there:
        return -max(33 - there, there)
    used = [left for left, then in zip(before, after, strict=True) if left != then]
    if opened := used.count(1000):
        return -max(50 - opened, 33)
    return -max(100 - sum(left // 10 for left in used) // 10, 50)


@given(
    st.lists(st.tuples(st.sampled_from([0, 100, 300, 500, 1000]), st.integers(0, 2)), min_size=1, max_size=8),
    st.integers(1, 4),
    st.sampled_from([100, 300, 500, 1000]),
)
def test_packing_is_graded_by_what_is_opened(devices: list[Device], number: int, share: int) -> None:
    free, kinds = rows(devices)
    then = free.copy()
    take_tightest(then, kinds, asks(number, share))
    assert packed(free, then, kinds) == plainly_packed(free.tolist(), then.tolist(), kinds.tolist())


@pytest.mark.parametrize(
    ("before", "after", "grade"),
    [
        pytest.param([1000], [0], -32, id="an untouched node of one device"),
        pytest.param([1000] * 4, [0, 1000, 1000, 1000], -29, id="of four: the smaller node first"),
        pytest.param([1000] * 16, [0] + [1000] * 15, -17, id="of sixteen"),
        pytest.param([1000] * 20, [0] + [1000] * 19, -20, id="beyond these the number itself"),
        pytest.param([1000, 300], [0, 300], -49, id="one device of a node in use is opened"),
        pytest.param([1000, 1000, 300], [0, 0, 300], -48, id="two are"),
        pytest.param([1000] * 17 + [0], [0] * 17 + [0], -33, id="never below the grade of an untouched node"),
        pytest.param([1000, 300], [1000, 0], -97, id="a shared device, nearly full"),
        pytest.param([1000, 990], [1000, 0], -91, id="a shared device, nearly free"),
        pytest.param([500, 500], [0, 0], -90, id="two shared ones, half free"),
        pytest.param([990, 990, 990, 990, 990, 0], [0, 0, 0, 0, 0, 0], -51, id="five, nearly free"),
        pytest.param([990] * 6 + [0], [0] * 7, -50, id="never below the grade of an opened device"),
    ],
)
def test_packing_by_hand(before: list[int], after: list[int], grade: int) -> None:
    kinds = np.zeros(len(before), dtype=np.int64)
    assert packed(np.array(before), np.array(after), kinds) == grade


def test_a_node_in_use_is_packed_before_an_untouched_one() -> None:
    grades = [
        packed(np.array(before), np.array(after), np.zeros(2, dtype=np.int64))
        for before, after in (([1000, 300], [1000, 0]), ([1000, 300], [0, 300]), ([1000, 1000], [0, 1000]))
    ]
    assert grades == sorted(grades)


@pytest.mark.parametrize(
    ("is_there", "present", "used", "grade"),
    [
        (True, 1, 0.0, -75),
        (True, 2, 0.0, -50),
        (True, 9, 0.0, -50),
        (False, 0, 0.0, -25),
        (False, 1, 0.0, 0),
        (False, 5, 0.0, 0),
        (True, 1, 1.0, -100),
        (True, 1, 0.5, -87),
        (True, 1, 0.03, -75),
        (True, 1, 0.04, -76),
        (False, 0, 0.99, -49),
        (False, 3, 1.0, -25),
    ],
)
def test_clustering_by_hand(is_there: bool, present: int, used: float, grade: int) -> None:
    assert clustered(is_there, present, used) == grade


@given(st.floats(0, 1), st.floats(0, 1))
def test_how_full_a_node_is_never_outweighs_whom_it_holds(one: float, other: float) -> None:
    alone, among = clustered(True, 1, one), clustered(True, 2, other)
    empty, others = clustered(False, 0, one), clustered(False, 1, other)
    assert alone <= -75
    assert -75 <= among <= -50
    assert -50 <= empty <= -25
    assert -25 <= others <= 0


Demand = tuple[int, int, int]
"""Devices, thousandths of each, and bits of types that will do."""
BUCKETS = st.dictionaries(
    st.tuples(st.integers(1, 3), SHARES, BITS),
    st.dictionaries(st.integers(0, 12), st.integers(1, 9), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)
"""Of each demand, how often so many milli-cpus are asked with it."""


def known(buckets: dict[Demand, dict[int, int]], without: int = 0) -> Typical:
    """What is known of these requests, and of so many more that ask for no devices."""
    total = without + sum(sum(counts.values()) for counts in buckets.values())
    start, cpu, weight = [0], list[int](), list[float]()
    for counts in buckets.values():
        for cpus in sorted(counts):
            cpu.append(cpus)
            weight.append(sum(count for other, count in counts.items() if other <= cpus) / total)
        start.append(len(cpu))
    number, share, models = (np.array([demand[column] for demand in buckets]) for column in range(3))
    return Typical(number, share, models, np.array(start), np.array(cpu), np.array(weight))


@given(BUCKETS, st.integers(-1, 13), st.integers(0, 5))
def test_requests_that_ask_no_more_cpus_are_counted(
    buckets: dict[Demand, dict[int, int]], cpu: int, without: int
) -> None:
    told = known(buckets, without)
    total = without + sum(sum(counts.values()) for counts in buckets.values())
    for bucket, counts in enumerate(buckets.values()):
        fewer = sum(count for asked, count in counts.items() if asked <= cpu)
        assert weight_within(told, bucket, cpu) == near(fewer / total)


@given(DEVICES, BUCKETS, st.integers(-1, 13))
def test_usable_is_what_each_request_can_use_by_how_frequent_it_is(
    devices: list[Device], buckets: dict[Demand, dict[int, int]], cpu: int
) -> None:
    total, expected = sum(sum(counts.values()) for counts in buckets.values()), 0.0
    for (number, share, models), counts in buckets.items():
        good = [left for left, kind in devices if suits((left, kind), asks(number, share, models))]
        for asked, count in counts.items():
            if asked <= cpu and len(good) >= number:
                expected += count / total * sum(good)
    assert usable(cpu, *rows(devices), known(buckets)) == near(expected)


@given(DEVICES, BUCKETS)
def test_devices_have_no_order_for_what_is_usable(devices: list[Device], buckets: dict[Demand, dict[int, int]]) -> None:
    other = devices[::-1]
    assert usable(5, *rows(devices), known(buckets)) == near(usable(5, *rows(other), known(buckets)))


@given(DEVICES, BUCKETS)
def test_no_more_is_usable_than_is_free_and_none_without_cpus(
    devices: list[Device], buckets: dict[Demand, dict[int, int]]
) -> None:
    told, free = known(buckets), sum(left for left, _ in devices)
    levels = [usable(cpu, *rows(devices), told) for cpu in range(-1, 14)]
    assert levels[0] == 0
    assert all(one <= other + 1e-9 for one, other in pairwise(levels))
    assert levels[-1] <= free + 1e-6


@given(st.floats(-20_000, 20_000))
def test_a_grade_is_the_sigmoid_of_devices_lost(lost: float) -> None:
    assert graded(lost) == -math.floor(100 / (1 + math.exp(lost / 1000)))


@given(DEVICES, st.integers(0, 10**7))
def test_using_a_node_with_much_left_costs_a_little(devices: list[Device], cpu: int) -> None:
    devices_free, cpus = sum(left for left, _ in devices) / 1000, cpu / 1000
    assert left_over(cpu, rows(devices)[0]) == near(DEVICES_LEFT * devices_free + CPUS_LEFT * cpus / 1000)


def plainly_short(margin: float) -> float:
    """The integral of what a standard normal variable is above the margin, summed in small steps."""
    step, total = 0.002, 0.0
    at = margin + step / 2
    while at < 9:
        total += (at - margin) * math.exp(-at * at / 2) / math.sqrt(2 * math.pi) * step
        at += step
    return total


@pytest.mark.parametrize("margin", [-3.0, -1.2, -0.3, 0.0, 0.4, 1.0, 2.5, 4.0, 5.9])
def test_the_shortage_is_the_integral(margin: float) -> None:
    assert shortage(margin) == near(plainly_short(margin), abs=1e-6)


def test_nothing_is_short_far_above_what_is_needed() -> None:
    assert shortage(6.0) > 0.0
    assert shortage(6.0 + 1e-9) == 0.0
    assert shortage(1e6) == 0.0


FILLS = st.lists(st.floats(0, 1), min_size=3, max_size=3)


def worth(fills: list[float], prices: list[float], lean: float, spread: float) -> Worth:
    """Of each type, what a device is filled with if wholly free; of one partly free in proportion."""
    fill = np.array([[whole * left / 1000 for left in range(1001)] for whole in fills])
    return Worth(fill, np.array(prices), lean, spread)


@given(DEVICES, FILLS, st.lists(st.floats(1, 3), min_size=3, max_size=3), st.integers(0, 20_000))
def test_value_is_what_will_be_filled_less_what_lacks_cpus(
    devices: list[Device], fills: list[float], prices: list[float], cpu: int
) -> None:
    told = worth(fills, prices, 4000.0, 1000.0)
    parts = [(fills[kind] * left / 1000, prices[kind]) for left, kind in devices if kind >= 0]
    filled, priced = sum(part for part, _ in parts), sum(part * price for part, price in parts)
    found = value(cpu, *rows(devices), told)
    if filled == 0:
        assert found == 0
        return
    need, deviation = 4000 * filled, 1000 * math.sqrt(filled)
    lacking = deviation * plainly_short((cpu - need) / deviation) if cpu > need - 8 * deviation else need - cpu
    assert found == near(priced * (1 - lacking / need), abs=1e-4 * max(priced, 1))


@pytest.mark.parametrize(
    ("devices", "cpu", "expected"),
    [
        pytest.param([], 10**9, 0.0, id="no devices"),
        pytest.param([(1000, -1)], 10**9, 0.0, id="none that is there"),
        pytest.param([(0, 0)], 10**9, 0.0, id="none that is free"),
        pytest.param([(1000, 0)], 10**9, 0.5, id="half of it will be filled"),
        pytest.param([(1000, 1)], 10**9, 1.0, id="half of one of twice the price"),
        pytest.param([(500, 0), (1000, 1)], 10**9, 1.25, id="a half and a dear one"),
    ],
)
def test_value_with_cpus_in_plenty(devices: list[Device], cpu: int, expected: float) -> None:
    assert value(cpu, *rows(devices), worth([0.5, 0.5, 0.5], [1.0, 2.0, 1.0], 4000.0, 1.0)) == near(expected)


def test_value_without_cpus_is_nothing_where_none_can_be_spared() -> None:
    told = worth([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 4000.0, 1e-6)
    assert value(0, *rows([(1000, 0)]), told) == near(0.0, abs=1e-9)
    assert value(2000, *rows([(1000, 0)]), told) == near(0.5)
    assert value(4000, *rows([(1000, 0)]), told) == near(1.0)
    assert value(2000, *rows([(1000, 0), (1000, 1)]), told) == near(0.5)
