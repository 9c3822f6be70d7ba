"""Bounds as rows of tables: whose work each bounds, what work asks, and rows that are given, kept and given again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from suanli.kernel.scheduling.bounds import CODES, Bounds, Scope
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand, demand_of
from suanli.kernel.scheduling.plan import Association, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, ProjectName, QosName, QueueName, UserName, WorkloadId
from suanli.model.quota import License, Quota, QuotaScope
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, asks

Q, P, ANN = QueueName("q"), ProjectName("p"), UserName("ann")
OF = Association(Q, P, ANN)
URGENT = QosName("urgent")
DEMAND = demand_of(WorkloadSpec(tasks=2, resources=asks(1.5, 2, DeviceRequest(share=250))))
ROWS = 8


def tables() -> t.Center:
    return t.make_center(
        t.Sizes(
            nodes=1,
            devices=0,
            engines=1,
            shapes=1,
            kinds=1,
            jobs=ROWS,
            holds=1,
            device_holds=1,
            keys=4,
            associations=ROWS,
            bounds=4 * ROWS,
            asks=ROWS,
            licenses=4,
        )
    )


def quota(scope: QuotaScope, name: str, **most: int) -> Quota:
    return Quota(scope=scope, name=name, **most)


def licensed(**licenses: int) -> Demand:
    return demand_of(WorkloadSpec(resources=asks(1), licenses={LicenseName(k): v for k, v in licenses.items()}))


def bounding(of: Association, *quotas: Quota, max_running: int = 0) -> list[tuple[str, tuple[Any, ...]]]:
    """The bounds that hold for an association under these quotas, in order."""
    bounds = Bounds()
    for one in quotas:
        bounds.set_quota(one)
    row, _, _ = bounds.take(of, max_running, DEMAND)
    return [(scope.code.value, scope.names) for scope, _ in bounds.scopes(row)]


EVERY = [
    quota(QuotaScope.QUEUE, "q", runs=1),
    quota(QuotaScope.QUEUE_USER, "q", runs=2),
    quota(QuotaScope.PROJECT, "p", runs=3),
    quota(QuotaScope.PROJECT_USER, "p", runs=4),
    quota(QuotaScope.USER, "ann", runs=5),
]


def test_each_scope_has_a_reason_of_its_own() -> None:
    assert {scope.value: code.value for scope, code in CODES.items()} == {
        "queue": "queue_quota",
        "queue_user": "queue_user_quota",
        "qos": "qos_quota",
        "qos_user": "qos_user_quota",
        "project": "project_quota",
        "project_user": "project_user_quota",
        "user": "user_quota",
    }


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (OF, []),
        (OF._replace(qos=URGENT), [("qos_quota", ("urgent",)), ("qos_user_quota", ("urgent", "ann"))]),
        (
            OF._replace(qos=URGENT, owner=UserName("bob")),
            [("qos_quota", ("urgent",)), ("qos_user_quota", ("urgent", "bob"))],
        ),
        (OF._replace(qos=QosName("idle")), [("qos_user_quota", ("idle", "ann"))]),
    ],
)
def test_a_quality_of_service_bounds_the_work_that_has_it(
    of: Association, found: list[tuple[str, tuple[str, ...]]]
) -> None:
    quotas = [
        quota(QuotaScope.QOS, "urgent", runs=6),
        quota(QuotaScope.QOS_USER, "urgent", runs=7),
        quota(QuotaScope.QOS_USER, "idle", runs=8),
    ]
    assert bounding(of, *quotas) == found


@pytest.mark.parametrize(
    ("of", "max_running", "found"),
    [
        pytest.param(
            OF,
            0,
            [
                ("queue_quota", ("q",)),
                ("queue_user_quota", ("q", "ann")),
                ("project_quota", ("p",)),
                ("project_user_quota", ("p", "ann")),
                ("user_quota", ("ann",)),
            ],
            id="all of them, in order",
        ),
        pytest.param(
            OF._replace(owner=UserName("bob")),
            0,
            [
                ("queue_quota", ("q",)),
                ("queue_user_quota", ("q", "bob")),
                ("project_quota", ("p",)),
                ("project_user_quota", ("p", "bob")),
            ],
            id="another user",
        ),
        pytest.param(
            OF._replace(queue=QueueName("r")),
            0,
            [("project_quota", ("p",)), ("project_user_quota", ("p", "ann")), ("user_quota", ("ann",))],
            id="another queue",
        ),
        pytest.param(
            OF._replace(project=ProjectName("r"), queue=QueueName("r"), owner=UserName("r")), 0, [], id="nobody's"
        ),
        pytest.param(
            Association(QueueName("r"), ProjectName("r"), UserName("r"), WorkloadId(9)),
            3,
            [("array_limit", (9,))],
            id="an array with a bound",
        ),
        pytest.param(
            Association(Q, ProjectName("r"), UserName("r"), WorkloadId(9)),
            3,
            [("array_limit", (9,)), ("queue_quota", ("q",)), ("queue_user_quota", ("q", "r"))],
            id="the array's bound comes first",
        ),
    ],
)
def test_whose_work_a_quota_bounds(of: Association, max_running: int, found: list[tuple[str, Any]]) -> None:
    assert bounding(of, *EVERY, max_running=max_running) == found


def test_without_quotas_nothing_is_bounded() -> None:
    bounds = Bounds()
    bounds.take(OF, 0, DEMAND)
    assert not bounds
    assert bounds.rows == {"associations": 1, "bounds": 0, "asks": 1, "licenses": 0}


def test_with_one_something_is() -> None:
    bounds = Bounds()
    bounds.set_quota(EVERY[0])
    assert not bounds
    bounds.take(OF, 0, DEMAND)
    assert bounds


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        pytest.param(None, {"runs": 1}, True, id="the first"),
        pytest.param({"runs": 1}, {"runs": 1}, False, id="the same again"),
        pytest.param({"runs": 1}, {"runs": 2}, True, id="another amount"),
        pytest.param({"runs": 1}, {"runs": 1, "cpu_milli": 5}, True, id="another amount besides"),
        pytest.param({"runs": 1}, {}, True, id="lifted"),
        pytest.param(None, {}, False, id="lifted, though there was none"),
        pytest.param({"memory_bytes": 5}, {"device_share": 5}, True, id="of something else"),
    ],
)
def test_a_quota_is_told_apart_from_the_one_before(
    before: dict[str, int] | None, after: dict[str, int], is_new: bool
) -> None:
    bounds = Bounds()
    if before is not None:
        assert bounds.set_quota(quota(QuotaScope.USER, "ann", **before))
    assert bounds.set_quota(quota(QuotaScope.USER, "ann", **after)) is is_new


def test_quotas_of_one_name_in_two_scopes_are_two() -> None:
    bounds = Bounds()
    bounds.set_quota(quota(QuotaScope.USER, "x", runs=1))
    assert bounds.set_quota(quota(QuotaScope.QUEUE, "x", runs=1))


@pytest.mark.parametrize(
    ("demand", "row"),
    [
        pytest.param(DEMAND, [1, 3000, 4 * GIB, 500], id="runs, cpus, memory and devices of all tasks"),
        pytest.param(demand_of(WorkloadSpec(resources=asks(1))), [1, 1000, GIB, 0], id="without devices"),
    ],
)
def test_what_work_asks(demand: Demand, row: list[int]) -> None:
    bounds, center = Bounds(), tables()
    center.asks[:] = 77
    association, place, _ = bounds.take(OF, 0, demand)
    bounds.write(center, association, place)
    assert center.asks[place].tolist() == [*row, 0, 0, 0, 0]


def test_licenses_asked_for_stand_in_columns_of_their_own() -> None:
    bounds, center = Bounds(), tables()
    bounds.set_license(License(name=LicenseName("b"), total=5))
    for demand, asked in (
        (licensed(a=2, b=3), [3, 2, 0, 0]),
        (licensed(a=1), [0, 1, 0, 0]),
        (licensed(c=4), [0, 0, 4, 0]),
        (licensed(), [0, 0, 0, 0]),
    ):
        association, place, _ = bounds.take(OF, 0, demand)
        bounds.write(center, association, place)
        assert center.asks[place, t.AMOUNTS :].tolist() == asked
    assert bounds.rows["licenses"] == 3
    assert [bounds.license_row(LicenseName(name)) for name in "bac"] == [0, 1, 2]
    assert [bounds.license_name(row) for row in range(3)] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("demand", "lacking"),
    [
        pytest.param(licensed(), None, id="none asked for"),
        pytest.param(licensed(a=3), None, id="as many as there are"),
        pytest.param(licensed(a=4), "a", id="one more"),
        pytest.param(licensed(b=1), "b", id="of which there are none"),
        pytest.param(licensed(zz=1), "zz", id="that nobody ever told"),
        pytest.param(licensed(a=4, zz=1), "a", id="the first by name"),
    ],
)
def test_of_which_license_the_center_has_too_few(demand: Demand, lacking: str | None) -> None:
    bounds = Bounds()
    bounds.set_license(License(name=LicenseName("a"), total=3))
    bounds.set_license(License(name=LicenseName("b"), total=0))
    assert bounds.lacking(demand) == lacking
    assert [bounds.total(LicenseName(name)) for name in ("a", "b", "zz")] == [3, 0, 0]


def test_a_license_keeps_its_row_when_there_are_more_of_it() -> None:
    bounds = Bounds()
    assert [bounds.set_license(License(name=LicenseName(name), total=1)) for name in "aba"] == [0, 1, 0]


def test_work_alike_shares_rows_and_other_work_does_not() -> None:
    bounds = Bounds()
    assert bounds.take(OF, 0, DEMAND) == (0, 0, True)
    assert bounds.take(OF, 0, DEMAND) == (0, 0, False)
    assert bounds.take(OF, 0, licensed(a=1)) == (0, 1, True)
    assert bounds.take(OF._replace(owner=UserName("bob")), 0, DEMAND) == (1, 0, True)
    assert bounds.take(OF._replace(array=WorkloadId(4)), 2, DEMAND) == (2, 0, True)
    assert [bounds.key(row).owner for row in (0, 1)] == ["ann", "bob"]
    assert [bounds.max_running(row) for row in (0, 2)] == [0, 2]


def test_arrays_with_another_bound_are_others() -> None:
    bounds, of = Bounds(), OF._replace(array=WorkloadId(4))
    first, _, _ = bounds.take(of, 2, DEMAND)
    second, _, _ = bounds.take(of, 3, DEMAND)
    assert first != second
    assert bounds.scopes(first)[0][0] == bounds.scopes(second)[0][0] == Scope(ReasonCode.ARRAY_LIMIT, (4,))


def test_rows_that_nobody_uses_are_given_again() -> None:
    bounds = Bounds()
    bounds.set_quota(EVERY[4])
    row, place, _ = bounds.take(OF, 0, DEMAND)
    bounds.leave(row, place)
    assert not bounds
    assert bounds.take(OF._replace(owner=UserName("bob")), 0, licensed(a=1)) == (row, place, True)
    assert bounds.rows["bounds"] == 1


def test_bounds_in_the_tables_say_the_most_and_what_runs_asked_for() -> None:
    bounds, center = Bounds(), tables()
    bounds.set_quota(quota(QuotaScope.USER, "ann", runs=5, memory_bytes=9 * GIB))
    row, place, _ = bounds.take(OF, 0, DEMAND)
    bounds.write(center, row, place)
    center.jobs[3, [t.ASSOCIATION, t.ASKS]] = (row, place)
    center.jobs[5, [t.ASSOCIATION, t.ASKS]] = (row, place)
    bounds.rewrite(center, np.array([3, 5]))
    assert center.associations[row].tolist() == [0, *[-1] * 7]
    assert center.bounds[0, t.MOST].tolist() == [5, t.NEVER, 9 * GIB, t.NEVER]
    assert center.bounds[0, t.ACTIVE].tolist() == [2, 6000, 8 * GIB, 1000]
    bounds.rewrite(center, np.array([], dtype=np.int64))
    assert center.bounds[0, t.ACTIVE].tolist() == [0, 0, 0, 0]


def test_an_arrays_bound_counts_its_elements_only() -> None:
    bounds, center = Bounds(), tables()
    row, place, _ = bounds.take(OF._replace(array=WorkloadId(4)), 2, DEMAND)
    bounds.write(center, row, place)
    assert center.bounds[0, t.MOST].tolist() == [2, t.NEVER, t.NEVER, t.NEVER]


def test_of_two_neither_notices_the_other() -> None:
    one = Bounds()
    one.set_quota(EVERY[4])
    row, place, _ = one.take(OF, 0, DEMAND)
    other = one.copied()
    other.set_quota(quota(QuotaScope.USER, "ann"))
    other.retake()
    other.set_license(License(name=LicenseName("a"), total=1))
    other.take(OF._replace(owner=UserName("bob")), 0, licensed(b=1))
    assert not other
    assert one
    assert one.scopes(row)[0][0].names == ("ann",)
    assert one.rows == {"associations": 1, "bounds": 1, "asks": 1, "licenses": 0}
    other.leave(row, place)
    assert one.take(OF, 0, DEMAND) == (row, place, False)


OWNERS, QUEUES = st.sampled_from(["ann", "bob"]), st.sampled_from(["q", "r"])
DEMANDS = [licensed(), licensed(a=1), DEMAND]


class AnyDay(RuleBasedStateMachine):
    """Jobs come and go, quotas are set and lifted; lists say whose work each quota bounds, and how much that is."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds, self.center = Bounds(), tables()
        self.quotas: dict[tuple[QuotaScope, str], Quota] = {}
        self.jobs: dict[int, tuple[Association, int, Demand, int, int]] = {}

    @precondition(lambda self: len(self.jobs) < ROWS)
    @rule(queue=QUEUES, owner=OWNERS, array=st.sampled_from([0, 0, 4]), demand=st.sampled_from(DEMANDS))
    def come(self, queue: str, owner: str, array: int, demand: Demand) -> None:
        of = Association(QueueName(queue), P, UserName(owner), WorkloadId(array))
        row, place, are_new = self.bounds.take(of, 2 if array else 0, demand)
        if are_new:
            self.bounds.write(self.center, row, place)
        job = next(number for number in range(ROWS) if number not in self.jobs)
        self.center.jobs[job, [t.ASSOCIATION, t.ASKS]] = (row, place)
        self.jobs[job] = (of, 2 if array else 0, demand, row, place)

    @precondition(lambda self: bool(self.jobs))
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        *_, row, place = self.jobs.pop(data.draw(st.sampled_from(sorted(self.jobs))))
        self.bounds.leave(row, place)

    @rule(scope=st.sampled_from(QuotaScope), name=st.sampled_from(["q", "p", "ann"]), runs=st.integers(0, 3))
    def set_quota(self, scope: QuotaScope, name: str, runs: int) -> None:
        one = quota(scope, name, runs=runs)
        changed = self.bounds.set_quota(one)
        assert changed is (self.quotas.get((scope, name), quota(scope, name)).runs != runs)
        self.quotas[scope, name] = one
        self.bounds.retake()

    @rule()
    def go_on_as_a_copy(self) -> None:
        self.bounds = self.bounds.copied()

    @invariant()
    def tables_written_anew_say_what_lists_say(self) -> None:
        self.bounds.rewrite(self.center, np.array(sorted(self.jobs), dtype=np.int64))
        for of, max_running, _, row, _ in self.jobs.values():
            wanted = self._scopes(of, max_running)
            found = dict(self.bounds.scopes(row))
            assert list(found) == list(wanted)
            assert self.center.associations[row, : len(found)].tolist() == list(found.values())
            for scope, place in found.items():
                assert self.center.bounds[place, t.MOST, 0] == wanted[scope]
                assert self.center.bounds[place, t.ACTIVE].tolist() == self._active(scope)

    def _scopes(self, of: Association, max_running: int) -> dict[Scope, int]:
        names = {
            QuotaScope.QUEUE: (of.queue,),
            QuotaScope.QUEUE_USER: (of.queue, of.owner),
            QuotaScope.PROJECT: (of.project,),
            QuotaScope.PROJECT_USER: (of.project, of.owner),
            QuotaScope.USER: (of.owner,),
        }
        found: dict[Scope, int] = {Scope(ReasonCode.ARRAY_LIMIT, (of.array,)): max_running} if max_running else {}
        for scope, whose in names.items():
            one = self.quotas.get((scope, whose[0]))
            if one is not None and one.runs:
                found[Scope(CODES[scope], whose)] = one.runs
        return found

    def _active(self, scope: Scope) -> list[int]:
        asked = [demand.asked for of, running, demand, *_ in self.jobs.values() if scope in self._scopes(of, running)]
        return [sum(amounts) for amounts in zip(*asked, strict=True)]


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
