"""Days of few jobs whose every start can be worked out on paper: the head, what passes it, and what must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.plan import Decision, Policy, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import asks, gpu, node
from tests.unit.kernel.scheduling.story import Story, urgent, work


def test_who_comes_first_starts_first_where_all_ask_for_the_same() -> None:
    """One node of one cpu, three jobs of ten seconds."""
    story = Story.of(node("n", 1))
    for name in ("a", "b", "c"):
        story.comes(name, work(1, 10))
    assert story.live().starts == {"a": 0, "b": 10, "c": 20}


def test_work_that_ends_early_lets_the_next_start_early() -> None:
    """It may take ten seconds and takes four: the next is expected at ten and starts at four."""
    story = Story.of(node("n", 1))
    story.comes("a", work(1, 10), takes=4)
    story.comes("b", work(1, 10), at=1)
    story.live(1)
    assert story.foreseen("b") == 10
    assert story.live().starts == {"a": 0, "b": 4}


@pytest.mark.parametrize(
    ("limit", "starts"),
    [
        pytest.param(9, 1, id="gone a second before the head starts"),
        pytest.param(10, 10 + 5, id="a second too long: behind the head"),
        pytest.param(0, 10 + 5, id="for ever"),
    ],
)
def test_a_backfill_that_just_fits_and_one_that_just_does_not(limit: int, starts: int) -> None:
    """Four cpus, three taken until 10; the head wants all four for five seconds. One cpu is free until then."""
    story = Story.of(node("n", 4))
    story.comes("long", work(3, 10))
    story.comes("head", work(4, 5), at=1)
    # At second 1 there are nine seconds left.
    story.comes("small", work(1, limit), at=1)
    story.live(200)
    assert story.starts == {"long": 0, "head": 10, "small": starts}


def test_a_backfill_may_outlast_the_heads_start_on_what_the_head_leaves() -> None:
    """Six cpus, four taken until 10; the head wants five: one cpu is nobody's even then, the other is the head's."""
    story = Story.of(node("n", 6))
    story.comes("long", work(4, 10))
    story.comes("head", work(5, 5), at=1)
    story.comes("first", work(1, 50), at=2)
    story.comes("second", work(1, 50), at=2)
    story.comes("short", work(1, 8), at=2)
    assert story.live().starts == {"long": 0, "head": 10, "first": 2, "short": 2, "second": 15}


def test_the_head_keeps_its_turn_though_small_work_never_stops_coming() -> None:
    """Two cpus; each second a job of one cpu and three seconds comes. The head of two cpus must not starve."""
    story = Story.of(node("n", 2))
    for second in range(20):
        story.comes(f"s{second}", work(1, 3), at=second)
    story.comes("head", work(2, 5), at=4)
    story.live()
    # s0 0-3, s1 1-4, s2 3-6, s3 4-7, s4 6-9: then the head is first; from 7 to 9 nothing of three seconds fits.
    assert [story.starts[f"s{number}"] for number in range(5)] == [0, 1, 3, 4, 6]
    assert story.starts["head"] == 9
    assert (story.starts["s5"], story.starts["s6"]) == (14, 14)


def test_a_head_that_waits_for_the_widest_node_lets_others_use_the_narrow_ones() -> None:
    """The head needs the node of eight cpus that is taken until 100; two nodes of two cpus are of no use to it."""
    story = Story.of(node("wide", 8), node("n1", 2), node("n2", 2))
    story.comes("holder", work(8, 100))
    story.comes("head", work(5, 10), at=1)
    for name in ("a", "b", "c"):
        story.comes(name, work(2, 1000), at=2)
    story.live(99)
    assert story.starts == {"holder": 0, "a": 2, "b": 2}
    assert (story.nodes_of("a"), story.nodes_of("b")) == ({"n1": 1}, {"n2": 1})
    story.live(100)
    # What the head leaves of the wide node goes to the next.
    assert (story.starts["head"], story.starts["c"]) == (100, 100)
    assert (story.nodes_of("head"), story.nodes_of("c")) == ({"wide": 1}, {"wide": 1})


def test_what_the_head_leaves_of_its_node_may_be_taken_for_long() -> None:
    """The same, but the next asks for no more than the head will leave: three of eight cpus."""
    story = Story.of(node("wide", 8))
    story.comes("holder", work(5, 100))
    story.comes("head", work(5, 10), at=1)
    story.comes("long", work(3, 1000), at=2)
    assert story.live(100).starts == {"holder": 0, "long": 2, "head": 100}


def test_a_gang_waits_until_there_is_room_for_all_of_it_at_once() -> None:
    """Three nodes of two cpus, taken until 5, 7 and 20: four tasks of a cpu have room once two of them are free."""
    story = Story.of(*(node(name, 2) for name in ("n1", "n2", "n3")))
    for name, limit in (("a", 5), ("b", 7), ("c", 20)):
        story.comes(name, work(2, limit))
    story.comes("gang", replace(work(1, 10), tasks=4), at=1)
    story.live(1)
    assert story.kept() == {"gang": (7, {"n1": 2, "n2": 2})}
    assert story.live(7).starts["gang"] == 7
    assert story.nodes_of("gang") == {"n1": 2, "n2": 2}


@pytest.mark.parametrize(("limit", "start"), [(5, 2), (6, 17)])
def test_a_gap_before_the_gang_is_used_as_long_as_it_is(limit: int, start: int) -> None:
    """Of the same three nodes the first is free from 5; a gang needs two from 12. What comes at 5 has 7 seconds."""
    story = Story.of(*(node(name, 2) for name in ("n1", "n2", "n3")))
    story.comes("b", work(2, 7))
    story.comes("c", work(2, 20))
    story.comes("gang", replace(work(1, 10), tasks=4), at=1)
    story.comes("gap", work(2, limit), at=2)
    story.live()
    assert story.starts == {"b": 0, "c": 0, "gang": 7, "gap": start}


def test_whole_nodes_are_waited_for_one_after_the_other() -> None:
    """Two nodes; each job wants both of them for itself, though it asks for a cpu only."""
    alone = replace(work(1, 10), tasks=2, nodes=2, exclusive=True)
    story = Story.of(node("n1", 8), node("n2", 8))
    story.comes("first", alone)
    story.comes("second", alone)
    story.comes("small", work(1, 5), at=1)
    assert story.live().starts == {"first": 0, "second": 10, "small": 20}


def test_small_work_passes_a_head_that_wants_nodes_to_itself_only_where_it_is_gone() -> None:
    """One node is free until the head can have both, from 10 on."""
    alone = replace(work(1, 10), tasks=2, nodes=2, exclusive=True)
    story = Story.of(node("n1", 8), node("n2", 8))
    story.comes("busy", work(8, 10))
    story.comes("head", alone, at=1)
    story.comes("fits", work(1, 9), at=1)
    story.comes("does not", work(1, 10), at=1)
    assert story.live().starts == {"busy": 0, "fits": 1, "head": 10, "does not": 20}


def test_the_head_is_who_goes_first_and_not_who_came_first() -> None:
    """Both want the whole node that is free from 10; the urgent one came later."""
    story = Story.of(node("n", 2))
    story.comes("busy", work(2, 10))
    story.comes("plain", work(2, 5), at=1)
    story.comes("urgent", urgent(work(2, 5)), at=5)
    story.live(4)
    assert list(story.kept()) == ["plain"]
    story.live(5)
    assert story.kept() == {"urgent": (10, {"n": 1})}
    assert story.live().starts == {"busy": 0, "urgent": 10, "plain": 15}


def test_the_reservation_goes_to_the_next_when_the_head_is_withdrawn() -> None:
    story = Story.of(node("n", 2))
    story.comes("busy", work(2, 10))
    story.comes("head", work(2, 5), at=1)
    story.comes("next", work(2, 5), at=2)
    story.live(3)
    story.center.withdraw(story.ids["head"])
    assert story.kept() == {"next": (10, {"n": 1})}
    assert story.live().starts == {"busy": 0, "next": 10}


def test_a_head_starts_earlier_than_promised_but_never_later() -> None:
    """Two of four cpus are to be free at 8 and the rest at 20; the first to end ends late by its limit, not later."""
    story = Story.of(node("n", 4))
    story.comes("a", work(2, 20), takes=6)
    story.comes("b", work(2, 8))
    story.comes("head", work(4, 5), at=1)
    story.comes("filler", work(1, 100), at=2)
    assert [story.live(second).kept()["head"][0] for second in (1, 3, 5)] == [20, 20, 20]
    story.live(6)
    # The longer one ended early: two cpus are free and two more from 8. The filler would have kept the head waiting.
    assert story.kept()["head"][0] == 8
    assert story.live().starts == {"a": 0, "b": 0, "head": 8, "filler": 13}


DEVICE = DeviceRequest()


def test_a_head_that_waits_for_devices_leaves_cpus_to_work_without() -> None:
    """The node's two devices are taken until 10, most of its cpus are free; the head needs two cpus and a device."""
    story = Story.of(node("n", 16, 64, gpu(0), gpu(1)))
    story.comes("a", work(1, 10, DEVICE))
    story.comes("b", work(1, 30, DEVICE))
    story.comes("head", work(2, 5, DEVICE), at=1)
    story.comes("cpus", work(12, 1000), at=2)
    story.comes("too many", work(3, 1000), at=2)
    story.live(9)
    # Of sixteen cpus two are taken and twelve are had at once; the two that are left now are for the head.
    assert story.starts == {"a": 0, "b": 0, "cpus": 2}
    assert story.live().starts == {"a": 0, "b": 0, "cpus": 2, "head": 10, "too many": 15}


def test_parts_of_a_device_are_backfilled_beside_each_other() -> None:
    """One device; half of it is taken until 10, the head wants all of it. Two tenths at a time fit until then."""
    half, tenth = DeviceRequest(share=500), DeviceRequest(share=250)
    story = Story.of(node("n", 16, 64, gpu(0)))
    story.comes("half", work(1, 10, half))
    story.comes("head", work(1, 5, DEVICE), at=1)
    for name, limit in (("a", 9), ("b", 9), ("c", 5), ("d", 10)):
        story.comes(name, work(1, limit, tenth), at=1)
    assert story.live().starts == {"half": 0, "a": 1, "b": 1, "head": 10, "c": 15, "d": 15}


def test_an_endless_holder_makes_a_start_that_nobody_can_foresee_and_bars_nobody() -> None:
    """The head needs what a service holds for ever: whoever has room starts, however long."""
    story = Story.of(node("n", 4))
    story.comes("service", WorkloadSpec(resources=asks(2)))
    story.comes("head", work(3, 10), at=1)
    story.comes("long", work(2, 1000), at=2)
    story.live(3)
    assert story.starts == {"service": 0, "long": 2}
    told = story.why("head")
    assert (told.decision, told.earliest_start, told.unforeseen) == (Decision.LATER, None, ReasonCode.NO_TIME_LIMIT)


def test_work_that_overstays_is_expected_to_end_at_any_second() -> None:
    """It may take ten seconds and takes thirty; what would be gone within the next second may pass, nothing else."""
    story = Story.of(node("n", 2))
    story.comes("late", work(1, 10), takes=30)
    story.comes("head", work(2, 5), at=1)
    story.comes("one", work(1, 1), at=15)
    story.comes("two", work(1, 2), at=15)
    story.live(15)
    assert story.kept()["head"][0] == 16
    assert story.live().starts == {"late": 0, "one": 15, "head": 30, "two": 35}


def test_what_passes_is_taken_in_the_order_of_the_queue_and_not_of_its_length() -> None:
    """One cpu is free for nine seconds: the first that is short enough has it, though another would fill it better."""
    story = Story.of(node("n", 4))
    story.comes("long", work(3, 10))
    story.comes("head", work(4, 5), at=1)
    story.comes("three", work(1, 3), at=1)
    story.comes("nine", work(1, 9), at=1)
    story.comes("six", work(1, 6), at=1)
    assert story.live().starts == {"long": 0, "three": 1, "six": 4, "head": 10, "nine": 15}


MANY = Policy(reservations=2)


def test_with_two_reservations_the_second_in_line_is_not_delayed_either() -> None:
    """Five cpus: two end at 10, two at 20. The head wants two, from 10 to 20; the second in line wants all five.

    The fifth cpu is nobody's beside the head: with one reservation a filler has it for long, and the second waits.
    """

    def day(policy: Policy) -> dict[str, int]:
        story = Story.of(node("n", 5), policy=policy)
        story.comes("a", work(2, 10))
        story.comes("b", work(2, 20))
        story.comes("head", work(2, 10), at=1)
        story.comes("second", work(5, 5), at=1)
        story.comes("filler", work(1, 40), at=2)
        return story.live().starts

    assert day(Policy()) == {"a": 0, "b": 0, "filler": 2, "head": 10, "second": 42}
    assert day(MANY) == {"a": 0, "b": 0, "head": 10, "second": 20, "filler": 25}


def test_with_two_reservations_the_third_in_line_may_still_be_passed() -> None:
    """The same with one more in front of the second: it is third then, and the filler passes it."""
    story = Story.of(node("n", 5), policy=MANY)
    story.comes("a", work(2, 10))
    story.comes("b", work(2, 20))
    story.comes("head", work(2, 10), at=1)
    story.comes("other", work(2, 10), at=1)
    story.comes("third", work(5, 5), at=1)
    story.comes("filler", work(1, 40), at=2)
    # Both of the first have theirs from 10 and from 20 on.
    story.live(2)
    assert story.kept() == {"head": (10, {"n": 1}), "other": (20, {"n": 1})}
    assert story.live().starts == {"a": 0, "b": 0, "filler": 2, "head": 10, "other": 20, "third": 42}
