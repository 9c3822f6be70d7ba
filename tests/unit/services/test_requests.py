"""Requests with an idempotency key are done once; those without, as often as they come."""

from __future__ import annotations

import pytest

from suanli.model.errors import IdempotencyMismatchError, InvalidRequestError, NotFoundError
from suanli.model.ids import WorkloadId
from suanli.model.tenancy import Caller
from suanli.ports.store import Transaction
from suanli.services.requests import Keyed, Once
from suanli.services.workloads import WorkloadRef
from suanli.testing.builders import spec
from tests.unit.services.center import Center, ann, bob

DAY_US = 24 * 3600 * 1_000_000


def submission(center: Center, key: str | None, fingerprint: str = "f", by: Caller = ann) -> Once:
    def work(tx: Transaction) -> str:
        return str(center.workloads.submit(tx, by, [spec()])[0].id)

    return center.requests.once(Keyed(by, key, fingerprint, work))


def test_the_same_request_is_done_once_and_answered_alike(center: Center) -> None:
    assert submission(center, "k") == Once(body="1", replayed=False)
    facts = center.facts()
    assert submission(center, "k") == Once(body="1", replayed=True)
    assert center.facts() == facts


def test_without_a_key_it_is_done_each_time(center: Center) -> None:
    assert [submission(center, None).body for _ in range(2)] == ["1", "2"]


def test_keys_are_each_callers_own(center: Center) -> None:
    assert [submission(center, "k", by=by).body for by in (ann, bob)] == ["1", "2"]
    assert submission(center, "other").body == "3"


def test_another_request_under_the_same_key_is_refused(center: Center) -> None:
    submission(center, "k")
    with pytest.raises(IdempotencyMismatchError):
        submission(center, "k", "another body")
    assert submission(center, "k").replayed


def test_a_failed_request_keeps_neither_answer_nor_change(center: Center) -> None:
    facts = center.facts()

    def work(tx: Transaction) -> str:
        center.workloads.submit(tx, ann, [spec()])
        center.workloads.cancel(tx, ann, WorkloadRef(WorkloadId(99)))
        return "never"

    with pytest.raises(NotFoundError):
        center.requests.once(Keyed(ann, "k", "f", work))
    assert center.facts() == facts
    done = submission(center, "k")
    assert not done.replayed
    assert submission(center, "k") == Once(body=done.body, replayed=True)


def test_an_answer_is_kept_for_a_day_at_least(center: Center) -> None:
    first = submission(center, "k")
    center.clock.at_us += DAY_US - 1
    submission(center, "later")
    assert submission(center, "k") == Once(body=first.body, replayed=True)


def test_requests_of_one_group_are_told_apart_by_their_keys(center: Center) -> None:
    submission(center, "old")

    def asked(key: str | None, fingerprint: str = "f", by: Caller = ann) -> Keyed:
        return Keyed(by, key, fingerprint, lambda tx: str(center.workloads.submit(tx, by, [spec()])[0].id))

    outcomes = center.requests.each(
        [asked("new"), asked("old"), asked("new"), asked(None), asked("old", "other"), asked("old", by=bob)]
    )
    answered = [(one.body, one.replayed) for outcome in outcomes if not outcome.error for one in [outcome.result()]]
    assert answered == [("2", False), ("1", True), ("2", True), ("3", False), ("4", False)]
    assert isinstance(outcomes[4].error, IdempotencyMismatchError)


@pytest.mark.parametrize("key", ["", "x" * 256], ids=["empty", "long"])
def test_a_key_has_a_length(center: Center, key: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        submission(center, key)
    assert refused.value.field == "Idempotency-Key"
    assert submission(center, "x" * 255).body
