"""One node chosen by what is remembered of blocks of nodes is the one that a look at every node finds."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, touch
from suanli.kernel.scheduling.core.place import choose_now
from suanli.kernel.scheduling.core.reserve import choose_beside
from suanli.kernel.scheduling.core.score import BEST_FIT

NODES = 3 * t.BLOCK - 5
SHAPE, TASK = 0, 2


def _center(chance: Random, engines: int, unit: int) -> t.Center:
    center = t.make_center(t.Sizes(NODES, 0, engines, 1, 1, 1, 1, 1))
    center.nodes[:, [t.READY, t.CPU, t.MEMORY]] = (1, 8, 8)
    center.nodes[:, t.FREE_CPU] = [chance.randint(0, 8) for _ in range(NODES)]
    center.nodes[:, t.ENGINE] = [chance.randrange(engines) for _ in range(NODES)]
    center.shapes[SHAPE, [t.TASK_CPU, t.UNIT, t.BY_NODES]] = (TASK, unit, unit > 1)
    center.sizes[[t.LARGEST_CPU, t.LARGEST_MEMORY]] = 8
    refresh(center, SHAPE, BEST_FIT)
    return center


def _change(center: t.Center, chance: Random) -> None:
    """Let some nodes have more or less room, so that the least of their blocks are to be looked up."""
    for node in chance.sample(range(NODES), chance.randint(0, 20)):
        center.nodes[node, t.FREE_CPU] = chance.randint(0, 8)
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
    refresh(center, SHAPE, BEST_FIT)


def _keep(center: t.Center, chance: Random) -> t.Ints:
    """Keep some of the best nodes; what is free of each beside that."""
    center.both_nodes[:] = center.nodes
    best = sorted(range(NODES), key=lambda node: center.score[SHAPE, node])
    kept = chance.sample(best[:40], chance.randint(0, 30))
    for place, node in enumerate(kept):
        center.nodes[node, t.IS_KEPT] = 1
        center.scratch[t.KEPT, place] = node
        center.both_nodes[node, t.FREE_CPU] = chance.randint(0, center.nodes[node, t.FREE_CPU])
    center.sizes[t.KEPT_SIZE] = len(kept)
    return center.both_nodes[:, t.FREE_CPU]


@given(seed=st.integers(0, 2**32), engines=st.integers(1, 2), unit=st.integers(1, 3))
def test_one_node_is_the_best_scored_of_those_with_room(seed: int, engines: int, unit: int) -> None:
    chance = Random(seed)
    center = _center(chance, engines, unit)
    for _ in range(3):
        _change(center, chance)
        center.nodes[:, t.IS_KEPT] = 0
        free, beside = center.nodes[:, t.FREE_CPU].tolist(), _keep(center, chance).tolist()
        useful = [node for node in range(NODES) if free[node] >= TASK * unit]
        if engines == 1 and useful:
            assert choose_now(center, SHAPE, 1) == 1
            assert center.scratch[t.CHOSEN, 0] == min(useful, key=lambda node: (free[node], node))
            assert center.scratch[t.TASKS, 0] == unit
        useful = [node for node in useful if beside[node] >= TASK * unit]
        # Of engines that need as few nodes as each other, the first.
        engine = min((center.nodes[node, t.ENGINE] for node in useful), default=0)
        if useful:
            of_engine = [node for node in useful if center.nodes[node, t.ENGINE] == engine]
            assert choose_beside(center, SHAPE, 1) == 1
            assert center.scratch[t.CHOSEN, 0] == min(of_engine, key=lambda node: (free[node], node))
            assert center.scratch[t.TASKS, 0] == unit
