"""What is worth what, against sums over lists: prices of models, cpus that devices need; and clustering by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.learn import ENDING
from suanli.kernel.scheduling.scores.arrays import Free, fits, take
from suanli.kernel.scheduling.scores.clustering import clustering
from suanli.kernel.scheduling.scores.typical import typical
from suanli.kernel.scheduling.scores.worth import LEAN, PRICE, SPREAD, worth
from tests.unit.kernel.scheduling.scores.rooms import LARGEST, asks, free

near = pytest.approx
MODELS = (0, 1, 2)


@dataclass(frozen=True)
class Asked:
    """A request that so many tasks have."""

    cpu: int
    number: int
    share: int
    models: frozenset[int]
    tasks: int

    @property
    def devices(self) -> float:
        return self.number * self.share / 1000

    def request(self) -> Request:
        return asks(self.cpu, self.number, self.share, sum(1 << model for model in self.models))


ASKED = st.lists(
    st.builds(
        lambda cpu, number, share, models, tasks: Asked(cpu, number, share if number == 1 else 1000, models, tasks),
        st.sampled_from([500, 1000, 8000]),
        st.sampled_from([0, 1, 1, 2]),
        st.sampled_from([300, 500, 1000]),
        st.frozensets(st.sampled_from(MODELS), min_size=1),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=7,
)
DEVICES = st.lists(st.integers(0, 6), min_size=3, max_size=3)


def plain_prices(asked: Sequence[Asked], there: Sequence[int]) -> list[float]:
    """One, and a quarter of the pressure: what those ask for who insist, spread evenly over the devices that will do.

    Who would take any device that there is insists on nothing, and so does who can have none.
    """
    wanted = [0.0] * len(there)
    for one in asked:
        will_do = [model for model in sorted(one.models) if there[model]]
        others = [model for model in MODELS if there[model] and model not in one.models]
        for model in will_do if others else ():
            wanted[model] += one.tasks * one.devices * there[model] / sum(there[other] for other in will_do)
    total = sum(one.tasks * one.devices for one in asked)
    return [
        1 + PRICE * (of / total * sum(there) / max(devices, 1) if total else 0)
        for of, devices in zip(wanted, there, strict=True)
    ]


@settings(max_examples=40)
@given(ASKED, DEVICES)
def test_prices_and_cpus_of_any_requests_are_sums_over_lists(asked: list[Asked], there: list[int]) -> None:
    counts = np.array([one.tasks for one in asked], dtype=np.int64)
    found = worth(typical([one.request() for one in asked], counts, 1.0), np.array(there, dtype=np.int64))
    with_devices = [one for one in asked if one.number]
    assert found.price.tolist() == near(plain_prices(with_devices, there))
    devices = sum(one.tasks * one.devices for one in with_devices)
    mean = sum(one.tasks * one.cpu for one in with_devices) / devices if devices else 0
    assert [found.lean, found.spread] == near([max(1, LEAN * mean), max(1, SPREAD * mean)])


@settings(max_examples=15)
@given(ASKED)
def test_a_whole_device_is_filled_no_less_than_a_part_and_never_beyond_itself(asked: list[Asked]) -> None:
    counts = np.array([one.tasks for one in asked], dtype=np.int64)
    found = worth(typical([one.request() for one in asked], counts, 1.0), np.array([1, 1, 1], dtype=np.int64))
    left = np.arange(1001) / 1000
    assert (found.fill <= left + 1e-9).all()
    # What nobody's share fits into is worth nothing.
    for model in MODELS:
        shares = [one.share for one in asked if one.number and model in one.models]
        least = min(shares, default=1001)
        assert not found.fill[model, :least].any()
        assert not shares or found.fill[model, least] > 0


def test_of_two_kinds_of_shares_by_hand() -> None:
    """Three in four ask for 600, one in four for 400. Into 400 only the latter fit: 0.25 x 0.4 over 0.25 and the end.

    Into 1,000 either: after 600 come 400, after 400 come 600, of which again either.
    """
    requests, counts = [asks(1000, 1, 600), asks(1000, 1, 400)], np.array([3, 1], dtype=np.int64)
    fill = worth(typical(requests, counts, 1.0), np.array([1], dtype=np.int64)).fill[0]
    of_400 = 0.25 * 0.4 / (0.25 + ENDING)
    of_600 = (0.75 * 0.6 + 0.25 * (0.4 + 0)) / (1 + ENDING)
    assert (fill[399], fill[400], fill[599]) == (0, near(of_400), near(of_400))
    assert fill[600] == near(of_600)
    assert fill[1000] == near((0.75 * (0.6 + of_400) + 0.25 * (0.4 + of_600)) / (1 + ENDING))


def lowest(there: Free, request: Request) -> int:
    """The node that clustering takes, and the request booked on it."""
    able = [row for row in range(there.cpu.size) if fits(there, row, request)]
    row = min(able, key=lambda one: (clustering(there, one, request, LARGEST)[0], one))
    take(there, row, request, -1)
    return row


def test_a_center_that_is_clustered_by_hand() -> None:
    """Three nodes of four devices, the most that any has. A share (S), a whole device (W) and a pair (P) are kinds.

    Each grade is 25 for an empty node, 75 for one that holds this kind alone, 50 for this beside others, none for
    others alone; and up to 25 more by the part in use, cut to whole ones: 500 of 4,000 are an eighth, so 3.
    """
    there = free((90_000, [1000] * 4), (90_000, [1000] * 4), (90_000, [1000] * 4))
    share, whole, pair = asks(1000, 1, 500), asks(1000, 1), asks(1000, 2)
    assert [clustering(there, row, share, LARGEST)[0] for row in range(3)] == [-25, -25, -25]
    assert lowest(there, share) == 0
    assert [clustering(there, row, pair, LARGEST)[0] for row in range(3)] == [-3, -25, -25]
    assert [lowest(there, one) for one in (pair, share, whole)] == [1, 0, 2]
    # One kind each: the first half a quarter in use, the second half, the third a quarter.
    assert [clustering(there, row, share, LARGEST)[0] for row in range(3)] == [-81, -12, -6]
    assert [clustering(there, row, pair, LARGEST)[0] for row in range(3)] == [-6, -87, -6]
    assert [lowest(there, one) for one in (pair, whole, share)] == [1, 2, 0]
    # The second is full; the next pair has to lie beside another kind, on the fuller of the two.
    assert [clustering(there, row, pair, LARGEST)[0] for row in (0, 2)] == [-9, -12]
    assert lowest(there, pair) == 2
    # Now the third has two kinds, so that its own counts less.
    assert clustering(there, 2, pair, LARGEST)[0] == -75
