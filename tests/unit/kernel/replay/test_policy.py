"""Policies by name: what each asks of the turns and of the queue, and what does not exist."""

from __future__ import annotations

from typing import Any

import pytest

from suanli.kernel.replay import queue
from suanli.kernel.replay.course import Ways
from suanli.kernel.replay.policy import BACKFILLS, ORDERS, POLICIES, PREDICTIONS, Policy
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from suanli.model.errors import InvalidRequestError, NotFoundError

PLAIN = (FIRST_FIT, queue.FCFS, queue.REQUESTED)
"""Score, order and prediction of a policy that names none."""


# What each policy is by the literature or by our records: reservations, shortest first, score, order, whether keys
# move while work waits, prediction, and whether planned ends are predictions.
KNOWN: dict[str, tuple[int, bool, tuple[int, int, int], bool, bool]] = {
    "fcfs": (NO_BACKFILL, False, PLAIN, False, False),
    "easy": (EASY, False, PLAIN, False, False),
    "reserve-10": (10, False, PLAIN, False, False),
    "conservative": (CONSERVATIVE, False, PLAIN, False, False),
    "easy-sjbf": (EASY, True, PLAIN, False, False),
    "easy-clairvoyant-sjbf": (EASY, True, (FIRST_FIT, queue.FCFS, queue.CLAIRVOYANT), False, True),
    "easy-last-two-sjbf": (EASY, True, (FIRST_FIT, queue.FCFS, queue.LAST_TWO), False, True),
    "easy-learned-sjbf": (EASY, True, (FIRST_FIT, queue.FCFS, queue.LEARNED), False, True),
    "sjf-easy": (EASY, False, (FIRST_FIT, queue.SJF, queue.REQUESTED), False, False),
    "wfp3-easy": (EASY, False, (FIRST_FIT, queue.WFP3, queue.REQUESTED), True, False),
    "unicep-easy": (EASY, False, (FIRST_FIT, queue.UNICEP, queue.REQUESTED), True, False),
    "f1-easy": (EASY, False, (FIRST_FIT, queue.F1, queue.REQUESTED), False, False),
    "sjf-conservative": (CONSERVATIVE, False, (FIRST_FIT, queue.SJF, queue.REQUESTED), False, False),
    "slowdown": (EASY, False, (FIRST_FIT, queue.SLOWDOWN, queue.LEARNED), True, False),
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_each_named_policy_asks(name: str) -> None:
    reservations, shortest_first, (score, order, prediction), moving, believed = KNOWN[name]
    policy = POLICIES[name]
    assert policy.rules(7) == Rules(score, reservations, 7, shortest_first)
    assert policy.ways() == Ways(order=order, moving=moving, prediction=prediction, believed=believed)


def test_every_policy_that_is_named_can_be_asked() -> None:
    assert set(KNOWN) <= set(POLICIES)
    for policy in POLICIES.values():
        policy.rules(1)
        policy.ways()


@pytest.mark.parametrize(("name", "code"), ORDERS.items())
def test_keys_of_wfp3_unicep_and_slowdown_move_while_work_waits(name: str, code: int) -> None:
    ways = Policy(order=name).ways()
    assert (ways.order, ways.moving) == (code, name in {"wfp3", "unicep", "slowdown"})


@pytest.mark.parametrize(
    ("name", "code"), [("none", NO_BACKFILL), ("easy", EASY), ("conservative", CONSERVATIVE), (0, 0), (1, 1), (25, 25)]
)
def test_reservations_by_name_or_by_number(name: str | int, code: int) -> None:
    assert Policy(backfill=name).rules(3).reservations == code


def test_one_reservation_by_number_is_easy_and_none_is_none() -> None:
    assert Policy(backfill=1).rules(3) == Policy(backfill="easy").rules(3)
    assert Policy(backfill=0).rules(3) == Policy(backfill="none").rules(3)


@pytest.mark.parametrize(("name", "code"), [("first_fit", FIRST_FIT), ("best_fit", BEST_FIT), ("worst_fit", WORST_FIT)])
def test_scores_by_name(name: str, code: int) -> None:
    assert Policy(score=name).rules(3).score == code


@pytest.mark.parametrize(("jobs", "most"), [(0, 1), (1, 1), (9, 9)])
def test_a_turn_may_start_all_there_are(jobs: int, most: int) -> None:
    assert Policy().rules(jobs).most == most


def test_a_replay_preempts_nobody() -> None:
    assert not any(policy.rules(1).preempt for policy in POLICIES.values())


@pytest.mark.parametrize(
    ("field", "ask", "table"),
    [
        ("order", Policy.ways, ORDERS),
        ("prediction", Policy.ways, PREDICTIONS),
        ("backfill", lambda policy: policy.rules(1), BACKFILLS),
    ],
    ids=["order", "prediction", "backfill"],
)
@pytest.mark.parametrize("name", ["luck", "", "FCFS"])
def test_what_does_not_exist_is_named_with_what_does(field: Any, ask: Any, table: dict[str, int], name: Any) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(Policy(**{field: name}))
    assert caught.value.code == "not_found"
    assert caught.value.detail == f"no {field} {name}"
    assert caught.value.hint == f"one of {', '.join(table)}"
    assert caught.value.params == {"noun": field, "name": name}


@pytest.mark.parametrize("name", ["luck", "", "First_Fit"])
def test_a_score_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        Policy(score=name).rules(1)
    assert caught.value.detail == f"no score policy {name}"
    assert "best_fit" in caught.value.hint


@pytest.mark.parametrize("count", [-1, -10])
def test_fewer_than_no_reservations_are_refused(count: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Policy(backfill=count).rules(1)
    assert (caught.value.field, caught.value.hint) == ("backfill", "give 0 or more")
    assert caught.value.detail == f"{count} reservations cannot be"
