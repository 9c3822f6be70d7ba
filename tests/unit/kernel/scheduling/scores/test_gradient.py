"""Fragmentation gradient descent with a memory places every task where a look at every node does."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.arriving import place_arriving
from suanli.kernel.scheduling.core.criteria import KINDS, Request, Typical
from suanli.kernel.scheduling.core.tables import BLOCK, Ints
from suanli.kernel.scheduling.scores.arrays import Free, fits, take
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.gradient import gradient
from suanli.kernel.scheduling.scores.typical import typical

WIDEST = 4


def center(chance: Random) -> Free:
    """Nodes of up to four devices, some of two models, more than one block of them or few."""
    nodes = chance.choice([3, 20, BLOCK + 7])
    device, model = np.zeros((nodes, WIDEST), np.int64), np.full((nodes, WIDEST), -1)
    for row in range(nodes):
        first = chance.randrange(3)
        for position in range(chance.randint(0, WIDEST)):
            device[row, position] = chance.choice([1000, 1000, 1000, 400])
            model[row, position] = first if chance.random() < 0.9 else chance.randrange(3)
    cpu = np.array([chance.randint(1, 12) for _ in range(nodes)])
    memory = np.array([chance.randint(1, 20) for _ in range(nodes)])
    return Free(cpu, memory, device, model, cpu.copy(), np.zeros((nodes, KINDS), np.int64))


def asked(chance: Random) -> Ints:
    """Different demands: no devices, a share, or several whole or shared ones, of some models or of any."""
    found = set()
    for _ in range(chance.randint(1, 30)):
        number = chance.choice([0, 1, 1, 1, 2, 3])
        share = chance.choice([100, 250, 300, 500, 1000, 1000]) if number else 0
        models = chance.choice([-1, -1, 1, 2, 3, 4]) if number else -1
        found.add((chance.randint(0, 4), chance.randint(0, 6), number, share, models))
    return np.array(sorted(found))


def plainly(free: Free, classes: Ints, arriving: Ints, known: Typical) -> list[int]:
    """The same tasks, each after a look at every node."""
    placed = []
    for of in arriving.tolist():
        request, best, chosen, position = Request(*classes[of].tolist()), np.inf, -1, -1
        for row in range(free.cpu.size):
            if fits(free, row, request):
                score, device = fragmentation(free, row, request, known)
                if score < best:
                    best, chosen, position = score, row, device
        placed.append(chosen)
        if chosen >= 0:
            take(free, chosen, request, position)
    return placed


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_task_goes_where_a_look_at_every_node_sends_it(seed: int) -> None:
    chance = Random(seed)
    free, classes = center(chance), asked(chance)
    arriving = np.array([chance.randrange(len(classes)) for _ in range(150)])
    known = typical([Request(*row) for row in classes.tolist()], np.bincount(arriving, minlength=len(classes)), 0.9)
    slow = Free(*(values.copy() for values in free))
    placed = place_arriving(gradient(free, classes, known), free, classes, arriving, known)
    assert placed.tolist() == plainly(slow, classes, arriving, known)
    for fast, plain in zip(free, slow, strict=True):
        assert (fast == plain).all()
