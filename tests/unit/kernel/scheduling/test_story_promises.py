"""What a center tells of the time to come, and what then comes: promises are kept, and nothing is left undone."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import Decision, Policy
from suanli.model.devices import DeviceRequest
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import gpu, node
from tests.unit.kernel.scheduling.story import Story, work

CARD, PART = DeviceRequest(), DeviceRequest(share=500)
SPECS = st.builds(
    lambda cpus, limit, devices, tasks: replace(work(cpus, limit, devices), tasks=tasks),
    st.integers(1, 4),
    st.integers(1, 20),
    st.sampled_from([None, None, None, CARD, PART]),
    st.sampled_from([1, 1, 1, 2, 3]),
)
NODES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=3).map(
    lambda rows: [node(f"n{place}", cpus, 64, *map(gpu, range(cards))) for place, (cpus, cards) in enumerate(rows)]
)
PLAIN = st.builds(work, st.integers(1, 4), st.integers(1, 20))
ONE_NODE = st.integers(1, 6).map(lambda cpus: [node("n", cpus, 64)])
"""There promises never move back though everybody has one (record 0032)."""
COMING = st.lists(st.tuples(SPECS, st.integers(0, 10), st.integers(1, 20)), min_size=1, max_size=8)
"""Specs, when they come, and how long they would take without a limit."""
SOON, EVERYBODY = Policy(), Policy(reservations=100)


def day(nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]], policy: Policy, *, punctual: bool) -> Story:
    """Work that takes all of its limit, or as long as it takes."""
    story = Story.of(*nodes, policy=policy)
    story.is_trusted = True
    for number, (spec, at, takes) in enumerate(coming):
        story.comes(f"w{number}", spec, at, spec.time_limit_s if punctual else min(takes, spec.time_limit_s))
    return story


@settings(max_examples=25)
@given(ONE_NODE, st.lists(st.tuples(PLAIN, st.integers(0, 10), st.just(0)), min_size=1, max_size=8))
def test_a_reservation_for_everybody_is_kept_and_only_ever_moved_forward(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    story = day(nodes, coming, EVERYBODY, punctual=True)
    promised: dict[str, int] = {}
    for second in range(11):
        for name, (start, _) in story.live(second).kept().items():
            assert start <= promised.get(name, start)
            promised[name] = start
    starts = story.live().starts
    for name, start in promised.items():
        assert starts[name] <= start


@settings(max_examples=25)
@given(NODES, COMING)
def test_nobody_starts_later_than_was_once_promised_though_others_end_early(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    """The promise is made to the first in line, anew each second, and never taken back."""
    story = day(nodes, coming, SOON, punctual=False)
    promised: dict[str, int] = {}
    for second in range(200):
        for name, (start, _) in story.live(second).kept().items():
            promised[name] = min(start, promised.get(name, start))
    for name, start in promised.items():
        assert story.starts[name] <= start


@settings(max_examples=25)
@given(NODES, COMING)
def test_the_first_in_line_is_told_when_it_will_start(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    """Where all take their limits and nobody comes any more, the head starts in the second that it is told."""
    story = day(nodes, coming, SOON, punctual=True).live(10)
    for name in story.waiting:
        told = story.why(name)
        if told.decision is Decision.NEVER:
            assert story.foreseen(name) is None
            continue
        start, is_head = story.foreseen(name), name in story.kept()
        assert start is not None
        assert start > story.second
        assert story.live().starts[name] == start or not is_head
        break


@settings(max_examples=25)
@given(NODES, COMING)
def test_whoever_is_told_to_start_now_does(nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]) -> None:
    story = day(nodes, coming, SOON, punctual=False)
    for second in range(0, 30, 3):
        story.live(second)
        # Everything that could start has started: nobody is told "now".
        assert {story.why(name).decision for name in story.waiting} <= {Decision.LATER, Decision.NEVER}


@settings(max_examples=25)
@given(NODES, COMING, st.integers(0, 10))
def test_a_center_with_room_keeps_nobody_waiting(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]], second: int
) -> None:
    """Of what waits, nothing fits beside what runs, unless a place is kept that it would take."""
    story = day(nodes, coming, SOON, punctual=False).live(second)
    for name in story.waiting:
        spec = story.center.specs[story.ids[name]]
        # A job that is gone within a second delays nobody.
        story.center.withdraw(story.ids[name])
        guest = story.center.add(replace(spec, time_limit_s=1))
        placed = {row.workload for row in story.center.plan().placements}
        fits_alone = guest in placed
        story.center.withdraw(guest)
        heads = set(story.kept())
        story.names[again := story.center.add(spec)] = name
        story.ids[name], story.takes[again] = again, spec.time_limit_s
        if fits_alone and not heads:
            assert again in {row.workload for row in story.center.plan().placements}


@settings(max_examples=25)
@given(NODES, COMING)
def test_all_that_can_ever_be_held_runs_in_the_end(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    for policy in (SOON, EVERYBODY, Policy(reservations=2)):
        story = day(nodes, coming, policy, punctual=False).live()
        assert not story.center.runs
        for name in story.ids:
            if name not in story.starts:
                assert story.why(name).decision is Decision.NEVER


@settings(max_examples=25)
@given(ONE_NODE, st.lists(st.tuples(PLAIN, st.integers(0, 10), st.just(0)), min_size=1, max_size=8))
def test_with_a_reservation_for_everybody_a_late_comer_delays_no_one(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    """All take their limits; the day is lived with its last one and without it."""
    coming = sorted(coming, key=lambda one: one[1])
    with_it = day(nodes, coming, EVERYBODY, punctual=True).live().starts
    without = day(nodes, coming[:-1], EVERYBODY, punctual=True)
    promised = {name: start for name, (start, _) in without.live(coming[-1][1]).kept().items()}
    for name, start in promised.items():
        assert with_it[name] <= start


@settings(max_examples=25)
@given(NODES, COMING)
def test_nobody_passes_anybody_of_the_same_demand(
    nodes: list[Node], coming: list[tuple[WorkloadSpec, int, int]]
) -> None:
    coming = sorted(coming, key=lambda one: one[1])
    for policy in (SOON, EVERYBODY):
        story = day(nodes, coming, policy, punctual=False).live()
        for first, (spec, _, _) in enumerate(coming):
            for second in range(first + 1, len(coming)):
                if coming[second][0] == spec and f"w{second}" in story.starts:
                    assert story.starts[f"w{first}"] <= story.starts[f"w{second}"]
