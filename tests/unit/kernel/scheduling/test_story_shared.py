"""Days on which other things than room are short: time before a repair, licenses, power, quotas; or forms are many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.plan import Decision, Policy, ReasonCode
from suanli.model.devices import DeviceRequest
from suanli.model.ids import LicenseName, NodeName, ReservationName
from suanli.model.quantities import Instant
from suanli.model.quota import Quota, QuotaScope
from suanli.model.resources import NodeState
from suanli.model.spec import ArraySpec, Request, WorkloadSpec
from tests.unit.kernel.scheduling.center import BEGIN, OWNERS, PROJECT, SECOND, asks, gpu, node
from tests.unit.kernel.scheduling.story import Story, urgent, work, yielding

CARD = DeviceRequest()
SOLVER = LicenseName("solver")


def licensed(spec: WorkloadSpec, count: int = 1) -> WorkloadSpec:
    return replace(spec, licenses={SOLVER: count})


# Time.


@pytest.mark.parametrize(
    ("limit", "start"),
    [
        pytest.param(18, 1, id="done a second before the repair"),
        pytest.param(19, 1, id="done as it begins"),
        pytest.param(20, 30, id="a second too long"),
        pytest.param(0, 30, id="without end"),
    ],
)
def test_before_a_repair_starts_only_what_is_done_by_then(limit: int, start: int) -> None:
    """One node, that is repaired from 20 to 30; work comes at 1."""
    story = Story.of(node("n", 1))
    story.center.reserve("repair", 20, 30, "n")
    story.comes("job", work(1, limit), at=1)
    # A turn at 30, when the repair is over: somebody comes.
    story.comes("later", work(1, 1), at=30)
    story.live(60)
    assert story.starts["job"] == start


def test_work_is_foreseen_past_the_repair_and_what_fits_in_front_goes_first() -> None:
    story = Story.of(node("n", 2))
    story.center.reserve("repair", 20, 30, "n")
    story.comes("long", work(2, 25), at=1)
    story.comes("short", work(1, 15), at=2)
    story.comes("medium", work(1, 18), at=2)
    story.comes("too long", work(1, 19), at=2)
    story.live(2)
    assert story.foreseen("long") == 30
    assert story.starts == {"short": 2, "medium": 2}
    assert story.waiting == ["long", "too long"]
    story.comes("alarm", work(1, 1), at=30)
    assert story.live(30).starts["long"] == 30


def test_one_of_two_nodes_is_repaired_and_the_other_takes_the_long_work() -> None:
    """By its score the small node would be taken first; but it is set aside from 10 on."""
    story = Story.of(node("small", 1), node("large", 4))
    story.center.reserve("repair", 10, 20, "small")
    story.comes("long", work(1, 50))
    story.comes("short", work(1, 10))
    story.live(0)
    assert (story.nodes_of("long"), story.nodes_of("short")) == ({"large": 1}, {"small": 1})


def test_a_course_has_its_node_for_its_own_work_and_nobody_elses() -> None:
    story = Story.of(node("a", 2), node("b", 2))
    story.center.reserve("course", 10, 50, "a", use=True)
    course = replace(work(2, 20), reservation=ReservationName("course"))
    story.comes("in time", course)
    story.comes("guest", work(2, 100), at=1)
    story.comes("other", work(2, 100), at=2)
    story.comes("second", course, at=12)
    story.live(9)
    # It waits for its reservation though a node stands empty; the others keep off that node.
    assert story.starts == {"guest": 1}
    assert story.nodes_of("guest") == {"b": 1}
    story.comes("bell", work(1, 1), at=10)
    story.live(45)
    assert (story.starts["in time"], story.starts["second"]) == (10, 30)
    assert story.nodes_of("second") == {"a": 1}
    # It is over at 50; the bell, which came in between, has gone by then, or waits behind.
    assert story.waiting[0] == "other"


def test_work_that_would_outlast_its_reservation_waits_for_ever() -> None:
    story = Story.of(node("a", 2))
    story.center.reserve("course", 0, 50, "a", use=True)
    story.comes("long", replace(work(1, 51), reservation=ReservationName("course")), at=1)
    story.comes("fits", replace(work(1, 49), reservation=ReservationName("course")), at=1)
    story.live(1)
    assert story.starts == {"fits": 1}
    assert story.why("long").earliest_start is None


def test_a_deadline_is_met_by_the_form_that_is_quick_enough() -> None:
    """It must be done by 60. On a card it takes 30 seconds, on cpus 50; the card is taken until 20, then until 45."""
    story = Story.of(node("n", 4, 16, gpu(0)))
    forms = replace(
        work(1, 30, CARD),
        deadline=Instant(BEGIN + 60 * SECOND),
        alternatives=(Request(resources=asks(2), time_limit_s=50),),
    )
    story.comes("card", work(1, 20, CARD))
    story.comes("cpus", work(3, 100))
    story.comes("job", forms, at=1)
    story.live(1)
    # At 20 it is done by 50; the cpus come far too late.
    assert story.foreseen("job") == 20
    assert story.live(20).starts["job"] == 20


# Licenses.


def test_licenses_are_passed_on_one_after_the_other() -> None:
    """Two of a license and plenty of room: two at a time."""
    story = Story.of(node("n", 99))
    story.center.set_license("solver", 2)
    for number in range(5):
        story.comes(f"w{number}", licensed(work(1, 10 + number)))
    assert story.live().starts == {"w0": 0, "w1": 0, "w2": 10, "w3": 11, "w4": 22}


def test_who_needs_both_licenses_is_not_starved_by_a_stream_that_needs_one() -> None:
    """One ends at 10, the other at 12: until then only what has given it back by 12 may have the first."""
    story = Story.of(node("n", 99))
    story.center.set_license("solver", 2)
    story.comes("a", licensed(work(1, 10)))
    story.comes("b", licensed(work(1, 12)))
    story.comes("both", licensed(work(1, 5), 2), at=1)
    story.comes("too long", licensed(work(1, 3)), at=2)
    story.comes("just fits", licensed(work(1, 2)), at=3)
    story.comes("without", work(1, 500), at=4)
    assert story.live().starts == {"a": 0, "b": 0, "without": 4, "just fits": 10, "both": 12, "too long": 17}


def test_room_that_waits_for_a_license_is_open_to_others() -> None:
    """Who lacks a license is not the head: all the room is anybody's, and it starts where there is some left."""
    story = Story.of(node("n", 2))
    story.center.set_license("solver", 1)
    story.comes("holder", licensed(work(1, 10)))
    story.comes("lacks", licensed(work(2, 5)), at=1)
    story.comes("other", work(1, 30), at=2)
    story.live(10)
    assert story.starts == {"holder": 0, "other": 2}
    told = story.why("lacks")
    assert told.decision is Decision.LATER
    assert ReasonCode.CPU in {reason.code for reason in told.reasons}
    assert story.live().starts["lacks"] == 32


def test_licenses_that_are_bought_are_had_in_the_next_turn() -> None:
    story = Story.of(node("n", 9))
    story.center.set_license("solver", 1)
    story.comes("a", licensed(work(1, 50)))
    story.comes("b", licensed(work(1, 50)))
    story.live(5)
    assert story.starts == {"a": 0}
    story.center.set_license("solver", 2)
    assert story.live(6).starts == {"a": 0, "b": 6}


# Power.


def cards(watts: int, cap: int, count: int = 4) -> Story:
    """A node of cards that draw so much each, under a cap."""
    story = Story.of(node("n", 16, 64, *(gpu(index, watts=watts) for index in range(count))))
    story.center.cap_power(cap)
    return story


def test_a_cap_lets_so_many_cards_be_busy_at_a_time() -> None:
    """Four cards of 300 W under 700 W: two at a time."""
    story = cards(300, 700)
    for number in range(4):
        story.comes(f"w{number}", work(1, 10, CARD))
    story.comes("cpus", work(1, 10))
    assert story.live().starts == {"w0": 0, "w1": 0, "cpus": 0, "w2": 10, "w3": 10}


def test_who_waits_for_power_gets_it_though_small_work_keeps_coming() -> None:
    """A whole card after the halves of one that come every second; two of these may run at a time beside a whole."""
    story = cards(300, 450)
    half = DeviceRequest(share=500)
    for second in range(12):
        story.comes(f"h{second}", work(1, 4, half), at=second)
    story.comes("whole", work(1, 5, CARD), at=3)
    story.live()
    # Three halves run at a time: from 0, 1 and 2, then the fourth comes at 3 and waits for 4.
    assert [story.starts[f"h{second}"] for second in range(4)] == [0, 1, 2, 4]
    # Then the whole one is first; of the three that run two have ended at 6, and the cap leaves 300 W.
    assert story.starts["whole"] == 6


def test_a_raised_cap_is_used_in_the_next_turn_and_a_lowered_one_ends_nobody() -> None:
    story = cards(300, 300)
    for number in range(3):
        story.comes(f"w{number}", work(1, 20, CARD))
    story.live(5)
    assert story.starts == {"w0": 0}
    story.center.cap_power(900)
    assert story.live(6).starts == {"w0": 0, "w1": 6, "w2": 6}
    story.center.cap_power(100)
    story.comes("next", work(1, 5, CARD), at=7)
    story.live(30)
    assert "next" not in story.starts
    assert len(story.center.runs) == 0
    assert story.why("next").decision is Decision.NEVER


# Quotas and arrays.


def test_an_array_runs_as_many_at_a_time_as_it_says() -> None:
    """Ten elements of ten seconds, three at a time, on a node with room for all."""
    story = Story.of(node("n", 99))
    center = story.center
    spec = replace(work(1, 10), array=ArraySpec(indices=tuple(range(10)), max_running=3))
    for number, workload in enumerate(center.submit(spec, 10)):
        story.names[workload], story.ids[f"e{number}"], story.takes[workload] = f"e{number}", workload, 10
    story.comes("other", work(1, 10))
    story.live()
    assert [story.starts[f"e{number}"] for number in range(10)] == [0, 0, 0, 10, 10, 10, 20, 20, 20, 30]
    assert story.starts["other"] == 0


@pytest.mark.parametrize(
    ("amounts", "together"),
    [
        pytest.param({"runs": 2}, 2, id="runs"),
        pytest.param({"cpu_milli": 5000}, 2, id="cpus: two and a half"),
        pytest.param({"cpu_milli": 6000}, 3, id="cpus: three"),
        pytest.param({"memory_bytes": 2**30}, 1, id="memory"),
        pytest.param({"runs": 3, "cpu_milli": 2000}, 1, id="the tighter of two"),
        pytest.param({}, 4, id="no bound"),
    ],
)
def test_a_quota_lets_so_many_run_at_a_time(amounts: dict[str, int], together: int) -> None:
    """Four jobs of two cpus and a GiB each of one project, on a node with room for all of them."""
    story = Story.of(node("n", 8))
    story.center.set_quota(Quota(scope=QuotaScope.PROJECT, name=PROJECT, **amounts))
    for number in range(4):
        story.comes(f"w{number}", work(2, 10))
    story.live()
    assert [story.starts[f"w{number}"] for number in range(4)] == [10 * (number // together) for number in range(4)]


def test_who_is_at_the_quota_is_passed_by_others_and_keeps_nothing() -> None:
    """Each user may have one run; the second of the first user waits for the first, and the others go on."""
    story = Story.of(node("n", 3))
    story.center.set_quota(Quota(scope=QuotaScope.PROJECT_USER, name=PROJECT, runs=1))
    for number in range(6):
        story.comes(f"w{number}", work(1, 10 + number))
    story.live()
    owners = [OWNERS[(number + 1) % 3] for number in range(6)]
    assert owners[:3] == owners[3:]
    assert [story.starts[f"w{number}"] for number in range(6)] == [0, 0, 0, 10, 11, 12]


# Forms.


def test_moldable_work_takes_what_is_left_and_keeps_it() -> None:
    """From two to six tasks: four cpus are left of ten. When six more become free at 5, it stays at four."""
    story = Story.of(node("n", 10))
    story.comes("busy", work(6, 5))
    story.comes("moldable", replace(work(1, 20), tasks=6, min_tasks=2))
    story.comes("late", work(6, 5), at=5)
    story.live()
    assert story.nodes_of("moldable") == {"n": 4}
    assert story.starts == {"busy": 0, "moldable": 0, "late": 5}


def test_moldable_work_that_waits_is_kept_the_least_and_starts_with_more() -> None:
    """Of four cpus none is free until 10, one is then, and three more at 12: it needs two and may have four."""
    story = Story.of(node("n", 4))
    story.comes("a", work(1, 10))
    story.comes("b", work(3, 12))
    story.comes("moldable", replace(work(1, 20), tasks=4, min_tasks=2), at=1)
    story.live(1)
    assert story.kept() == {"moldable": (12, {"n": 2})}
    assert story.live().starts["moldable"] == 12
    assert story.nodes_of("moldable") == {"n": 4}


def test_the_form_that_can_start_now_is_taken_though_a_better_one_is_soon_free() -> None:
    story = Story.of(node("card", 4, 16, gpu(0)), node("cpus", 8, 32))
    forms = replace(work(1, 10, CARD), alternatives=(Request(resources=asks(8), time_limit_s=40),))
    story.comes("busy", work(1, 3, CARD))
    story.comes("job", forms, at=1)
    story.live(1)
    assert story.nodes_of("job") == {"cpus": 1}
    story.comes("next", forms, at=2)
    # For the next one both are taken: the card is free first.
    story.live(2)
    assert story.kept() == {"next": (3, {"card": 1})}
    assert story.live().starts == {"busy": 0, "job": 1, "next": 3}


def test_work_moves_to_another_node_when_its_own_is_drained() -> None:
    """Nothing that runs is touched; what waits goes elsewhere, and what was kept is kept elsewhere."""
    story = Story.of(node("a", 4), node("b", 2))
    story.comes("on a", work(4, 10))
    story.comes("on b", work(2, 30))
    story.comes("head", work(2, 5), at=1)
    story.live(1)
    assert story.kept() == {"head": (10, {"a": 1})}
    story.center.set_node(replace(story.center.nodes[NodeName("a")], state=NodeState.DRAINING))
    assert story.kept() == {"head": (30, {"b": 1})}
    assert story.live().starts == {"on a": 0, "on b": 0, "head": 30}


def test_a_node_that_comes_is_used_at_once() -> None:
    story = Story.of(node("a", 2))
    story.comes("busy", work(2, 100))
    story.comes("head", work(2, 10), at=1)
    story.live(5)
    assert list(story.starts) == ["busy"]
    story.center.set_node(node("b", 2))
    assert story.live(6).starts["head"] == 6
    assert story.nodes_of("head") == {"b": 1}


def test_a_day_with_everything_at_once() -> None:
    """Two nodes: four cpus with a card of 200 W, and eight cpus. One license, a cap of 200 W, b is repaired from 40."""
    story = Story.of(node("a", 4, 16, gpu(0, watts=200)), node("b", 8, 32), policy=Policy(reservations=2))
    story.center.cap_power(200)
    story.center.set_license("solver", 1)
    story.center.reserve("repair", 40, 60, "b")
    story.comes("train", work(2, 30, CARD))
    story.comes("solve", licensed(work(4, 20)), at=1)
    # The second training lacks the card and the power until 30; its cpus are kept then.
    story.comes("train 2", work(2, 10, CARD), at=2)
    # The second solving lacks the license until 21.
    story.comes("solve 2", licensed(work(2, 10)), at=3)
    # Too long for b before the repair; on a are two cpus beside the training, and beside the one that follows it.
    story.comes("long", work(2, 100), at=4)
    story.comes("fills", work(4, 35), at=5)
    story.comes("urgent", urgent(work(2, 5)), at=6)
    story.comes("yields", yielding(work(2, 200)), at=7)
    story.live(39)
    assert story.starts == {
        "train": 0,
        "solve": 1,
        "long": 4,
        "fills": 5,
        "solve 2": 21,
        "urgent": 21,
        "train 2": 30,
    }
    assert story.nodes_of("long") == {"a": 1}
    assert story.waiting == ["yields"]
