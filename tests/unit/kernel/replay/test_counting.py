"""Every backfilling, order and prediction together on one node of cpus and memory, against counting alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import Policy
from tests.unit.kernel.replay import plain
from tests.unit.kernel.replay.counting import EVERYBODY, Asked, Day, Node, Rule, trace_of
from tests.unit.kernel.replay.plain import seconds

NODES = st.builds(Node, st.integers(1, 10), st.integers(0, 24))


@st.composite
def days(draw: st.DrawFn) -> list[Asked]:
    jobs, now = [], 0
    for _ in range(draw(st.integers(1, 22))):
        now += draw(st.integers(0, 6))
        runtime = draw(st.integers(1, 30))
        requested = runtime + draw(st.sampled_from([0, 0, 1, 5, 40]))
        cpus, memory = draw(st.integers(1, 10)), draw(st.sampled_from([0, 1, 2, 3]))
        jobs.append(Asked(now, runtime, requested, cpus, draw(st.integers(0, 2)), memory))
    return jobs


def policy_of(rule: Rule) -> Policy:
    names: dict[int, str | int] = {0: "none", 1: "easy", EVERYBODY: "conservative"}
    return Policy(
        backfill=names.get(rule.kept, rule.kept),
        order=rule.order,
        prediction=rule.prediction,
        shortest_first=rule.shortest_first,
        believed=rule.believed,
    )


def started(jobs: list[Asked], node: Node, rule: Rule, cap: float = 0) -> list[int]:
    return seconds(replay(trace_of(jobs), node.center(cap), policy_of(rule)).started_us)


# Of four cpus three are held until 10 s. The second waits for all, the third for three; the fourth would delay only
# the third, which has a reservation from two on.
PASSING = [Asked(0, 10, 10, 3), Asked(1, 10, 10, 4), Asked(2, 10, 10, 3), Asked(3, 7, 7, 1), Asked(4, 25, 25, 1)]


@pytest.mark.parametrize(
    ("kept", "starts"),
    [
        pytest.param(0, [0, 10, 20, 20, 27], id="nobody passes"),
        pytest.param(1, [0, 10, 20, 3, 20], id="what is gone by 10 s passes"),
        pytest.param(EVERYBODY, [0, 10, 20, 3, 20], id="and delays nobody"),
    ],
)
def test_a_day_by_hand(kept: int, starts: list[int]) -> None:
    """What both must say: from 20 s on three and one; the last takes the cpu that the fourth did not need any more."""
    rule = Rule(kept)
    assert Day(PASSING, Node(4), rule).live() == starts
    assert started(PASSING, Node(4), rule) == starts


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 7, EVERYBODY])
@pytest.mark.parametrize("shortest_first", [False, True])
@settings(max_examples=20)
@given(jobs=days(), node=NODES)
def test_as_many_get_reservations_as_are_asked_for(
    kept: int, shortest_first: bool, jobs: list[Asked], node: Node
) -> None:
    rule = Rule(kept, shortest_first=shortest_first)
    assert started(jobs, node, rule) == Day(jobs, node, rule).live()


@pytest.mark.parametrize("order", ["sjf", *plain.ORDERS])
@settings(max_examples=12)
@given(jobs=days(), node=NODES, kept=st.sampled_from([1, 2, EVERYBODY]))
def test_whoever_is_first_in_an_order_is_backfilled_around(
    order: str, jobs: list[Asked], node: Node, kept: int
) -> None:
    rule = Rule(kept, order=order)
    assert started(jobs, node, rule) == Day(jobs, node, rule).live()


@pytest.mark.parametrize("prediction", plain.PREDICTIONS)
@settings(max_examples=12)
@given(jobs=days(), node=NODES, kept=st.sampled_from([0, 1, 3]))
def test_predictions_that_are_not_believed_order_the_queue_and_nothing_else(
    prediction: str, jobs: list[Asked], node: Node, kept: int
) -> None:
    rule = Rule(kept, order="sjf", prediction=prediction)
    assert started(jobs, node, rule) == Day(jobs, node, rule).live()


@settings(max_examples=25)
@given(jobs=days(), node=NODES, kept=st.sampled_from([0, 1, 2, EVERYBODY]), shortest_first=st.booleans())
def test_who_knows_how_long_everything_runs_plans_by_that(
    jobs: list[Asked], node: Node, kept: int, shortest_first: bool
) -> None:
    rule = Rule(kept, prediction="clairvoyant", believed=True, shortest_first=shortest_first)
    assert started(jobs, node, rule) == Day(jobs, node, rule).live()
    # It is as if nobody had ever asked for more than it needs.
    exact = [Asked(one.submitted, one.runtime, one.runtime, one.cpus, one.user, one.memory) for one in jobs]
    assert started(jobs, node, rule) == started(exact, node, Rule(kept, shortest_first=shortest_first))


@settings(max_examples=25)
@given(jobs=days(), cpus=st.integers(2, 10), less=st.integers(1, 9), kept=st.sampled_from([0, 1, 2, EVERYBODY]))
@example(jobs=[Asked(0, 5, 5, 2), Asked(0, 5, 5, 1)], cpus=3, less=1, kept=1)
def test_power_for_some_of_the_cpus_is_a_node_of_so_many(jobs: list[Asked], cpus: int, less: int, kept: int) -> None:
    """Each busy cpu draws 20 W: under 20 W times n no more than n are busy, and who needs more waits for ever."""
    few = max(1, cpus - less)
    capped = started(jobs, Node(cpus, 10**6, watts=20), Rule(kept), cap=20 * few)
    assert capped == Day(jobs, Node(few, 10**6), Rule(kept)).live()
    # A watt less is a cpu less.
    if few > 1:
        assert started(jobs, Node(cpus, 10**6, watts=20), Rule(kept), cap=20 * few - 1) == (
            Day(jobs, Node(few - 1, 10**6), Rule(kept)).live()
        )
