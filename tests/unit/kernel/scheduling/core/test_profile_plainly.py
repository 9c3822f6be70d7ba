"""Profiles of all that a node has, against a plain list of who holds what from when until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.place import hold_device, hold_node, unchain
from suanli.kernel.scheduling.core.profile import build, earliest, earliest_from, occupy, open_between, room_until
from suanli.kernel.scheduling.core.score import BEST_FIT
from tests.unit.kernel.scheduling.core import brute
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.keeping import see_present, window
from tests.unit.kernel.scheduling.core.small import changed, run, small

NEVER, NOBODY = t.NEVER, t.NOBODY
LAST = NEVER - 1
ANY = frozenset({0, 1})


@dataclass(frozen=True)
class Laid:
    """Something is held of one node from one instant until before another."""

    start: int
    end: int
    node: int
    cpu: int
    devices: tuple[tuple[int, int], ...] = ()
    alone: bool = False
    disk: int = 0


@dataclass
class World:
    """The tables, and what they were told in plain objects; job 0 waits with the shape that is asked for."""

    nodes: Sequence[Node]
    center: t.Center
    shape: Shape
    laid: list[Laid] = field(default_factory=list)
    windows: list[tuple[int, int]] = field(default_factory=list)
    within: int = 0

    def free(self, start: int, end: int) -> list[brute.Free]:
        """The least that is free of each node at any instant of a while."""
        instants = {start, *(one.start for one in self.laid if start < one.start < end)}
        found: list[brute.Free] = []
        for instant in instants:
            here = [
                brute.Free(node, node.cpu, node.memory, [1000] * len(node.devices), node.disk) for node in self.nodes
            ]
            for one in self.laid:
                if one.start <= instant < one.end:
                    row = (one.node, 1, one.cpu, one.cpu, int(one.alone), one.disk)
                    brute.take(here, [row], [(one.node, *share) for share in one.devices])
            found = [brute.least(*pair) for pair in zip(found, here, strict=True)] if found else here
        return found

    def tasks(self, start: int, limit: int) -> list[int]:
        """How many tasks fit on each node from an instant on for as long as they may run."""
        end = min(start + limit, NEVER)
        most = self.shape.most or NEVER
        found = [min(brute.tasks_on(one, self.shape), most) for one in self.free(start, end)]
        for bit, (opens, closes) in enumerate(self.windows):
            for place, node in enumerate(self.nodes):
                is_in = node.windows >> bit & 1
                if self.within >> bit & 1:
                    found[place] = found[place] if is_in and opens <= start and end <= closes else 0
                elif is_in and opens < end and closes > start:
                    found[place] = 0
        return found

    def counts(self, tasks: Sequence[int]) -> dict[int, int]:
        """What counts of these on the nodes of each engine."""
        found: dict[int, int] = {}
        for node, fit in zip(self.nodes, tasks, strict=True):
            least = max(self.shape.unit, 1)
            counted = 0 if fit < least else 1 if self.shape.unit else fit
            found[node.engine] = found.get(node.engine, 0) + counted
        return found

    def has_room(self, start: int, need: int, limit: int) -> bool:
        return max(self.counts(self.tasks(start, limit)).values()) >= need

    def earliest(self, need: int, limit: int, first: int) -> int:
        """The first instant from one on at which something ends, or a window opens, and there is room."""
        instants = {first, *(one.end for one in self.laid), *(at for one in self.windows for at in one)}
        for instant in sorted(instants):
            if first <= instant < NEVER and self.has_room(instant, need, limit):
                return instant
        return NEVER

    def room_until(self, need: int, end: int) -> int:
        """The first instant from which on somebody takes the room that there is now."""
        for instant in sorted(one.start for one in self.laid if 0 < one.start < end):
            if not self.has_room(0, need, instant + 1):
                return instant
        return NEVER


def lay(world: World, job: int, one: Laid) -> None:
    """Take what is free from one instant until another."""
    center = world.center
    hold_node(center.holds, center.jobs, center.sizes, job, (one.node, 1, one.cpu, one.cpu, int(one.alone), one.disk))
    for position, share in one.devices:
        hold_device(center.device_holds, center.jobs, center.sizes, job, (one.node, position, share, 0))
    occupy(center, job, one.start, one.end, 0)
    unchain(center.holds, center.sizes, t.UNUSED, center.jobs[job], t.HOLD)
    unchain(center.device_holds, center.sizes, t.DEVICE_UNUSED, center.jobs[job], t.DEVICE_HOLD)
    world.laid.append(one)


SHAPES = [
    Shape(1, 1),
    Shape(2, 1),
    Shape(1, 3),
    Shape(2, 2, unit=1),
    Shape(1, 1, unit=2),
    Shape(1, 1, alone=True),
    Shape(1, 1, 1, 1000, ANY),
    Shape(1, 1, 1, 500, frozenset({0})),
    Shape(1, 1, 2, 1000, ANY),
    Shape(0, 0, 1, 300, frozenset({1}), unit=2),
    Shape(1, 1, most=1),
    Shape(1, 1, disk=2),
]


def draw_node(chance: Random) -> Node:
    devices = tuple((chance.randrange(2), chance.random() < 0.85) for _ in range(chance.choice([0, 0, 1, 3])))
    return Node(
        chance.randint(1, 6),
        chance.randint(2, 9),
        devices,
        engine=chance.choice([0, 0, 0, 1]),
        ready=chance.random() < 0.95,
        disk=chance.randint(0, 5),
    )


def draw_laid(chance: Random, world: World, start: int, end: int) -> Laid | None:
    """Something that is free all the while."""
    free = world.free(start, end)
    node = chance.randrange(len(free))
    here = free[node]
    most = min(here.cpu, here.memory)
    if most < 1 or here.alone:
        return None
    if chance.random() < 0.1 and not here.holders:
        return Laid(start, end, node, most, alone=True, disk=here.disk)
    devices = tuple(
        (position, chance.choice([share, min(share, 500), min(share, 300)]))
        for position, share in enumerate(here.devices)
        if share and chance.random() < 0.5
    )
    return Laid(start, end, node, chance.randint(1, most), devices, disk=chance.randint(0, here.disk))


def drawn(chance: Random, windows: int = 0) -> World:
    """Some nodes on which some work runs; the profiles are built."""
    shape = chance.choice(SHAPES)
    nodes = [draw_node(chance) for _ in range(chance.randint(1, 4))]
    if windows:
        nodes = [replace(one, windows=chance.randrange(1 << windows)) for one in nodes]
    center = small(nodes, [Job(shape=shape), *(Job() for _ in range(20))], booked=64)
    world = World(nodes, center, shape)
    for job in range(1, 6):
        one = draw_laid(chance, world, 0, chance.choice([*range(1, 20), NEVER]))
        if one is None:
            continue
        run(center, job, one.end, {one.node: one.cpu}, [(one.node, *share) for share in one.devices])
        row = int(center.jobs[job, t.HOLD])
        center.holds[row, t.HELD_DISK] = one.disk
        center.nodes[one.node, t.FREE_DISK] -= one.disk
        if one.alone:
            center.holds[row, t.HELD_ALONE] = 1
            center.nodes[one.node, t.EXCLUSIVE] += 1
        world.laid.append(one)
    build(center, 0, 1)
    refresh(center, 0, BEST_FIT)
    return world


def reserve_some(chance: Random, world: World, count: int) -> None:
    for job in range(6, 6 + count):
        start = chance.randint(1, 15)
        one = draw_laid(chance, world, start, chance.choice([*range(start + 1, 30), NEVER]))
        if one is not None:
            lay(world, job, one)


SEEDS = st.integers(0, 2**32)


@settings(max_examples=60)
@given(SEEDS)
def test_steps_say_what_is_free_at_every_instant(seed: int) -> None:
    chance = Random(seed)
    world = drawn(chance)
    reserve_some(chance, world, 6)
    for instant in range(32):
        for node, free in enumerate(world.free(instant, instant + 1)):
            open_between(world.center, 0, node, instant, instant + 1)
            row = world.center.both_nodes[node]
            assert row[[t.FREE_CPU, t.FREE_MEMORY]].tolist() == [free.cpu, free.memory]
            assert row[[t.HOLDERS, t.EXCLUSIVE]].tolist() == [free.holders, free.alone]
            told = world.center.both_devices[node, : len(free.devices), t.FREE].tolist()
            assert told == free.devices


@settings(max_examples=60)
@given(SEEDS)
def test_over_a_while_no_more_is_open_than_at_any_of_its_instants(seed: int) -> None:
    chance = Random(seed)
    world = drawn(chance)
    reserve_some(chance, world, 6)
    for _ in range(10):
        start = chance.randint(0, 20)
        end = chance.choice([start + chance.randint(1, 12), NEVER])
        before = world.center.copied()
        for node, free in enumerate(world.free(start, end)):
            open_between(world.center, 0, node, start, end)
            row = world.center.both_nodes[node, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]]
            assert row.tolist() == [free.cpu, free.memory, free.holders, free.alone]
        assert changed(before, world.center) <= {"both_nodes", "both_devices"}


@settings(max_examples=80)
@given(SEEDS)
def test_the_earliest_start_has_room_for_all_the_while_and_no_earlier_one_has(seed: int) -> None:
    chance = Random(seed)
    world = drawn(chance)
    reserve_some(chance, world, 5)
    for _ in range(5):
        need, limit = chance.randint(1, 5), chance.choice([chance.randint(1, 15), NEVER])
        found = earliest(world.center, 0, need, (limit, 0), (0, LAST))
        assert found == world.earliest(need, limit, 0)
        last = chance.randint(0, 20)
        assert earliest(world.center, 0, need, (limit, 0), (0, last)) == (found if found <= last else NEVER)


@settings(max_examples=80)
@given(SEEDS)
def test_the_earliest_start_from_a_later_instant_on(seed: int) -> None:
    chance = Random(seed)
    world = drawn(chance)
    reserve_some(chance, world, 5)
    for _ in range(5):
        need, limit, first = chance.randint(1, 5), chance.choice([chance.randint(1, 15), NEVER]), chance.randint(1, 18)
        assert earliest_from(world.center, 0, need, (limit, 0), (first, LAST)) == world.earliest(need, limit, first)


@settings(max_examples=80)
@given(SEEDS, st.booleans())
def test_windows_are_heeded_at_every_start(seed: int, is_within: bool) -> None:
    """Nodes lie in up to two advance reservations; the work keeps off both, or lies within the first."""
    chance = Random(seed)
    world = drawn(chance, windows=2)
    world.within = int(is_within)
    for bit in range(2):
        opens = chance.randint(0, 12)
        world.windows.append((opens, opens + chance.randint(1, 15)))
        window(world.center, bit, *world.windows[-1])
    world.center.shapes[0, t.WITHIN] = world.within
    reserve_some(chance, world, 3)
    for _ in range(4):
        need, limit = chance.randint(1, 4), chance.randint(1, 12)
        see_present(world.center, 0, limit, 0)
        kept = world.center.shapes[0, [t.KEPT_OFF, t.WITHIN]].tolist()
        assert earliest(world.center, 0, need, (limit, 0), (0, LAST)) == world.earliest(need, limit, 0)
        first = chance.randint(1, 12)
        assert earliest_from(world.center, 0, need, (limit, 0), (first, LAST)) == world.earliest(need, limit, first)
        # What must be heeded now is as it was.
        assert world.center.shapes[0, [t.KEPT_OFF, t.WITHIN]].tolist() == kept


@settings(max_examples=80)
@given(SEEDS)
def test_room_lasts_until_a_reservation_takes_it(seed: int) -> None:
    chance = Random(seed)
    world = drawn(chance)
    reserve_some(chance, world, 8)
    for _ in range(5):
        need, end = chance.randint(1, 4), chance.choice([chance.randint(1, 25), NEVER])
        if not world.has_room(0, need, 1):
            continue
        until, node = room_until(world.center, 0, need, (0, end))
        assert until == world.room_until(need, end)
        assert (node == NOBODY) is (until == NEVER)
        if until < NEVER:
            # Somebody begins on that node then, and leaves less of it.
            assert any(one.start == until and one.node == node for one in world.laid)
            assert world.tasks(0, until + 1)[node] < world.tasks(0, until)[node]


def of_cpus(*cpus: int, shape: Shape = Shape(1)) -> World:  # noqa: B008  it is frozen
    nodes = [Node(cpu) for cpu in cpus]
    center = small(nodes, [Job(shape=shape), *(Job() for _ in range(9))], booked=32)
    build(center, 0, 1)
    refresh(center, 0, BEST_FIT)
    return World(nodes, center, shape)


@pytest.mark.parametrize(
    ("need", "end", "expected"),
    [
        pytest.param(1, NEVER, (NEVER, NOBODY), id="one is always there"),
        pytest.param(2, NEVER, (20, 0), id="two are until the second takes one more"),
        pytest.param(3, NEVER, (10, 0), id="three are until the first begins"),
        pytest.param(3, 10, (NEVER, NOBODY), id="who is gone as it begins is not in its way"),
        pytest.param(3, 11, (10, 0), id="who is there an instant longer is"),
        pytest.param(2, 20, (NEVER, NOBODY), id="the second begins as it ends"),
    ],
)
def test_until_when_there_is_room_by_hand(need: int, end: int, expected: tuple[int, int]) -> None:
    """Three cpus; one is taken from 10 on and one more from 20 on."""
    world = of_cpus(3)
    lay(world, 1, Laid(10, NEVER, 0, 1))
    lay(world, 2, Laid(20, NEVER, 0, 1))
    assert room_until(world.center, 0, need, (0, end)) == expected


def test_of_two_nodes_the_one_is_told_whose_room_was_missing_last() -> None:
    world = of_cpus(2, 2)
    lay(world, 1, Laid(10, 30, 1, 1))
    lay(world, 2, Laid(20, 40, 0, 2))
    assert room_until(world.center, 0, 4, (0, NEVER)) == (10, 1)
    assert room_until(world.center, 0, 3, (0, NEVER)) == (20, 0)
    assert room_until(world.center, 0, 1, (0, NEVER)) == (NEVER, NOBODY)


def test_what_is_taken_for_a_while_is_missing_though_it_comes_back() -> None:
    world = of_cpus(2)
    lay(world, 1, Laid(10, 12, 0, 1))
    assert room_until(world.center, 0, 2, (0, 11)) == (10, 0)
    assert room_until(world.center, 0, 2, (0, NEVER)) == (10, 0)


@pytest.mark.parametrize(
    ("limit", "first", "start"),
    [
        pytest.param(5, 0, 0, id="gone as it begins"),
        pytest.param(6, 0, 10, id="an instant too long: when it is over"),
        pytest.param(5, 1, 10, id="from an instant later it would run into it"),
        pytest.param(4, 1, 1, id="unless it is shorter"),
        pytest.param(1, 7, 10, id="within it there is no room for the shortest"),
        pytest.param(5, 10, 10, id="from its end on"),
        pytest.param(NEVER, 0, 10, id="without end"),
        pytest.param(1, 25, 25, id="long after"),
    ],
)
def test_a_gap_is_used_by_what_it_is_long_enough_for(limit: int, first: int, start: int) -> None:
    """One cpu, taken from 5 until 10."""
    world = of_cpus(1)
    lay(world, 1, Laid(5, 10, 0, 1))
    ask = earliest_from if first else earliest
    assert ask(world.center, 0, 1, (limit, 0), (first, LAST)) == start


def test_a_node_that_lacks_devices_is_looked_at_again_as_soon_as_one_comes_back() -> None:
    """Two cards; each is taken for a while, one after the other: two are free together only from 15 on."""
    node = Node(9, 99, ((0, True), (0, True)))
    center = small([node], [Job(shape=Shape(1, 1, 2, 1000, ANY)), *(Job() for _ in range(3))], booked=16)
    build(center, 0, 1)
    refresh(center, 0, BEST_FIT)
    world = World([node], center, Shape(1, 1, 2, 1000, ANY))
    lay(world, 1, Laid(2, 10, 0, 1, ((0, 1000),)))
    lay(world, 2, Laid(8, 15, 0, 1, ((1, 1000),)))
    assert [earliest(center, 0, 1, (limit, 0), (0, LAST)) for limit in (2, 3, 9)] == [0, 15, 15]
