"""What is remembered only to spare work must decide nothing: turns with more or less of it, on the same centers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.many import plan_many
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import device_holds, holds, run, running, small

ANY = frozenset({0, 1})
SHAPES = (Shape(1, 1), Shape(2, 1), Shape(1, 1, 1, 1000, ANY), Shape(1, 1, 1, 500, frozenset({0})), Shape(1, unit=2))
MANY = 32
"""Kinds that wait from which on nodes are sought in the index."""


@dataclass(frozen=True)
class Asked:
    """A place among the shapes, a need and a limit; how many more tasks it may have, licenses, and milliwatts."""

    shape: int
    need: int
    limit: int
    more: int
    licenses: int
    draws: int


@dataclass(frozen=True)
class Now:
    """What there is, who waits, who runs, and how a turn decides."""

    nodes: tuple[Node, ...]
    waits: tuple[Asked, ...]
    runs: tuple[tuple[int, int, int], ...]
    cap: int
    rules: Rules


NODES = st.lists(
    st.builds(
        Node,
        cpu=st.integers(1, 6),
        memory=st.just(40),
        devices=st.lists(st.tuples(st.integers(0, 1), st.just(True)), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
ASKED = st.builds(
    Asked,
    shape=st.integers(0, len(SHAPES) - 1),
    need=st.sampled_from([1, 1, 2, 3, 5]),
    limit=st.integers(1, 20),
    more=st.sampled_from([0, 0, 0, 2]),
    licenses=st.sampled_from([0, 0, 1]),
    draws=st.sampled_from([0, 0, 1, 3]),
)
RULES = st.builds(
    Rules,
    score=st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT]),
    reservations=st.sampled_from([NO_BACKFILL, EASY, EASY, 2, 3, CONSERVATIVE]),
    most=st.sampled_from([99, 99, 1, 2]),
    shortest_first=st.booleans(),
)
NOWS = st.builds(
    Now,
    nodes=NODES,
    waits=st.lists(ASKED, min_size=1, max_size=10).map(tuple),
    runs=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(1, 20)), max_size=4).map(tuple),
    cap=st.sampled_from([0, 0, 3, 6]),
    rules=RULES,
)

Decided = tuple[tuple[int, ...], list[int], list[list[tuple[int, ...]]], list[list[tuple[int, ...]]], list[int]]


def kinds_alone(now: Now) -> list[int]:
    return list(range(len(now.waits)))


def kinds_shared(now: Now) -> list[int]:
    """Work that asks for the same, by shape, need and what it draws, is of one kind: that of the first of it."""
    keys = [(one.shape, one.need, one.draws) for one in now.waits]
    return [keys.index(key) for key in keys]


def center_of(now: Now, kinds_of: Callable[[Now], list[int]], crowd: int = 0) -> t.Center:
    """``crowd`` says how many more kinds wait, behind all others, for more than there is."""
    waits = [Job(limit=one.limit, need=one.need, shape=SHAPES[one.shape]) for one in now.waits]
    giants = [Job(limit=1, need=99_999) for _ in range(crowd)]
    jobs = [*waits, *giants, *(Job() for _ in now.runs)]
    center = small(now.nodes, jobs, shapes=SHAPES, licenses=1, booked=64)
    center.licenses[0, t.TOTAL] = 2
    center.draws[:, 0] = 1000
    center.sizes[t.POWER_CAP] = now.cap or t.NEVER
    for row, (node, cpus, end) in enumerate(now.runs, len(waits) + crowd):
        if node < len(now.nodes) and cpus <= center.nodes[node, t.FREE_CPU]:
            run(center, row, end, {node: cpus})
    kinds = kinds_of(now)
    for job, one in enumerate(now.waits):
        center.jobs[job, t.MORE] = one.more
        center.asks[job, t.AMOUNTS] = one.licenses
        center.jobs[job, [t.KIND, t.FORM_KIND]] = kinds[job]
        center.kinds[kinds[job], [t.OF_SHAPE, t.DRAWS]] = (one.shape, one.draws if now.cap else 0)
    for job in range(len(waits) + crowd):
        changes.wait(center, job)
    return center


def decided(now: Now, center: t.Center) -> Decided:
    """Who starts where, who is the head and from when, and who has a reservation."""
    started = np.zeros(center.jobs.shape[0], dtype=np.int64)
    take = plan_many if now.rules.reservations > EASY else changes.plan
    found = take(center, 0, 1, now.rules, started)
    jobs = [int(job) for job in started[: found.started]]
    booked = center.booked[: center.sizes[t.BOOKED], [t.BOOKED_JOB, t.BOOKED_START]].ravel().tolist()
    told = (int(found.head), int(found.start_us), int(found.complete))
    return told, jobs, [holds(center, job) for job in jobs], [device_holds(center, job) for job in jobs], booked


@settings(max_examples=80)
@given(NOWS)
def test_work_that_asks_for_the_same_is_decided_as_if_each_were_alone(now: Now) -> None:
    alone, shared = center_of(now, kinds_alone), center_of(now, kinds_shared)
    assert decided(now, alone) == decided(now, shared)
    assert running(alone) == running(shared)
    assert t.queued(alone).tolist() == t.queued(shared).tolist()


@settings(max_examples=60)
@given(NOWS)
def test_what_shapes_remember_of_an_earlier_turn_decides_nothing(now: Now) -> None:
    """A turn is taken and taken back, and then taken again; once with all that was remembered, and once without."""
    warm, cold = center_of(now, kinds_shared), center_of(now, kinds_shared)
    started = np.zeros(warm.jobs.shape[0], dtype=np.int64)
    take = plan_many if now.rules.reservations > EASY else changes.plan
    first = take(warm, 0, 1, now.rules, started)
    changes.undo(warm, started[: first.started], warm.sizes[:0])
    assert decided(now, warm) == decided(now, cold)


@settings(max_examples=60)
@given(NOWS)
def test_how_much_waits_decides_nothing_that_it_does_not_ask_for(now: Now) -> None:
    """With so many kinds more nodes are sought in the index; behind all others, they change nothing themselves."""
    rules = now.rules._replace(most=99)
    if rules.reservations > EASY or rules.shortest_first:
        # There even who can never be held takes one of the reservations, and goes first for its short limit.
        rules = rules._replace(reservations=EASY, shortest_first=False)
    now = Now(now.nodes, now.waits, now.runs, now.cap, rules)
    few, many = decided(now, center_of(now, kinds_alone)), decided(now, center_of(now, kinds_alone, crowd=MANY + 3))
    assert few[1:4] == many[1:4]
    # Where nobody waited, one of the crowd is the first that cannot start.
    assert few[0] == many[0] or few[0][0] == t.NOBODY


@settings(max_examples=60)
@given(NOWS, st.integers(1, 1000))
def test_when_it_is_decides_nothing(now: Now, later: int) -> None:
    one, other = center_of(now, kinds_shared), center_of(now, kinds_shared)
    ran = running(other)
    other.jobs[ran, t.END] += later
    take = plan_many if now.rules.reservations > EASY else changes.plan
    started = [np.zeros(one.jobs.shape[0], dtype=np.int64) for _ in range(2)]
    first = take(one, 0, 1, now.rules, started[0])
    second = take(other, later, later + 1, now.rules, started[1])
    assert started[0].tolist() == started[1].tolist()
    assert (first.started, first.head, first.complete) == (second.started, second.head, second.complete)
    assert second.start_us == (first.start_us + later if first.start_us < t.NEVER else t.NEVER)


@settings(max_examples=60)
@given(NOWS)
def test_a_turn_cut_short_goes_on_where_it_was(now: Now) -> None:
    """Without backfilling nothing is kept between placements: one turn of all is as many turns of one."""
    rules = now.rules._replace(reservations=NO_BACKFILL, most=99)
    whole, parts = center_of(now, kinds_shared), center_of(now, kinds_shared)
    started = np.zeros(whole.jobs.shape[0], dtype=np.int64)
    found = changes.plan(whole, 0, 1, rules, started)
    expected, one_by_one = started[: found.started].tolist(), []
    while (one := changes.plan(parts, 0, 1, rules._replace(most=1), started)).started:
        one_by_one += started[: one.started].tolist()
    assert one_by_one == expected
    assert [holds(whole, job) for job in expected] == [holds(parts, job) for job in expected]


@settings(max_examples=60)
@given(NOWS)
def test_right_after_a_turn_another_one_finds_nothing_to_do(now: Now) -> None:
    rules = now.rules._replace(most=99)
    center = center_of(now, kinds_shared)
    started = np.zeros(center.jobs.shape[0], dtype=np.int64)
    take = plan_many if rules.reservations > EASY else changes.plan
    first = take(center, 0, 1, rules, started)
    assert first.complete
    assert take(center, 0, 1, rules, started).started == 0
