"""What work could draw at most, against every way to place it that there is."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup, PowerRange
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.trace import make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.kernel.scheduling.plan import Reason, ReasonCode
from suanli.kernel.scheduling.power import drawn_by_task, power_of, power_reason, rounded
from tests.unit.kernel.scheduling.core.center import Node
from tests.unit.kernel.scheduling.core.small import small

SECOND = 1_000_000


def plainly(draws: list[int], suits: list[bool], cpu_milli: int, devices: int, share: int) -> int:
    """The most of all ways to lay so many parts of devices onto those that suit, each of which holds as many as it can.

    A way that leaves parts over counts as far as it goes: no task could run that way, but that is not asked here.
    """
    of_cpus = -(-cpu_milli * draws[0] // 1000)
    able = [place for place, suit in enumerate(suits) if suit]
    most = 0
    for count in range(devices + 1):
        for way in combinations_with_replacement(able, count):
            if all(way.count(place) <= 1000 // share for place in way):
                most = max(most, sum(-(-share * draws[1 + place] // 1000) for place in way))
    return of_cpus + most


DRAWS = st.integers(0, 3).map(lambda watts: 1001 * watts)
NODES = st.lists(st.tuples(DRAWS, st.booleans()), min_size=1, max_size=4)


@given(
    st.lists(NODES.map(lambda cards: cards[:3] + [(0, False)] * (3 - len(cards))), min_size=1, max_size=3),
    st.integers(0, 3),
    st.integers(0, 5000),
    st.integers(0, 3),
    st.sampled_from([1000, 700, 500, 333]),
)
def test_a_task_draws_at_most_what_the_hungriest_way_to_hold_it_does(
    nodes: list[list[tuple[int, bool]]], of_cpu: int, cpu_milli: int, devices: int, share: int
) -> None:
    draws = [[of_cpu, *(draw for draw, _ in cards)] for cards in nodes]
    suits = [[suit for _, suit in cards] for cards in nodes]
    found = drawn_by_task(np.array(draws), np.array(suits), (cpu_milli, devices, share))
    assert found.tolist() == [
        plainly(draw, suit, cpu_milli, devices, share) for draw, suit in zip(draws, suits, strict=True)
    ]


@pytest.mark.parametrize(
    ("cards", "devices", "share", "milliwatts"),
    [
        pytest.param([300], 1, 1000, 300, id="one whole device"),
        pytest.param([300, 500], 1, 1000, 500, id="the hungriest"),
        pytest.param([300, 500], 2, 1000, 800, id="both"),
        pytest.param([300, 500], 1, 500, 250, id="half of the hungriest"),
        pytest.param([300], 2, 500, 300, id="two halves of one"),
        pytest.param([300, 100], 2, 500, 300, id="two halves of the hungriest"),
        pytest.param([300, 100], 3, 500, 350, id="and one of the other"),
        pytest.param([301], 2, 500, 302, id="each rounded up"),
        pytest.param([300, 100], 2, 700, 280, id="one part of each, for a device holds no two of them"),
        pytest.param([], 0, 1000, 0, id="no device"),
    ],
)
def test_parts_of_devices_by_hand(cards: list[int], devices: int, share: int, milliwatts: int) -> None:
    draws, suits = np.array([[0, *cards]]), np.ones((1, len(cards)), dtype=np.bool_)
    assert drawn_by_task(draws, suits, (0, devices, share)).tolist() == [milliwatts]


@pytest.mark.parametrize(("thousandths", "whole"), [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (5000, 5)])
def test_parts_of_a_milliwatt_are_whole_ones(thousandths: int, whole: int) -> None:
    assert rounded(np.array([thousandths])).tolist() == [whole]


def test_a_replay_keeps_to_its_cap_though_both_parts_of_a_task_are_of_one_device() -> None:
    """A node with a device of 300 W under a cap of 250 W: two halves at once are all of it, and never start."""
    group = NodeGroup(
        prefix="n",
        count=1,
        cpu_milli=4000,
        memory_bytes=2**30,
        devices=(DeviceGroup(model="A", count=1, power=PowerRange(max_w=300.0)),),
    )
    trace = make_trace(
        {
            "number": range(3),
            "submitted_us": [0, SECOND, 2 * SECOND],
            "runtime_us": [5 * SECOND] * 3,
            "requested_us": [5 * SECOND] * 3,
            "device_count": [1, 2, 1],
            "device_share": [500, 500, 500],
        }
    )
    found = replay(trace, CenterDescription(groups=(group,), power_cap_w=250.0), Policy())
    # The third waits for the power of the first: two halves of two jobs are all of the device too.
    assert found.started_us.tolist() == [0, NEVER, 5 * SECOND]
    assert found.draw_mw.max() == 150_000


@pytest.mark.parametrize(
    ("most", "cap", "in_use", "available"),
    [(5, 10, 3, 7), (5, 10, 10, 0), (5, 10, 12, 0), (0, 10, 0, 10)],
)
def test_why_work_waits_for_power_is_told_with_what_is_left(most: int, cap: int, in_use: int, available: int) -> None:
    center = small([Node(1)])
    power = power_of(center)
    assert power.tolist() == [NEVER, 0]
    power[:] = (cap, in_use)
    assert power_reason(most, power) == Reason(
        code=ReasonCode.POWER, needed=most, available=available, in_use=in_use, cap=cap
    )
    # What was told is of its moment.
    assert power_of(center).tolist() == [NEVER, 0]
