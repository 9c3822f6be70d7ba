"""Random centers live on as the planner then has them live on, with changes and without; and the figures are theirs."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.cycle import cycle
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.kernel.what_if.changes import Bounds, Changes
from suanli.kernel.what_if.compare import compare
from suanli.kernel.what_if.onward import live_on
from suanli.kernel.what_if.outcome import Comparison, Course
from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import QosName, RunId
from suanli.model.resources import NodeState
from tests.unit.kernel.scheduling.center import Center
from tests.unit.kernel.scheduling.test_at_random import LIMITS, STEPS, Life, decisions, picture, random_node
from tests.unit.kernel.what_if import plain

CENTERS = int(os.environ.get("SUANLI_CENTERS", "15"))
seeds = given(seed=st.integers(0, 2**32))
several = settings(max_examples=CENTERS, deadline=None)


class Unjudged(Life):
    """Events whose plans others judge."""

    def judge(self) -> None:
        """Not again."""


def random_center(seed: int) -> Center:
    """A center after some events, all that came of age or is stopping still there."""
    life = Unjudged(seed)
    for _ in range(STEPS):
        life.step()
    return life.center


def random_changes(center: Center, chance: Random) -> Changes:
    """Nodes that go down or come, work that is withdrawn or altered."""
    nodes = [replace(node, state=NodeState.DOWN) for node in center.nodes.values() if chance.random() < 0.4]
    if chance.random() < 0.3:
        nodes.append(random_node(chance, 9))
    waiting = sorted(center.waiting)
    cancelled = [workload for workload in waiting if chance.random() < 0.2]
    kept = [workload for workload in waiting if workload not in cancelled and chance.random() < 0.3]
    back: set[RunId] = {run for run in sorted(center.runs) if chance.random() < 0.5}
    return Changes(
        nodes=tuple(nodes),
        cancelled=tuple(cancelled),
        altered=tuple(
            WorkloadUpdated(
                workload=workload,
                time_limit_s=chance.choice(LIMITS),
                priority=chance.randint(0, 2),
                qos=QosName(chance.choice(["", "", "fast", "idle", "normal"])),
            )
            for workload in kept
        ),
        sent_back=plain.stopping(center) | back,
    )


def compared(center: Center, changes: Changes) -> Comparison:
    return compare(snapshot(center.state), center.now, center.policy, changes, Bounds())


def same(course: Course, lived: plain.Lived) -> None:
    """The course is what was lived."""
    starts = {workload: stay.start for workload, stay in course.stays.items() if stay.start is not None}
    assert starts == lived.starts
    assert {workload: course.stays[workload].nodes for workload in starts} == lived.nodes


@several
@seeds
def test_what_is_foreseen_is_what_the_planner_then_does(seed: int) -> None:
    center = random_center(seed)
    changes = random_changes(center, Random(seed))
    other = deepcopy(center)
    found = compared(center, changes)
    same(found.before, plain.live_on(center))
    plain.change(other, changes)
    same(found.after, plain.live_on(other))
    assert set(found.before.never) | set(found.after.never) >= {
        workload for workload in other.waiting if workload in center.waiting
    }


@several
@seeds
def test_without_a_change_both_sides_are_equal_and_the_center_is_as_it_was(seed: int) -> None:
    center = random_center(seed)
    changes = Changes(sent_back=plain.stopping(center))
    plan, told = center.plan(), picture(center, center.state)
    found = compared(center, changes)
    assert found.before == found.after
    assert compared(center, changes) == found
    assert (picture(center, center.state), center.plan()) == (told, plan)


@several
@seeds
def test_a_snapshot_and_its_center_do_not_notice_each_other(seed: int) -> None:
    center = random_center(seed)
    plan, told = center.plan(), picture(center, center.state)
    before = snapshot(center.state)
    live_on(snapshot(before), center.now, center.policy, Bounds(), set())
    assert picture(center, before) == told
    assert decisions(before, cycle(before, center.now, center.policy)) == decisions(center.state, plan)
    for run in list(center.runs):
        center.end(run)
    assert picture(replace(center, state=before), before) == told


@several
@seeds
def test_ends_that_are_seen_together_are_seen_at_multiples_of_the_grain(seed: int) -> None:
    center = random_center(seed)
    back = plain.stopping(center)
    course = live_on(snapshot(center.state), center.now, center.policy, Bounds(grain_s=60), back)
    starts = [stay.start for stay in course.stays.values() if stay.start is not None]
    assert all((start - center.now) % 60_000_000 == 0 for start in starts)
