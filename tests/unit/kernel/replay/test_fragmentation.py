"""Fragmentation of a whole center, against the compiled measure of one node, and in a replay that a hand can follow."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.replay.center import from_mapping
from suanli.kernel.replay.fragmentation import fragmented
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import summary
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request, usable
from suanli.kernel.scheduling.scores.typical import typical
from tests.unit.kernel.scheduling.steps import asked

SECOND = 1_000_000


def test_a_center_is_as_fragmented_as_its_nodes_together() -> None:
    chance = np.random.default_rng(7)
    tables = t.make_center(t.Sizes(nodes=40, devices=4, engines=1, shapes=1, kinds=1, jobs=1, holds=1, device_holds=1))
    tables.nodes[:, t.FREE_CPU] = chance.integers(0, 16_000, 40)
    tables.devices[:, :, t.TYPE] = chance.integers(-1, 3, (40, 4))
    there = tables.devices[:, :, t.TYPE] >= 0
    tables.devices[:, :, t.FREE] = np.where(there, chance.integers(0, 1001, (40, 4)), 0)
    requests = [
        Request(
            int(chance.integers(1, 16)) * 500, 0, number, 1000 if number > 1 else int(chance.integers(1, 1001)), kinds
        )
        for number in (0, 1, 1, 2, 4)
        for kinds in (0b111, 0b010, 0b101)
    ]
    known = typical(requests, chance.integers(1, 50, len(requests)))
    free = int(tables.devices[:, :, t.FREE].sum())
    devices = tables.devices.astype(np.int64)
    ask = asked(usable)
    one_by_one = sum(
        ask(int(tables.nodes[row, t.FREE_CPU]), devices[row, :, t.FREE], devices[row, :, t.TYPE], known)
        for row in range(40)
    )
    assert 0 < one_by_one < free
    assert fragmented(tables, known) == free - round(one_by_one)


def test_a_device_that_nobody_typical_can_use_is_lost_while_it_is_free() -> None:
    # Each of two nodes has two devices; a job of one device on each leaves two that pairs cannot use.
    node = {"cpus": 8, "memory": "1GiB", "devices": [{"model": "A", "count": 2}]}
    center = from_mapping({"nodes": [node | {"count": 2}]})
    jobs = 40
    trace = make_trace(
        {
            "number": np.arange(jobs),
            "submitted_us": np.arange(jobs) * SECOND,
            "runtime_us": np.full(jobs, 1000 * SECOND),
            "requested_us": np.full(jobs, 1000 * SECOND),
            "cpu_milli": np.where(np.arange(jobs) < 2, 5000, 1000),
            "device_count": np.where(np.arange(jobs) < 2, 1, 2),
        },
        models=("A",),
    )
    outcome = replay(trace, center, POLICIES["easy"])
    assert outcome.looked_at_us[0] == 0
    at = {
        instant // SECOND: share for instant, share in zip(outcome.looked_at_us, outcome.fragmented_share, strict=True)
    }
    # Typical are the pairs alone (38 of 40). At first one device is held, and its neighbour is of no use to them.
    assert (at[0], at[1], at[30]) == (1000, 2000, 2000)
    assert at[1000] <= 1000
    again = replay(trace, center, POLICIES["easy"])
    assert again.fragmented_share.tolist() == outcome.fragmented_share.tolist()
    assert 0 < summary(trace, outcome, center).fragmentation < 0.5


@pytest.mark.parametrize("devices", [[], [{"model": "A", "count": 2}]])
def test_nobody_looks_where_nobody_asks_for_devices(devices: list[dict[str, object]]) -> None:
    center = from_mapping({"nodes": [{"cpus": 8, "memory": "1GiB", "devices": devices}]})
    trace = make_trace({"number": [1], "submitted_us": [0], "runtime_us": [SECOND], "requested_us": [SECOND]})
    assert replay(trace, center, POLICIES["easy"]).looked_at_us.size == 0
