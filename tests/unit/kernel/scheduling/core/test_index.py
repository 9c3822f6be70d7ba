"""What the index finds is what a look at every node finds, however nodes have moved; and whole turns with it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.course import SUBMITTED
from suanli.kernel.scheduling.core import feasible, index, lists, reserve
from suanli.kernel.scheduling.core import place as placing
from suanli.kernel.scheduling.core import score as scoring
from suanli.kernel.scheduling.core import seek as seeking
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.changes import plan, set_node, undo
from suanli.kernel.scheduling.core.index import AMOUNTS
from suanli.kernel.scheduling.core.rules import NO_BACKFILL, Rules
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from suanli.kernel.scheduling.core.shelves import (
    FIRST_KEY,
    FIRST_SHELF,
    LAST_SHELF,
    LEAST_KEY,
    NEXT_SHELF,
    NO_KEY,
    ON_SHELF,
    SHELF_AISLE,
    SHELF_BEFORE,
    SHELF_SIZE,
)
from tests.unit.kernel.scheduling.core.center import Job, Node, Replayed, Shape, replay
from tests.unit.kernel.scheduling.core.days import DAYS, days
from tests.unit.kernel.scheduling.steps import asked

choose_beside, choose_now, enqueue = asked(reserve.choose_beside), asked(placing.choose_now), asked(lists.enqueue)
holdable, refresh, startable_beside = asked(feasible.holdable), asked(feasible.refresh), asked(reserve.startable_beside)
key_of, node_of, read_changes = asked(index.key_of), asked(index.node_of), asked(index.read_changes)
score, seek = asked(scoring.score), asked(seeking.seek)

SCORES = st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT])


def check_index(center: t.Center, policy: int) -> None:
    """Every node that is open stands once, in its aisle's order, and no shelf promises too little."""
    read_changes(center, policy)
    standing = []
    for aisle in range(center.aisles.shape[1]):
        shelf, before, keys = center.aisles[FIRST_SHELF, aisle], t.NOBODY, list[int]()
        while shelf >= 0:
            size = center.shelves[shelf, SHELF_SIZE]
            on_it = center.shelves[shelf, FIRST_KEY : FIRST_KEY + size].tolist()
            assert on_it
            assert (center.shelves[shelf, SHELF_AISLE], center.shelves[shelf, SHELF_BEFORE]) == (aisle, before)
            for node in map(node_of, on_it):
                assert center.room[node, ON_SHELF] == shelf
                assert (center.room[node, :AMOUNTS] <= center.shelves[shelf, :AMOUNTS]).all()
            keys += on_it
            before, shelf = shelf, center.shelves[shelf, NEXT_SHELF]
        assert center.aisles[LAST_SHELF, aisle] == before
        assert keys == sorted(keys)
        assert center.aisles[LEAST_KEY, aisle] == min(keys, default=NO_KEY)
        standing += keys
    nodes = center.nodes
    is_open = (nodes[:, t.READY] != 0) & (nodes[:, t.EXCLUSIVE] == 0)
    assert sorted(map(node_of, standing)) == is_open.nonzero()[0].tolist()
    for key in standing:
        node = node_of(key)
        assert key == key_of(score(center, policy, t.NOBODY, node), node)


def check_same(center: t.Center, shape: int, need: int, policy: int) -> None:
    """The index and what is remembered of the shape choose the same, now and beside the reservation."""
    read_changes(center, policy)
    found = [_chosen(center, seek(center, shape, need, beside)) for beside in (False, True)]
    refresh(center, shape, policy)
    expected: list[list[tuple[int, int]]] = [[], []]
    if holdable(center.total, shape, need):
        expected[0] = _chosen(center, choose_now(center, shape, need))
        center.sizes[t.TURN] += 1
        if startable_beside(center, shape, need):
            expected[1] = _chosen(center, choose_beside(center, shape, need))
    assert found == expected


def _chosen(center: t.Center, count: int) -> list[tuple[int, int]]:
    rows = center.scratch[[t.CHOSEN, t.TASKS], :count].tolist()
    return list(zip(*rows, strict=True))


@pytest.mark.slow
@settings(max_examples=DAYS // 8)
@given(days(), SCORES, st.integers(0, 2**32))
def test_the_index_chooses_what_a_look_at_every_node_does(
    day: tuple[list[Node], list[Job]], policy: int, seed: int
) -> None:
    nodes = [Node(one.cpu, one.memory, one.devices, 0, one.ready) for one in day[0]]
    replayed, chance = replay(nodes, day[1], score=policy), Random(seed)
    for _ in replayed.events():
        for shape in range(len(replayed.shapes)):
            check_same(replayed.center, shape, chance.randint(1, 6), policy)
        check_index(replayed.center, policy)


def _large(chance: Random, policy: int) -> Replayed:
    """A center of many nodes and shapes, into which all work has come and nothing has started."""
    nodes = [
        Node(
            cpu=chance.randint(2, 16),
            memory=chance.randint(5, 40),
            devices=((chance.randrange(3), True),) * chance.choice([0, 2, 4, 8])
            + ((chance.randrange(3), False),) * chance.choice([0, 0, 0, 1]),
            ready=chance.random() < 0.95,
        )
        for _ in range(chance.choice([5, 60, 150]))
    ]
    shapes = [_shape(chance) for _ in range(60)]
    jobs = [Job(0, 9, 9, chance.choice([1, 1, 1, 2, 3, 5, 20]), chance.choice(shapes)) for _ in range(300)]
    replayed = replay(nodes, jobs, score=policy, backfill=NO_BACKFILL)
    for job in range(len(jobs)):
        enqueue(replayed.center, job)
    replayed.course.at[SUBMITTED] = len(jobs)
    return replayed


def _shape(chance: Random) -> Shape:
    kind, cpu, memory = chance.random(), chance.randint(0, 4), chance.randint(0, 6)
    types = frozenset(chance.sample(range(3), chance.randint(1, 3)))
    if kind < 0.2:
        return Shape(cpu + 1, memory, unit=chance.choice([0, 0, 1, 2]))
    if kind < 0.3:
        return Shape(cpu + 1, memory, alone=True)
    if kind < 0.6:
        return Shape(cpu, memory, 1, chance.choice([100, 250, 300, 700]), types, unit=chance.choice([0, 0, 2]))
    return Shape(cpu, memory, chance.choice([1, 1, 2, 3, 4]), 1000, types, unit=chance.choice([0, 0, 1, 2]))


@settings(max_examples=DAYS // 20)
@given(seed=st.integers(0, 2**32), policy=SCORES)
def test_one_large_turn_decides_what_turns_of_one_placement_do(seed: int, policy: int) -> None:
    one, many = (_large(Random(seed), policy) for _ in range(2))
    started, first = one.course.started, one.course.started.copy()
    at_once = plan(one.center, 1, 1, Rules(policy, NO_BACKFILL, len(one.jobs)), started)
    for place in range(at_once.started):
        # So few nodes change from one of these turns to the next that each shape judges them anew.
        assert plan(many.center, 1, 1, Rules(policy, NO_BACKFILL, 1), first).started == 1
        assert first[0] == started[place]
        assert many.holds(first[0]) == one.holds(first[0])
        assert many.device_holds(first[0]) == one.device_holds(first[0])
    assert plan(many.center, 1, 1, Rules(policy, NO_BACKFILL, 1), first).started == 0
    assert one.running() == many.running()
    assert one.queue() == many.queue()


@settings(max_examples=DAYS // 20)
@given(seed=st.integers(0, 2**32), policy=SCORES)
def test_nodes_move_back_when_a_turn_is_undone_and_elsewhere_when_they_change(seed: int, policy: int) -> None:
    chance = Random(seed)
    replayed = _large(chance, policy)
    center = replayed.center
    for _ in range(3):
        decided = plan(center, 1, 1, Rules(policy, NO_BACKFILL, len(replayed.jobs)), replayed.course.started)
        check_index(center, policy)
        undo(center, replayed.course.started[: decided.started], center.sizes[:0])
        for _ in range(chance.randint(0, 30)):
            node = chance.randrange(len(replayed.nodes))
            set_node(
                center, node, (0, int(chance.random() < 0.8), chance.randint(1, 20), chance.randint(1, 50), 0, 0, 0, 0)
            )
        check_index(center, policy)
        for shape in range(len(replayed.shapes)):
            check_same(center, shape, chance.randint(1, 16), policy)
