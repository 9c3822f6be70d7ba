"""Days on which urgent work takes the place of work that may lose its own: whose, when, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.plan import Policy
from suanli.model.devices import DeviceRequest
from suanli.model.ids import QueueName
from tests.unit.kernel.scheduling.center import gpu, node
from tests.unit.kernel.scheduling.story import Story, urgent, work, yielding


def test_who_gives_way_leaves_a_second_later_and_starts_anew_afterwards() -> None:
    """One cpu. The urgent job comes at 5, has the cpu from 6 to 16, and the other runs its whole hundred from 16."""
    story = Story.of(node("n", 1))
    story.comes("low", yielding(work(1, 100)))
    story.comes("high", urgent(work(1, 10)), at=5)
    story.live()
    assert story.asked == {"low": 5}
    assert story.all_starts("low") == [0, 16]
    assert story.all_starts("high") == [6]
    assert story.second == 116


def test_work_that_is_about_to_end_gives_way_all_the_same_but_ends_by_itself() -> None:
    """It would have ended in the very second in which it leaves: then it does not start again, it waits anew."""
    story = Story.of(node("n", 1))
    story.comes("low", yielding(work(1, 6)))
    story.comes("high", urgent(work(1, 10)), at=5)
    story.live()
    assert story.starts["high"] == 6


@pytest.mark.parametrize(
    ("needed", "gone"),
    [
        pytest.param(1, {"d"}, id="the last to start"),
        pytest.param(2, {"c", "d"}, id="the last two"),
        pytest.param(3, {"b", "c", "d"}, id="the last three"),
        pytest.param(4, {"a", "b", "c", "d"}, id="all"),
    ],
)
def test_those_that_started_last_lose_the_least(needed: int, gone: set[str]) -> None:
    """Four cpus, a job on each, one started every ten seconds; at 40 somebody urgent wants so many cpus."""
    story = Story.of(node("n", 4))
    for place, name in enumerate("abcd"):
        story.comes(name, yielding(work(1, 1000)), at=10 * place)
    story.comes("high", urgent(work(needed, 10)), at=40)
    story.live(40)
    assert story.asked.keys() == gone
    story.live(41)
    assert story.starts["high"] == 41
    story.live(51)
    # All of them have their places back.
    assert not story.waiting
    assert {name for name in "abcd" if len(story.all_starts(name)) == 2} == gone


@pytest.mark.parametrize(
    ("free", "needed", "gone"),
    [
        pytest.param(0, 3, {"three"}, id="the one that suffices alone, though the last to start is another"),
        pytest.param(0, 1, {"one"}, id="the last to start suffices"),
        pytest.param(0, 4, {"three", "one"}, id="both"),
        pytest.param(1, 2, {"one"}, id="one beside what is free"),
        pytest.param(1, 4, {"three"}, id="three beside what is free"),
        pytest.param(1, 1, set(), id="what is free is enough"),
    ],
)
def test_nobody_gives_way_who_need_not(free: int, needed: int, gone: set[str]) -> None:
    """A job of three cpus and one of one that started later, and so many free cpus."""
    story = Story.of(node("n", 4 + free))
    story.comes("three", yielding(work(3, 1000)))
    story.comes("one", yielding(work(1, 1000)), at=1)
    story.comes("high", urgent(work(needed, 10)), at=2)
    story.live(2)
    assert set(story.asked) == gone


@pytest.mark.parametrize(
    ("low", "high", "yields"),
    [
        pytest.param(0, 1, True, id="a higher priority"),
        pytest.param(1, 1, False, id="the same"),
        pytest.param(2, 1, False, id="a lower one"),
        pytest.param(-5, 0, True, id="none against one below none"),
    ],
)
def test_only_strictly_lower_standing_gives_way(low: int, high: int, yields: bool) -> None:
    story = Story.of(node("n", 1))
    story.comes("low", urgent(yielding(work(1, 100)), low))
    story.comes("high", urgent(work(1, 10), high), at=5)
    story.live(5)
    assert bool(story.asked) is yields
    assert story.live().starts["high"] == (6 if yields else 100)


@pytest.mark.parametrize(
    ("queues", "own", "yields"),
    [
        pytest.param((0, 1), (9, 0), True, id="the queue goes before the work's own"),
        pytest.param((1, 0), (0, 9), False, id="both ways"),
        pytest.param((1, 1), (0, 9), True, id="of equal queues the work's own decides"),
        pytest.param((1, 1), (9, 9), False, id="equal in both"),
    ],
)
def test_the_standing_is_the_queues_and_then_the_works_own(
    queues: tuple[int, int], own: tuple[int, int], yields: bool
) -> None:
    story = Story.of(node("n", 1))
    for name, priority in zip(("lowq", "highq"), queues, strict=True):
        story.center.set_queue(name, priority)
    story.comes("low", replace(urgent(yielding(work(1, 100)), own[0]), queue=QueueName("lowq")))
    story.comes("high", replace(urgent(work(1, 10), own[1]), queue=QueueName("highq")), at=5)
    story.live(5)
    assert bool(story.asked) is yields


def test_nobody_gives_way_in_vain() -> None:
    """Of four cpus two are held by work that keeps its place: three can never be made room for, so nobody leaves."""
    story = Story.of(node("n", 4))
    story.comes("stays", work(2, 100))
    story.comes("low", yielding(work(2, 1000)))
    story.comes("high", urgent(work(3, 10)), at=5)
    story.live(5)
    assert story.asked == {}
    # Once what stays has ended two more cpus are free; then it makes sense.
    story.live(100)
    assert story.asked == {"low": 100}
    assert story.live(101).starts["high"] == 101


def test_work_of_another_node_that_is_of_no_use_stays() -> None:
    """The device is on the first node: what runs on the second, started last as it did, is left alone."""
    story = Story.of(node("gpu", 4, 16, gpu(0)), node("cpu", 4, 16))
    story.comes("on gpu", yielding(work(1, 1000, DeviceRequest())))
    story.comes("on cpu", yielding(work(4, 1000)), at=1)
    story.comes("high", urgent(work(1, 10, DeviceRequest())), at=2)
    story.live(2)
    assert story.asked == {"on gpu": 2}


def test_a_gang_gives_way_whole() -> None:
    """Four tasks on two nodes: one of the nodes is wanted, and the other becomes free with it."""
    story = Story.of(node("n1", 2), node("n2", 2))
    story.comes("gang", yielding(replace(work(1, 1000), tasks=4)))
    story.comes("high", urgent(work(2, 50)), at=5)
    story.comes("small", work(2, 20), at=5)
    story.live(6)
    assert story.starts == {"gang": 0, "high": 6, "small": 6}
    # It starts again when there is room for all of it.
    assert story.live().all_starts("gang") == [0, 56]


def test_the_place_that_was_made_is_for_the_head_and_for_nobody_else() -> None:
    """Two cpus become free at 6; in the second until then, and at 6, small work of the same standing waits in vain."""
    story = Story.of(node("n", 2))
    story.comes("low", yielding(work(2, 1000)))
    story.comes("head", urgent(work(2, 10)), at=5)
    story.comes("other", urgent(work(1, 10)), at=5)
    story.live(5)
    assert story.asked == {"low": 5}
    story.live()
    assert story.starts == {"low": 0, "head": 6, "other": 16}
    # Only one cpu is left beside the other job, and so the first waits until that has ended.
    assert story.all_starts("low") == [0, 26]


def test_while_somebody_leaves_nobody_else_is_asked_to() -> None:
    """The urgent job comes at 5 and a more urgent one in the same second: room is made for one, then for the other."""
    story = Story.of(node("n", 2))
    story.comes("a", yielding(work(1, 1000)))
    story.comes("b", yielding(work(1, 1000)), at=1)
    story.comes("urgent", urgent(work(1, 10), 1), at=5)
    story.comes("more urgent", urgent(work(1, 10), 2), at=5)
    story.live(5)
    assert story.asked == {"b": 5}
    story.live(7)
    assert story.starts["more urgent"] == 6
    assert story.starts["urgent"] == 7
    assert story.asked == {"b": 5, "a": 6}


def test_who_may_lose_its_own_place_takes_nobodys() -> None:
    story = Story.of(node("n", 1))
    story.comes("low", yielding(work(1, 30)))
    story.comes("high", yielding(urgent(work(1, 10))), at=5)
    assert story.live().starts == {"low": 0, "high": 30}
    assert story.asked == {}


def test_who_gave_way_stands_in_the_queue_by_when_it_may_start_again() -> None:
    """It comes back at 6, behind the one that has waited since 3."""
    story = Story.of(node("n", 1))
    story.comes("low", yielding(work(1, 50)))
    story.comes("since 3", work(1, 10), at=3)
    story.comes("high", urgent(work(1, 10)), at=5)
    story.live(6)
    assert story.waiting == ["since 3", "low"]
    assert story.live().starts["since 3"] == 16
    assert story.all_starts("low") == [0, 26]


def test_an_urgent_job_that_fits_beside_sends_nobody_away() -> None:
    story = Story.of(node("n", 2))
    story.comes("low", yielding(work(1, 50)))
    story.comes("high", urgent(work(1, 10)), at=5)
    assert story.live().starts == {"low": 0, "high": 5}
    assert story.asked == {}


def test_with_many_reservations_room_is_made_for_the_first_alone() -> None:
    """Two urgent jobs want a cpu each of the two; each turn makes room for the one that goes first."""
    story = Story.of(node("n", 2), policy=Policy(reservations=4))
    story.comes("low", yielding(work(2, 1000)))
    story.comes("one", urgent(work(2, 10)), at=5)
    story.comes("two", urgent(work(2, 10)), at=5)
    story.live()
    assert (story.starts["one"], story.starts["two"]) == (6, 16)
    assert story.all_starts("low") == [0, 26]


def test_a_cap_that_leaves_no_power_sends_nobody_away() -> None:
    """What the urgent job lacks is power, and the one that runs draws none of it: to send it away helps nobody."""
    card = gpu(0, watts=10)
    story = Story.of(node("n", 2, 16, card))
    story.center.cap_power(9)
    story.comes("low", yielding(work(2, 50)))
    story.comes("high", urgent(work(1, 10, DeviceRequest())), at=5)
    story.live(20)
    assert story.asked == {}
    assert "high" not in story.starts
