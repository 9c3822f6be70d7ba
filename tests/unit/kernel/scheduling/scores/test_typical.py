"""Typical requests: which are kept, how they lie in buckets, and what their weights say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import Request, Typical, weight_within
from suanli.kernel.scheduling.scores.typical import COVERED, cpu_a_device, parts, typical
from tests.unit.kernel.scheduling.scores.rooms import asks

near = pytest.approx


def of(*counted: tuple[Request, int], covered: float = 1.0) -> Typical:
    return typical([request for request, _ in counted], np.array([count for _, count in counted]), covered)


def told(known: Typical) -> list[tuple[int, int, int, list[int]]]:
    """By bucket: devices, share, models, and the cpus of its requests."""
    return [
        (
            int(known.number[bucket]),
            int(known.share[bucket]),
            int(known.models[bucket]),
            known.cpu[known.start[bucket] : known.start[bucket + 1]].tolist(),
        )
        for bucket in range(known.number.size)
    ]


SHARE, WHOLE = asks(1000, 1, 500), asks(2000, 1)


@pytest.mark.parametrize(
    ("counted", "buckets"),
    [
        pytest.param([(SHARE, 1)], [(1, 500, -1, [1000])], id="one"),
        pytest.param([(SHARE, 1), (asks(3000, 1, 500), 1)], [(1, 500, -1, [1000, 3000])], id="cpus rise in a bucket"),
        pytest.param([(asks(3000, 1, 500), 1), (SHARE, 1)], [(1, 500, -1, [1000, 3000])], id="in whatever order"),
        pytest.param([(SHARE, 1), (WHOLE, 1)], [(1, 500, -1, [1000]), (1, 1000, -1, [2000])], id="a bucket each"),
        pytest.param([(SHARE, 3), (SHARE, 4)], [(1, 500, -1, [1000])], id="the same told twice"),
        pytest.param([(asks(9000), 5)], [], id="without devices there is no bucket"),
        pytest.param([(asks(9000), 5), (WHOLE, 1)], [(1, 1000, -1, [2000])], id="beside one without devices"),
        pytest.param(
            [(asks(1, 1, 500, 1), 1), (asks(1, 1, 500, 2), 1)],
            [(1, 500, 1, [1]), (1, 500, 2, [1])],
            id="other models are another bucket",
        ),
        pytest.param(
            [(asks(1, 2), 1), (asks(1, 1), 1)], [(1, 1000, -1, [1]), (2, 1000, -1, [1])], id="as another number is"
        ),
        pytest.param(
            [(asks(1, 1, 500, memory=7), 1), (asks(1, 1, 500, memory=9), 2)],
            [(1, 500, -1, [1])],
            id="memory is left aside",
        ),
    ],
)
def test_buckets_of_equal_device_demand(
    counted: list[tuple[Request, int]], buckets: list[tuple[int, int, int, list[int]]]
) -> None:
    assert told(of(*counted)) == buckets


@pytest.mark.parametrize(
    ("covered", "kept"),
    [
        pytest.param(1.0, [1, 2, 3, 4], id="all"),
        pytest.param(0.9, [1, 2, 3], id="the most frequent that make up nine tenths"),
        pytest.param(0.89, [1, 2, 3], id="one more is needed than makes up less"),
        pytest.param(0.8, [1, 2], id="just four fifths"),
        pytest.param(0.5, [1], id="just half"),
        pytest.param(0.01, [1], id="at least one"),
    ],
)
def test_the_most_frequent_that_make_up_a_part(covered: float, kept: list[int]) -> None:
    counted = [(asks(cpu, 1), count) for cpu, count in ((1, 50), (2, 30), (3, 10), (4, 10))]
    found = of(*counted, covered=covered)
    # Of the two that are equally frequent the one with more cpus is taken first.
    expected = [4 if cpu == 3 and covered < 1 else cpu for cpu in kept]
    assert sorted(found.cpu.tolist()) == sorted(expected)


def test_by_itself_it_keeps_nineteen_of_twenty() -> None:
    assert COVERED == 0.95


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(asks(2, 1), asks(1, 1), id="more cpus"),
        pytest.param(asks(1, 1, 900), asks(1, 1, 500), id="more of a device"),
        pytest.param(asks(1, 2), asks(1, 1), id="more devices"),
        pytest.param(asks(1, 1, 500, 2), asks(1, 1, 500, 1), id="later models"),
    ],
)
def test_of_equally_frequent_ones_the_larger_is_taken(one: Request, other: Request) -> None:
    for pair in ((one, other), (other, one)):
        found = of(*((request, 5) for request in pair), covered=0.5)
        assert told(found) == [(one.number, one.share, one.models, [one.cpu])]


def test_weights_add_up_within_a_bucket() -> None:
    known = of((asks(1000, 1), 2), (asks(2000, 1), 1), (asks(5000, 1), 3), (SHARE, 4))
    assert known.start.tolist() == [0, 1, 4]
    assert known.weight.tolist() == near([0.4, 0.2, 0.3, 0.6])
    assert parts(known).tolist() == near([0.4, 0.2, 0.1, 0.3])


def test_requests_without_devices_count_in_the_weights() -> None:
    known = of((asks(9000), 3), (WHOLE, 1))
    assert known.weight.tolist() == near([0.25])
    assert parts(known).tolist() == near([0.25])


@pytest.mark.parametrize(
    ("cpu", "weight"),
    [(0, 0), (999, 0), (1000, 0.2), (1999, 0.2), (2000, 0.3), (4999, 0.3), (5000, 0.6), (10**9, 0.6)],
)
def test_what_part_asks_for_no_more_than_so_many_cpus(cpu: int, weight: float) -> None:
    known = of((asks(1000, 1), 2), (asks(2000, 1), 1), (asks(5000, 1), 3), (SHARE, 4))
    assert weight_within(known, 1, cpu) == near(weight)
    assert weight_within(known, 0, cpu) == near(0.4 if cpu >= 1000 else 0)


@pytest.mark.parametrize(
    ("counted", "cpus"),
    [
        pytest.param([(asks(4000, 1), 1)], 4000, id="a whole device"),
        pytest.param([(asks(4000, 2), 1)], 2000, id="two"),
        pytest.param([(asks(4000, 1, 500), 1)], 8000, id="half of one"),
        pytest.param([(asks(4000, 1), 1), (asks(1000, 1), 1)], 2500, id="the mean of two"),
        pytest.param([(asks(4000, 1), 3), (asks(0, 1), 1)], 3000, id="by how often"),
        pytest.param([(asks(4000, 1), 1), (asks(99_000), 9)], 4000, id="of those that ask for devices"),
        pytest.param([(asks(99_000), 9)], 0, id="nobody does"),
    ],
)
def test_cpus_that_go_with_a_device(counted: list[tuple[Request, int]], cpus: float) -> None:
    assert cpu_a_device(of(*counted)) == near(cpus)


REQUESTS = st.tuples(
    st.integers(0, 4),
    st.integers(0, 2),
    st.sampled_from([300, 1000]),
    st.sampled_from([-1, 1]),
).map(lambda row: asks(row[0], row[1], row[2], row[3] if row[1] else -1))


@given(st.lists(st.tuples(REQUESTS, st.integers(1, 9)), min_size=1, max_size=12), st.sampled_from([0.3, 0.9, 1.0]))
def test_any_distribution_is_the_plain_one(counted: list[tuple[Request, int]], covered: float) -> None:
    often: Counter[tuple[int, int, int, int]] = Counter()
    for request, count in counted:
        often[request.cpu, request.share, request.number, request.models] += count
    kept: list[tuple[int, int, int, int]] = []
    for kind in sorted(often, key=lambda kind: (often[kind], kind), reverse=True):
        if sum(often[one] for one in kept) >= covered * often.total() - 1e-9:
            break
        kept.append(kind)
    total = sum(often[kind] for kind in kept)
    known = of(*counted, covered=covered)
    plain: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
    for cpu, share, number, models in sorted(kept):
        if number:
            plain.setdefault((number, share, models), []).append((cpu, often[cpu, share, number, models] / total))
    assert {bucket[:3]: bucket[3] for bucket in told(known)} == {
        bucket: [cpu for cpu, _ in rows] for bucket, rows in plain.items()
    }
    for bucket in range(known.number.size):
        rows = plain[int(known.number[bucket]), int(known.share[bucket]), int(known.models[bucket])]
        for limit in range(6):
            asked = sum(weight for cpu, weight in rows if cpu <= limit)
            assert weight_within(known, bucket, limit) == near(asked, abs=1e-12)
