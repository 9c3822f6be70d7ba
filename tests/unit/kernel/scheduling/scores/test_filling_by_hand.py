"""Five requests placed one after the other on three nodes by each score, with every score worked out on paper.

The nodes, in parts of the largest (100 cpus, 4 devices): 1.0 and no device; 0.8 and 1.0; 0.4 and 0.5. The requests:

1. 20 cpus; 2. and 3. 10 cpus and half a device each; 4. 10 cpus and two devices; 5. 30 cpus.

First fit takes the first node for what needs no device, and the second for all else. Packing does not tell nodes apart
for what needs no device; of two nodes that are free it takes the one with fewer devices (-31 against -29), and then the
half device that is left there (-95), until that node lacks devices.

Best fit, by half of each part that is left: 0.4 cpus, 0.8 and 0.35 for the first, so the third node; then 0.24 there
against 0.79; 0.125; then the third has no cpus left; the fifth leaves 0.35 on the first node and 0.45 on the second.
Worst fit takes the other end each time: 0.8; 0.69 against 0.34; 0.575; 0.275 against 0.15; and for the fifth 0.35
against 0.125 and 0.3.

Dot product, the least of what is free times what is asked: 0.08 on the third node; 0.0825 against 0.205; 0.057; the
second, which alone has room; and for the fifth 0.3 on the first node against 0.21 on the second.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.scores.arrays import Free, fits, take
from suanli.kernel.scheduling.scores.best_fit import best_fit
from suanli.kernel.scheduling.scores.dot_product import dot_product
from suanli.kernel.scheduling.scores.first_fit import first_fit
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.kernel.scheduling.scores.packing import packing
from suanli.kernel.scheduling.scores.worst_fit import worst_fit
from tests.unit.kernel.scheduling.scores.rooms import LARGEST, asks, free, plain_fits

Score = Callable[[Free, int, Request, Largest], tuple[float, int]]
REQUESTS = [asks(20_000), asks(10_000, 1, 500), asks(10_000, 1, 500), asks(10_000, 2), asks(30_000)]


def room() -> Free:
    return free((100_000, []), (80_000, [1000] * 4), (40_000, [1000] * 2))


def placed(there: Free, score: Score, requests: list[Request]) -> list[int]:
    """The node of each, the first of those with the least score; -1 where none has room."""
    found = []
    for request in requests:
        able = [row for row in range(there.cpu.size) if fits(there, row, request)]
        assert able == [row for row in range(there.cpu.size) if plain_fits(there, row, request)]
        if not able:
            found.append(-1)
            continue
        row = min(able, key=lambda one: (score(there, one, request, LARGEST)[0], one))
        take(there, row, request, score(there, row, request, LARGEST)[1])
        found.append(row)
    return found


@pytest.mark.parametrize(
    ("score", "nodes", "second", "third"),
    [
        pytest.param(first_fit, [0, 1, 1, 1, 0], [0, 0, 0, 1000], [1000, 1000], id="first fit"),
        pytest.param(best_fit, [2, 2, 2, 1, 0], [0, 0, 1000, 1000], [0, 1000], id="best fit"),
        pytest.param(worst_fit, [1, 1, 1, 1, 0], [500, 500, 0, 0], [1000, 1000], id="worst fit"),
        pytest.param(dot_product, [2, 2, 2, 1, 1], [0, 0, 1000, 1000], [0, 1000], id="dot product"),
        pytest.param(packing, [0, 2, 2, 1, 0], [0, 0, 1000, 1000], [0, 1000], id="packing"),
    ],
)
def test_where_each_goes_and_what_is_left_of_devices(
    score: Score, nodes: list[int], second: list[int], third: list[int]
) -> None:
    there = room()
    assert placed(there, score, REQUESTS) == nodes
    assert sorted(there.device[1].tolist()) == sorted(second)
    assert sorted(there.device[2, :2].tolist()) == sorted(third)
    taken = [sum(one.cpu for one, row in zip(REQUESTS, nodes, strict=True) if row == node) for node in range(3)]
    assert there.cpu.tolist() == [100_000 - taken[0], 80_000 - taken[1], 40_000 - taken[2]]


@pytest.mark.parametrize(
    ("score", "scores"),
    [
        pytest.param(best_fit, [-60.0, -65.0], id="best fit: 0.4 and 0.35 are left"),
        pytest.param(worst_fit, [60.0, 65.0], id="worst fit: just the opposite"),
        pytest.param(dot_product, [-90.0, -96.0], id="dot product: half of 0.2, and of 0.08"),
        pytest.param(packing, [0.0, 0.0], id="packing: no devices are asked for"),
    ],
)
def test_what_speaks_for_the_first_and_the_third_node_for_the_first_request(score: Score, scores: list[float]) -> None:
    assert [score(room(), row, REQUESTS[0], LARGEST)[0] for row in (0, 2)] == scores


def test_packing_grades_a_free_node_a_free_device_and_a_shared_one() -> None:
    """A free node of n devices has 33 less n; a device opened beside others in use 50 less one; a half shared 95."""
    there, half = room(), REQUESTS[1]
    assert [packing(there, row, half, LARGEST)[0] for row in (1, 2)] == [-29.0, -31.0]
    take(there, 2, half, -1)
    assert packing(there, 2, half, LARGEST)[0] == -95.0
    assert packing(there, 2, asks(10_000, 1), LARGEST)[0] == -49.0


@pytest.mark.parametrize("score", [first_fit, best_fit, worst_fit, dot_product, packing])
def test_whatever_speaks_for_a_node_all_is_filled_with_what_fits(score: Score) -> None:
    """Twelve halves fill six devices; the thirteenth finds nothing, and work without devices finds the cpus left."""
    there = room()
    rows = placed(there, score, [asks(5000, 1, 500)] * 13)
    assert sorted(rows) == [-1] + [1] * 8 + [2] * 4
    assert there.device.sum() == 0
    assert placed(there, score, [asks(40_000), asks(40_000), asks(40_000), asks(40_000)])[3] == -1
