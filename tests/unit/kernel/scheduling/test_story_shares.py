"""Days on which it matters whose work it is: queues, priorities, what is owed, and the order that comes of these."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import Policy
from suanli.model.ids import QueueName
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, node
from tests.unit.kernel.scheduling.story import Story, urgent, work


def of_queue(name: str, spec: WorkloadSpec) -> WorkloadSpec:
    return replace(spec, queue=QueueName(name))


def one_by_one(*specs: WorkloadSpec, queues: dict[str, int] | None = None) -> list[str]:
    """In which order work of a cpu starts on one cpu that is taken until 100; it came in this order, named by place."""
    story = Story.of(node("n", 1))
    for name, priority in (queues or {}).items():
        story.center.set_queue(name, priority)
    story.comes("busy", work(1, 100))
    for place, spec in enumerate(specs):
        story.comes(str(place), spec, at=1 + place)
    starts = story.live().starts
    return sorted((name for name in starts if name != "busy"), key=lambda name: starts[name])


PLAIN = work(1, 10)


@pytest.mark.parametrize(
    ("specs", "queues", "order"),
    [
        pytest.param([PLAIN] * 3, {}, "012", id="as they came"),
        pytest.param([PLAIN, urgent(PLAIN), PLAIN], {}, "102", id="the urgent one first"),
        pytest.param([urgent(PLAIN, 1), urgent(PLAIN, 3), urgent(PLAIN, 2)], {}, "120", id="by priority"),
        pytest.param([PLAIN, urgent(PLAIN, -1), PLAIN], {}, "021", id="the least urgent last"),
        pytest.param(
            [of_queue("low", PLAIN), of_queue("high", PLAIN), of_queue("low", PLAIN)],
            {"high": 9},
            "102",
            id="the higher queue first",
        ),
        pytest.param(
            [of_queue("low", urgent(PLAIN, 99)), of_queue("high", PLAIN)],
            {"low": 1, "high": 2},
            "10",
            id="the queue before the priority",
        ),
        pytest.param(
            [of_queue("a", PLAIN), of_queue("b", urgent(PLAIN)), of_queue("a", PLAIN)],
            {"a": 5, "b": 5},
            "102",
            id="equal queues are as one",
        ),
        pytest.param(
            [of_queue("a", PLAIN), of_queue("unknown", PLAIN), of_queue("b", PLAIN)],
            {"a": -1, "b": 1},
            "210",
            id="a queue that nobody set has none",
        ),
    ],
)
def test_who_goes_first(specs: list[WorkloadSpec], queues: dict[str, int], order: str) -> None:
    assert "".join(one_by_one(*specs, queues=queues)) == order


def owed(*held: int) -> Story:
    """A cpu that is taken until 100, and three users who held so much of late; each submits work every ten seconds.

    The first that comes is of the second user, for the busy work is the first of the first.
    """
    story = Story.of(node("n", 1))
    story.comes("busy", work(1, 100))
    story.live(0)
    for place in range(6):
        story.comes(f"{OWNERS[(place + 2) % 3]}{place // 3}", work(1, 10), at=10 * place + 1)
    story.live(60)
    story.center.rank(*held)
    return story


@pytest.mark.parametrize(
    ("held", "order"),
    [
        # In the order of OWNERS: ann, bob, cat. Each share held costs half of an hour's credit.
        pytest.param((0, 0, 0), "cat0 ann0 bob0 cat1 ann1 bob1", id="equal: as they came"),
        pytest.param((0, 0, 1), "ann0 bob0 ann1 bob1 cat0 cat1", id="who held some goes last"),
        pytest.param((1, 0, 0), "cat0 bob0 cat1 bob1 ann0 ann1", id="whoever that is"),
        pytest.param((0, 1, 2), "ann0 ann1 bob0 bob1 cat0 cat1", id="the more the later"),
        pytest.param((3, 3, 3), "cat0 ann0 bob0 cat1 ann1 bob1", id="only the difference counts"),
        pytest.param((7, 8, 9), "cat0 ann0 bob0 cat1 ann1 bob1", id="half a minute of credit is none"),
    ],
)
def test_who_held_much_of_late_goes_later(held: tuple[int, int, int], order: str) -> None:
    story = owed(*held)
    assert " ".join(story.waiting) == order
    starts = story.live().starts
    assert sorted((name for name in starts if name != "busy"), key=lambda name: starts[name]) == order.split()


def test_an_urgent_job_of_who_held_much_still_goes_first() -> None:
    story = owed(0, 0, 5)
    story.comes("cat urgent", urgent(work(1, 10)), at=61)
    story.live(61)
    assert story.waiting[0] == "cat urgent"


def test_the_reservation_goes_to_who_is_first_by_what_is_owed() -> None:
    story = Story.of(node("n", 2))
    story.comes("busy", work(2, 100))
    story.comes("cat", work(2, 10), at=1)
    story.comes("ann", work(2, 10), at=2)
    story.live(2)
    assert list(story.kept()) == ["cat"]
    story.center.rank(0, 0, 3)
    assert list(story.kept()) == ["ann"]
    assert story.live().starts == {"busy": 0, "ann": 100, "cat": 110}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=8),
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
    st.lists(st.integers(-2, 2), min_size=3, max_size=3),
    st.sampled_from([1, 3]),
)
def test_any_queue_is_in_the_order_of_the_plain_keys(
    coming: list[tuple[int, int, int]], held: list[int], priorities: list[int], kept: int
) -> None:
    """By the queue's priority, the work's own, since when it waits less what is owed, and then by number."""
    story = Story.of(node("n", 1), policy=Policy(reservations=kept))
    for queue, priority in enumerate(priorities):
        story.center.set_queue(f"q{queue}", priority)
    story.comes("busy", work(1, 500))
    story.live(0)
    for number, (queue, own, at) in enumerate(coming):
        story.comes(f"w{number}", of_queue(f"q{queue}", urgent(work(1, 10), own)), at=at)
    story.live(40)
    story.center.rank(*held)

    def key(name: str) -> tuple[int, ...]:
        workload = story.center.waiting[story.ids[name]]
        queue, own, _ = coming[int(name[1:])]
        since = workload.eligible_at - story.center.credit_us(workload.owner)
        return -priorities[queue], -own, since, workload.id

    assert story.waiting == sorted(story.waiting, key=key)
    # One after the other they have the only cpu, in just that order.
    order = story.waiting
    starts = story.live().starts
    assert sorted(order, key=lambda name: starts[name]) == order


def test_a_queue_whose_priority_is_raised_goes_first_from_then_on() -> None:
    story = Story.of(node("n", 1))
    story.comes("busy", work(1, 10))
    story.comes("a0", of_queue("a", work(1, 10)), at=1)
    story.comes("b0", of_queue("b", work(1, 10)), at=2)
    story.comes("a1", of_queue("a", work(1, 10)), at=3)
    story.comes("b1", of_queue("b", work(1, 10)), at=4)
    story.live(15)
    assert story.starts == {"busy": 0, "a0": 10}
    story.center.set_queue("b", 1)
    assert story.live().starts == {"busy": 0, "a0": 10, "b0": 20, "b1": 30, "a1": 40}


def test_work_whose_priority_is_changed_while_it_waits_changes_its_place() -> None:
    story = Story.of(node("n", 1))
    story.comes("busy", work(1, 10))
    for place, name in enumerate("abc"):
        story.comes(name, work(1, 10), at=1 + place)
    story.live(5)
    story.center.change(story.ids["c"], priority=1, time_limit_s=10)
    assert story.waiting == ["c", "a", "b"]
    story.center.change(story.ids["c"], priority=0, time_limit_s=10)
    assert story.waiting == ["a", "b", "c"]
    story.center.change(story.ids["a"], priority=-1, time_limit_s=10)
    assert story.live().starts == {"busy": 0, "b": 10, "c": 20, "a": 30}


def test_a_limit_that_is_shortened_lets_work_pass_the_head() -> None:
    story = Story.of(node("n", 2))
    story.comes("busy", work(1, 20))
    story.comes("head", work(2, 10), at=1)
    story.comes("small", work(1, 50), at=2, takes=5)
    story.live(5)
    assert story.starts == {"busy": 0}
    story.center.change(story.ids["small"], priority=0, time_limit_s=15)
    assert story.live(5).live().starts == {"busy": 0, "small": 5, "head": 20}
