"""Why bounds and licenses hold work back: of one workload, and of all that waits."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.scheduling.cycle import Turn
from suanli.kernel.scheduling.held_back import are_over, bounded, held_back, license_reason, unlicensed
from suanli.kernel.scheduling.plan import Reason, ReasonCode
from suanli.model.ids import LicenseName, WorkloadId
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import ArraySpec, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, OWNERS, PROJECT, Center, asks, node

SOLVER, MESHER = LicenseName("solver"), LicenseName("mesher")


def job(cpus: float = 1, limit: int = 100, **licenses: int) -> WorkloadSpec:
    return WorkloadSpec(
        resources=asks(cpus), time_limit_s=limit, licenses={LicenseName(name): n for name, n in licenses.items()}
    )


@pytest.fixture
def center() -> Center:
    return Center().with_nodes(node("n0", 8, 64))


def told(center: Center, workload: WorkloadId) -> Reason | None:
    waiting = center.state.waiting(workload)
    return bounded(center.state, waiting.association, waiting.asks)


def test_without_bounds_nothing_holds_back(center: Center) -> None:
    assert told(center, center.add(job())) is None
    assert held_back(center.state, np.array([], dtype=np.int64)) == []


@pytest.mark.parametrize(
    ("most", "asked", "needed", "available", "wanted"),
    [
        pytest.param({"runs": 1}, job(), 2, 1, "runs", id="runs"),
        pytest.param({"cpu_milli": 1999}, job(), 2000, 1999, "cpu_milli", id="cpus"),
        pytest.param({"memory_bytes": 2 * GIB - 1}, job(), 2 * GIB, 2 * GIB - 1, "memory_bytes", id="memory"),
        pytest.param({"runs": 1, "cpu_milli": 1}, job(), 2, 1, "runs", id="the first of several"),
    ],
)
def test_what_is_asked_for_beside_what_runs_is_more_than_the_quota(
    center: Center, most: dict[str, int], asked: WorkloadSpec, needed: int, available: int, wanted: str
) -> None:
    center.add(job())
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, **most))
    reason = told(center, center.add(asked))
    assert reason == Reason(code=ReasonCode.PROJECT_QUOTA, needed=needed, available=available, wanted=wanted)


@pytest.mark.parametrize("most", [{"runs": 2}, {"cpu_milli": 2000}, {"memory_bytes": 2 * GIB}, {"device_share": 1}])
def test_as_much_as_the_quota_is_not_too_much(center: Center, most: dict[str, int]) -> None:
    center.add(job())
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, **most))
    assert told(center, center.add(job())) is None


def test_of_several_bounds_the_first_in_order_is_told(center: Center) -> None:
    center.add(job())
    center.turn()
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, runs=1))
    center.set_quota(Quota(scope=QuotaScope.QUEUE, name="default", runs=1))
    reason = told(center, center.add(job()))
    assert reason is not None
    assert reason.code is ReasonCode.QUEUE_QUOTA


def test_an_array_tells_how_many_run_and_may(center: Center) -> None:
    elements = center.submit(WorkloadSpec(array=ArraySpec(indices=(0, 1, 2), max_running=2), resources=asks(1)), 3)
    assert told(center, elements[2]) is None
    center.turn()
    reason = told(center, next(one for one in elements if one in center.waiting))
    assert reason == Reason(code=ReasonCode.ARRAY_LIMIT, needed=2, available=2)


def test_all_that_a_bound_holds_back_is_told_by_kind_and_whose_it_is(center: Center) -> None:
    center.set_quota(Quota(scope=QuotaScope.PROJECT_USER, name=PROJECT, cpu_milli=2000))
    # Owners take turns; of each the first starts, and two more wait that ask for different amounts.
    for cpus in (1.5, 1, 0.75):
        for _ in OWNERS:
            center.add(job(cpus))
    center.turn()
    with Turn(center.state, center.now, center.policy) as turn:
        found = held_back(center.state, turn.started)
    assert {(one.association.owner, one.waiting, one.reason.needed) for one in found} == {
        (owner, 1, needed) for owner in OWNERS for needed in (2500, 2250)
    }
    assert {one.reason.code for one in found} == {ReasonCode.PROJECT_USER_QUOTA}


def test_what_this_very_turn_starts_is_not_held_back(center: Center) -> None:
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, runs=2))
    for _ in range(5):
        center.add(job())
    with Turn(center.state, center.now, center.policy) as turn:
        assert turn.started.size == 2
        found = held_back(center.state, turn.started)
    assert sum(one.waiting for one in found) == 3
    assert {one.reason.needed for one in found} == {3}


def test_amounts_beyond_bounds_are_told_by_pair_of_rows(center: Center) -> None:
    center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, cpu_milli=2000))
    small, large = (center.state.waiting(center.add(job(cpus))) for cpus in (2, 3))
    pairs = np.array([[small.association, small.asks], [large.association, large.asks]])
    over = are_over(center.state.tables, pairs)
    assert over.shape == (2, 32)
    assert over.sum(axis=1).tolist() == [0, 1]
    assert int(over[1].argmax()) == 1


def lacking(center: Center) -> list[tuple[str, int, int, int, int]]:
    """Of each kind that lacks a license after a turn: which, needed, available, window, for whom it is kept."""
    with Turn(center.state, center.now, center.policy):
        found = unlicensed(center.state, center.now)
        return [
            (one.reason.wanted, one.reason.needed, one.reason.available, one.window_us, one.reason.ahead)
            for one in found
        ]


def test_where_there_are_no_licenses_nobody_lacks_any(center: Center) -> None:
    center.add(job())
    assert lacking(center) == []


def test_who_asks_for_more_than_is_free_lacks_it_whatever_its_limit(center: Center) -> None:
    center.set_license("solver", 3)
    center.add(job(solver=2))
    center.turn()
    center.add(job(limit=1, solver=2))
    assert lacking(center) == [("solver", 2, 1, -1, 0)]


def test_who_asks_for_more_than_is_spare_lacks_it_beyond_a_window(center: Center) -> None:
    center.set_license("solver", 5)
    center.add(job(limit=100, solver=3))
    center.turn()
    first = center.add(job(limit=50, solver=5))
    center.add(job(limit=200, solver=1))
    assert set(lacking(center)) == {("solver", 5, 2, -1, 0), ("solver", 1, 0, 100_000_000, first)}


def test_of_several_licenses_the_one_that_is_not_free_is_told(center: Center) -> None:
    center.set_license("mesher", 5)
    center.set_license("solver", 1)
    center.add(job(solver=1))
    center.turn()
    center.add(job(mesher=1, solver=1))
    assert lacking(center) == [("solver", 1, 0, -1, 0)]


@pytest.mark.parametrize(("total", "available"), [(1, 0), (2, 0), (3, 1)])
def test_fewer_than_are_in_use_are_none_free(center: Center, total: int, available: int) -> None:
    center.set_license("solver", 2)
    for _ in range(2):
        center.add(job(solver=1))
    center.turn()
    center.set_license("solver", total)
    row = center.state.bounds.license_row(SOLVER)
    reason = license_reason(center.state, row, 9)
    assert (reason.code, reason.needed, reason.available) == (ReasonCode.LICENSE, 9, available)
    assert (reason.wanted, reason.ahead) == ("solver", 0)
