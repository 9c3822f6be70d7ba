"""What if the center might draw more, or less: who starts when, and who never does."""

from __future__ import annotations

from typing import Any

import pytest

from suanli.kernel.scheduling.plan import ReasonCode
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Bounds, Changes
from suanli.kernel.what_if.compare import compare
from suanli.kernel.what_if.outcome import Comparison, most_affected
from suanli.model.devices import DeviceRequest
from suanli.model.ids import WorkloadId
from suanli.model.power import PowerCap
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, SECOND, Center, asks, gpu, node


def job(limit: int = 100, devices: int = 1, **more: Any) -> WorkloadSpec:
    """A cpu and devices of 300 W."""
    return WorkloadSpec(resources=asks(1, 1, DeviceRequest(count=devices)), time_limit_s=limit, **more)


def center_of(*waiting: WorkloadSpec, cap: int = 0, runs: int = 0) -> Center:
    """A node of eight cpus and four devices; the first so many run since now."""
    center = Center().with_nodes(node("n0", 8, 64, *(gpu(place, watts=300) for place in range(4))))
    if cap:
        center.cap_power(cap)
    for spec in waiting[:runs]:
        center.add(spec)
    center.turn()
    for spec in waiting[runs:]:
        center.add(spec)
    return center


def capped(center: Center, watts: int, **more: Any) -> Comparison:
    changes = Changes(power_cap=PowerCap(watts=watts), **more)
    return compare(snapshot(center.state), center.now, center.policy, changes, Bounds())


def starts(found: Comparison) -> list[tuple[int | None, int | None]]:
    """Seconds until each that waits starts, as it is and as it would be."""

    def second(at: Any) -> int | None:
        return None if at is None else int(at - BEGIN) // SECOND

    return [
        (second(found.before.stays[one].start), second(found.after.stays[one].start)) for one in sorted(found.waiting)
    ]


@pytest.mark.parametrize(
    ("cap", "imagined", "expected"),
    [
        pytest.param(0, 900, [(0, 0), (0, 0), (0, 0)], id="as much as all three draw"),
        pytest.param(0, 600, [(0, 0), (0, 0), (0, 100)], id="enough for two"),
        pytest.param(0, 599, [(0, 0), (0, 100), (0, 200)], id="a watt too little for two"),
        pytest.param(0, 300, [(0, 0), (0, 100), (0, 200)], id="enough for one"),
        pytest.param(300, 0, [(0, 0), (100, 0), (200, 0)], id="the cap is lifted"),
        pytest.param(300, 600, [(0, 0), (100, 0), (200, 100)], id="the cap is raised"),
        pytest.param(300, 300, [(0, 0), (100, 100), (200, 200)], id="the cap stays"),
    ],
)
def test_three_jobs_of_three_hundred_watts(
    cap: int, imagined: int, expected: list[tuple[int | None, int | None]]
) -> None:
    """Each runs for 100 s on a device of its own; nodes draw nothing besides."""
    found = capped(center_of(job(), job(), job(), cap=cap), imagined)
    assert starts(found) == expected


def test_under_a_cap_that_none_fits_nobody_ever_starts_and_power_is_why() -> None:
    found = capped(center_of(job(), job()), 299)
    assert starts(found) == [(0, None), (0, None)]
    assert found.before.never == {}
    assert found.after.never == {WorkloadId(1): ReasonCode.POWER, WorkloadId(2): ReasonCode.POWER}
    assert (found.after.last_end, found.after.device_part) == (BEGIN, 0.0)


def test_what_could_never_be_held_is_no_matter_of_power() -> None:
    found = capped(center_of(job(devices=5), job(devices=4)), 1199)
    assert found.before.never == {WorkloadId(1): ReasonCode.IMPOSSIBLE}
    assert found.after.never == {WorkloadId(1): ReasonCode.IMPOSSIBLE, WorkloadId(2): ReasonCode.POWER}


def test_what_runs_goes_on_though_it_draws_more_than_the_cap() -> None:
    """Two run until 100 s and draw 600 W. Under 300 W the third waits for both to end, and the fourth for the third."""
    found = capped(center_of(job(), job(), job(), job(), runs=2), 300)
    assert found.lost == ()
    assert starts(found) == [(0, 100), (0, 200)]
    assert most_affected(found, found.waiting, 9) == [4, 3]


def test_a_small_one_passes_under_a_cap_where_it_delays_nobody() -> None:
    """Uncapped the first two hold all four devices until 100 s.

    Of 700 W each of the two needs 600: one comes after the other, 100 W are left beside either, and the small ones
    follow at 200 s. Of 900 W the third finds 300 beside the first, the fourth beside the second.
    """
    jobs = (job(devices=2), job(devices=2), job(limit=100), job(limit=101))
    assert starts(capped(center_of(*jobs), 700)) == [(0, 0), (0, 100), (100, 200), (100, 200)]
    assert starts(capped(center_of(*jobs), 900)) == [(0, 0), (0, 100), (100, 0), (100, 100)]


def test_both_a_cap_and_a_node_more() -> None:
    """Of four devices two jobs of three each take one after the other; a second node serves both, if 1,800 W may."""
    more = node("n1", 8, 64, *(gpu(place, watts=300) for place in range(4)))
    center = center_of(job(devices=3), job(devices=3))
    assert starts(capped(center, 1800, nodes=(more,))) == [(0, 0), (100, 0)]
    assert starts(capped(center, 1799, nodes=(more,))) == [(0, 0), (100, 100)]
