"""The memory of fragmentation gradient descent: what is remembered, what is looked up, and what a change moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.criteria import Request, Typical
from suanli.kernel.scheduling.core.tables import BLOCK, Ints
from suanli.kernel.scheduling.scores.arrays import Free, fits, take
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.gradient import Gradient, choose, gradient, rescore
from suanli.kernel.scheduling.scores.typical import typical
from tests.unit.kernel.scheduling.scores.rooms import Card, free

NO_ROOM = 1
"""The score of a node that has none."""


def classes(*rows: tuple[int, int, int, int, int]) -> Ints:
    """Requests of cpu, memory, devices, share and models."""
    return np.array(rows, dtype=np.int64)


PLAIN = classes((1000, 0, 1, 500, -1), (1000, 0, 1, 1000, -1), (2000, 0, 1, 500, -1), (1000, 5, 0, 0, -1))
HALF, WHOLE, HALF_MORE_CPU, NO_DEVICE = range(4)


def known(of: Ints = PLAIN) -> Typical:
    return typical([Request(*row) for row in of.tolist()], np.ones(len(of), dtype=np.int64), 1.0)


def remembered(room: Free, of: Ints = PLAIN) -> Gradient:
    return gradient(room, of, known(of))


def nodes(*cards: Sequence[Card], cpu: int = 9000) -> Free:
    return free(*((cpu, one) for one in cards))


def test_a_kind_is_cpus_and_a_device_demand_that_some_class_has() -> None:
    memory = remembered(nodes([1000]))
    assert memory.cpu.tolist() == [1000, 2000]
    assert len(memory.demand) == 3
    assert len(set(memory.kind_of.tolist())) == 4
    assert (memory.kind >= 0).sum() == 4
    assert memory.score.shape == (4, 1)


def test_classes_that_differ_in_memory_alone_are_one_kind() -> None:
    memory = remembered(nodes([1000]), classes((1000, 0, 1, 500, -1), (1000, 9, 1, 500, -1)))
    assert memory.kind_of.tolist() == [0, 0]


def test_nodes_of_the_same_models_are_one_group() -> None:
    room = nodes([(1000, 0)], [(1000, 1)], [(400, 0), (200, 0)], [(1000, 0), (1000, 1)], [])
    memory = remembered(room)
    assert memory.group[0] == memory.group[2]
    assert len(set(memory.group.tolist())) == 4
    assert sorted(memory.types.tolist()) == [0, 1, 2, 3]


def test_only_buckets_that_a_group_could_serve_concern_it() -> None:
    of = classes((1000, 0, 1, 500, 0b01), (1000, 0, 1, 1000, 0b10), (1000, 0, 1, 300, -1))
    memory = remembered(nodes([(1000, 0)], [(1000, 1)], []), of)
    told = {int(memory.types[row]): memory.concerned[row].tolist() for row in range(3)}
    buckets = {mask: [bucket for bucket in row if bucket >= 0] for mask, row in told.items()}
    models = known(of).models.tolist()
    for mask, found in buckets.items():
        assert found == [bucket for bucket, accepted in enumerate(models) if accepted & mask]
        assert told[mask][len(found) :] == [-1] * (len(told[mask]) - len(found))


@pytest.mark.parametrize(
    ("room", "of", "chosen"),
    [
        pytest.param(nodes([1000], [500]), HALF, 1, id="where it loses least"),
        pytest.param(nodes([500], [500]), HALF, 0, id="the first of equals"),
        pytest.param(nodes([400], [300]), HALF, -1, id="nowhere"),
        pytest.param(nodes([], []), HALF, -1, id="no devices anywhere"),
        pytest.param(nodes([], [1000]), NO_DEVICE, 0, id="no device asked for"),
        pytest.param(nodes([1000], cpu=999), WHOLE, -1, id="too few cpus"),
        pytest.param(nodes([1000], cpu=1000), HALF_MORE_CPU, -1, id="too few cpus for this kind alone"),
    ],
)
def test_which_node_a_class_gets(room: Free, of: int, chosen: int) -> None:
    assert choose(remembered(room), room, of, 0) == chosen


@pytest.mark.parametrize(("needed", "chosen"), [(0, 1), (10, 1), (11, 0), (31, -1)])
def test_a_node_must_have_the_memory(needed: int, chosen: int) -> None:
    room = nodes([1000], [500])
    room.memory[:] = [30, 10]
    assert choose(remembered(room), room, HALF, needed) == chosen


def test_a_node_beyond_the_first_block_is_found() -> None:
    room = nodes(*[[400]] * (BLOCK + 5), [1000], [500])
    memory = remembered(room)
    assert choose(memory, room, HALF, 0) == BLOCK + 6
    assert choose(memory, room, WHOLE, 0) == BLOCK + 5


def test_a_change_of_the_best_of_a_block_is_noticed() -> None:
    room = nodes(*[[1000]] * 3, [500], *[[1000]] * (BLOCK + 3))
    memory, typically = remembered(room), known()
    assert choose(memory, room, HALF, 0) == 3
    take(room, 3, Request(1000, 0, 1, 500, -1), 0)
    rescore(memory, room, 3, typically)
    assert choose(memory, room, HALF, 0) == 0
    room.device[BLOCK + 1, 0] = 500
    rescore(memory, room, BLOCK + 1, typically)
    assert choose(memory, room, HALF, 0) == BLOCK + 1
    room.device[2, 0] = 500
    rescore(memory, room, 2, typically)
    assert choose(memory, room, HALF, 0) == 2


CARDS = st.lists(st.tuples(st.sampled_from([0, 200, 500, 700, 1000]), st.integers(0, 2)), max_size=4)
CHANGES = st.lists(st.tuples(st.integers(0, 5), CARDS, st.integers(0, 4)), max_size=8)
ASKED = classes(
    (1, 0, 1, 500, -1),
    (1, 0, 1, 200, 0b011),
    (3, 0, 1, 1000, 0b101),
    (2, 0, 2, 1000, -1),
    (2, 0, 2, 500, 0b110),
    (1, 0, 0, 0, -1),
    (4, 0, 0, 0, -1),
)


def agree(memory: Gradient, room: Free, typically: Typical) -> None:
    """Every score and every device is what a look at the node finds."""
    for of, row in np.ndindex(len(ASKED), room.cpu.size):
        request, kind = Request(*ASKED[of].tolist()), memory.kind_of[of]
        if fits(room, row, request):
            score, position = fragmentation(room, row, request, typically)
            assert [int(memory.score[kind, row]), int(memory.position[kind, row])] == [score, position]
        else:
            assert memory.score[kind, row] == NO_ROOM


@settings(max_examples=60)
@given(st.lists(CARDS, min_size=6, max_size=6), CHANGES)
def test_whatever_changes_what_is_remembered_is_what_a_look_finds(
    cards: list[list[Card]], changes: list[tuple[int, list[Card], int]]
) -> None:
    room, typically = free(*((4, one) for one in cards)), known(ASKED)
    memory = gradient(room, ASKED, typically)
    agree(memory, room, typically)
    for row, other, cpu in changes:
        # Models of a node never change; what is free of its devices and cpus does.
        there = free((cpu, other)).device[0]
        room.device[row] = np.where(room.model[row] >= 0, there, 0)
        room.cpu[row] = cpu
        rescore(memory, room, row, typically)
        agree(memory, room, typically)
        for of in range(len(ASKED)):
            scores = memory.score[memory.kind_of[of]].tolist()
            best = min(range(6), key=lambda place: (scores[place], place))
            assert choose(memory, room, of, 0) == (best if scores[best] < NO_ROOM else -1)
