"""Cancel, hold, release, requeue, signal, update: one, an element, a whole array; and who may."""

from __future__ import annotations

from typing import Any

import pytest

from suanli.model import facts
from suanli.model.errors import InvalidRequestError, NotFoundError, NotPermittedError
from suanli.model.facts import CancelRequested, SignalRequested
from suanli.model.ids import FactSeq, QosName, QueueName, WorkloadId, run_id
from suanli.model.resources import Queue
from suanli.model.spec import ArraySpec
from suanli.model.tenancy import Caller
from suanli.model.workload import EndCause, StopCause
from suanli.ports.store import FactFilter
from suanli.services.workloads import Changed, Update, parse_ref, ref_of
from suanli.testing.builders import end, place
from tests.unit.services.center import Center, admin, ann, bob, operator, reader

ARRAY = ArraySpec(indices=(10, 20, 30))


def told(center: Center, kind: type) -> list[tuple[str, Any]]:
    with center.store.read() as tables:
        found = tables.facts(FactSeq(0), FactFilter(types=frozenset({kind.__name__})), 100)
        return [(recorded.actor, recorded.fact) for recorded in found]


def changed(*ids: int) -> Changed:
    return Changed(changed=tuple(map(WorkloadId, ids)), unchanged=())


def unchanged(*ids: int) -> Changed:
    return Changed(changed=(), unchanged=tuple(map(WorkloadId, ids)))


def update(
    center: Center,
    ref: object,
    by: Caller = ann,
    *,
    time_limit_s: int | None = None,
    priority: int | None = None,
    qos: str | None = None,
) -> Changed:
    wanted = Update(time_limit_s=time_limit_s, priority=priority, qos=None if qos is None else QosName(qos))
    return center.do(lambda tx: center.workloads.update(tx, by, parse_ref(str(ref)), wanted))


def signal(center: Center, ref: object, number: int = 10) -> Changed:
    return center.do(lambda tx: center.workloads.signal(tx, ann, parse_ref(str(ref)), number))


def test_cancel_ends_what_waits_and_stops_what_runs_once(center: Center) -> None:
    waiting, running = center.submit(), center.running()
    assert center.change(center.workloads.cancel, waiting) == changed(waiting)
    assert center.change(center.workloads.cancel, running) == changed(running)
    assert center.states(waiting, running) == ["cancelled", "ending"]
    assert center.change(center.workloads.cancel, waiting) == unchanged(waiting)
    assert center.change(center.workloads.cancel, running) == unchanged(running)
    assert told(center, CancelRequested) == [
        ("ann", CancelRequested(workload=waiting)),
        ("ann", CancelRequested(workload=running)),
    ]


def test_cancel_takes_over_a_preemption(center: Center) -> None:
    running = center.running()
    center.tell(facts.PreemptRequested(workload=running, run=run_id(running, 1), by=WorkloadId(9)))
    assert center.change(center.workloads.cancel, running) == changed(running)
    assert center.run(running).stop is StopCause.CANCELLED


def test_a_whole_array_one_element_and_one_by_its_own_id(center: Center) -> None:
    first = center.submit(array=ARRAY)
    assert center.change(center.workloads.hold, f"{first}_20") == changed(first + 1)
    assert center.states(first, first + 1, first + 2) == ["waiting", "held", "waiting"]
    assert center.change(center.workloads.hold, first + 2) == changed(first + 2)
    assert center.change(center.workloads.hold, first) == Changed(
        changed=(first,), unchanged=(WorkloadId(first + 1), WorkloadId(first + 2))
    )
    assert center.change(center.workloads.release, first) == changed(first, first + 1, first + 2)
    assert center.change(center.workloads.cancel, first) == changed(first, first + 1, first + 2)
    assert [str(ref_of(center.workload(first + n))) for n in range(3)] == ["1_10", "1_20", "1_30"]


@pytest.mark.parametrize("ref", ["99", "1_3", "2_0"])
def test_what_is_not_there_is_not_found(center: Center, ref: str) -> None:
    center.submit(array=ARRAY)
    with pytest.raises(NotFoundError) as missing:
        center.change(center.workloads.cancel, ref)
    assert missing.value.params == {"noun": "workload", "name": ref}


@pytest.mark.parametrize("text", ["", "0", "01", "1_", "_1", "1_2_3", "1.1", "x", "1 ", "9" * 19, "1_" + "9" * 11])
def test_what_names_no_workload(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_ref(text)


def test_the_highest_index_has_a_reference() -> None:
    assert parse_ref(f"1_{2**31 - 1}").index == 2**31 - 1


def test_others_work_is_as_if_it_were_not_there(center: Center) -> None:
    mine, facts_before = center.submit(ann), 0
    facts_before = center.facts()
    service = center.workloads
    for verb in (service.cancel, service.hold, service.release, service.requeue):
        with pytest.raises(NotFoundError):
            center.change(verb, mine, bob)
    with pytest.raises(NotFoundError):
        update(center, mine, bob, priority=-1)
    assert center.facts() == facts_before
    assert center.change(service.hold, mine, operator) == changed(mine)


def test_a_token_for_reading_changes_nothing(center: Center) -> None:
    mine = center.submit(ann)
    for verb in (center.workloads.cancel, center.workloads.hold, center.workloads.release, center.workloads.requeue):
        with pytest.raises(NotPermittedError):
            center.change(verb, mine, reader)


def test_holding_and_releasing_is_for_what_waits(center: Center) -> None:
    waiting, running = center.submit(), center.running()
    assert center.change(center.workloads.hold, running) == unchanged(running)
    assert center.change(center.workloads.release, waiting) == unchanged(waiting)


def test_requeue_runs_anew_what_is_over_and_stops_what_runs(center: Center) -> None:
    over, running, waiting = center.running(), center.running(), center.submit()
    center.do(lambda tx: end(tx, over, exit_code=3))
    for workload in (over, running):
        assert center.change(center.workloads.requeue, workload) == changed(workload)
    assert center.change(center.workloads.requeue, waiting) == unchanged(waiting)
    assert center.change(center.workloads.requeue, running) == unchanged(running)
    assert center.states(over, running) == ["waiting", "ending"]
    center.tell(facts.RunEnded(workload=running, run=run_id(running, 1), cause=EndCause.REQUEUED))
    center.do(lambda tx: place(tx, running))
    assert (center.workload(running).attempt, center.run(running, 2).attempt) == (2, 2)


def test_what_is_being_cancelled_is_not_requeued(center: Center) -> None:
    running = center.running()
    center.change(center.workloads.cancel, running)
    assert center.change(center.workloads.requeue, running) == unchanged(running)


def test_a_signal_reaches_what_runs(center: Center) -> None:
    running, waiting = center.running(), center.submit()
    assert signal(center, running) == changed(running)
    assert signal(center, waiting) == unchanged(waiting)
    assert told(center, SignalRequested) == [("ann", SignalRequested(workload=running, signal=10))]
    for wrong in (0, 65, -9):
        with pytest.raises(InvalidRequestError):
            signal(center, running, wrong)


def test_time_limit_and_priority_of_what_is_not_over(center: Center) -> None:
    waiting, over = center.submit(), center.running()
    center.do(lambda tx: end(tx, over))
    assert update(center, waiting, time_limit_s=60, priority=-2) == changed(waiting)
    assert (center.workload(waiting).time_limit_s, center.workload(waiting).priority) == (60, -2)
    assert update(center, waiting, time_limit_s=60) == unchanged(waiting)
    assert update(center, waiting) == unchanged(waiting)
    assert update(center, over, priority=-2) == unchanged(over)


def test_a_plain_user_only_lowers_priority_and_the_limit_of_what_runs(center: Center) -> None:
    waiting, running = center.submit(), center.running(time_limit_s=100)
    for ref, limit, level in ((waiting, None, 1), (running, 101, None), (running, 0, None)):
        with pytest.raises(NotPermittedError):
            update(center, ref, time_limit_s=limit, priority=level)
        assert update(center, ref, operator, time_limit_s=limit, priority=level) == changed(ref)
    assert update(center, waiting, priority=0) == changed(waiting)
    assert update(center, running, time_limit_s=50) == changed(running)
    assert center.run(running).time_limit_s == 50


def test_a_run_with_a_limit_of_its_own_is_not_made_to_last_longer(center: Center) -> None:
    workload = center.submit(time_limit_s=100)
    center.do(lambda tx: place(tx, workload, alternative=1, time_limit_s=30))
    with pytest.raises(NotPermittedError):
        update(center, workload, time_limit_s=50)
    assert update(center, workload, priority=-1) == changed(workload)
    assert center.run(workload).time_limit_s == 30
    assert update(center, workload, time_limit_s=20) == changed(workload)
    assert center.run(workload).time_limit_s == 20


def test_the_limit_of_what_waits_may_grow_to_what_the_queue_allows(center: Center) -> None:
    queue = Queue(name=QueueName("short"), default_time_limit_s=10, max_time_limit_s=90)
    center.do(lambda tx: center.inventory.define_queue(tx, admin, queue))
    waiting = center.submit(queue=queue.name)
    assert update(center, waiting, time_limit_s=90) == changed(waiting)
    for wrong in (91, 0, -1):
        with pytest.raises(InvalidRequestError) as refused:
            update(center, waiting, operator, time_limit_s=wrong)
        assert refused.value.field == "time_limit"


def test_a_stricter_queue_does_not_stand_in_the_way_of_a_priority(center: Center) -> None:
    waiting = center.submit(time_limit_s=1000)
    strict = Queue(name=QueueName("default"), default_time_limit_s=10, max_time_limit_s=90)
    center.do(lambda tx: center.inventory.define_queue(tx, admin, strict))
    assert update(center, waiting, priority=-1) == changed(waiting)


def test_an_unlimited_queue_takes_no_negative_limit(center: Center) -> None:
    waiting = center.submit()
    with pytest.raises(InvalidRequestError):
        update(center, waiting, time_limit_s=-1)


def test_an_array_is_changed_whole_or_not_at_all(center: Center) -> None:
    first = center.submit(array=ARRAY, time_limit_s=100)
    center.do(lambda tx: place(tx, WorkloadId(first + 2)))
    with pytest.raises(NotPermittedError):
        update(center, first, time_limit_s=200)
    assert {center.workload(first + n).time_limit_s for n in range(3)} == {100}
    assert update(center, first, operator, time_limit_s=200) == changed(first, first + 1, first + 2)
