"""The log of changed nodes, read by each shape at its own pace, as a list in plain Python that never ends."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, touch
from suanli.kernel.scheduling.core.score import BEST_FIT

NODES, SHAPES = 4, 3
UNITS = [1, 4, 1]
ENTRIES = 2_500
"""More than the log of so small a center holds, twice over."""


@given(seed=st.integers(0, 2**32))
def test_who_reads_the_log_misses_no_change_and_begins_anew_only_once(seed: int) -> None:
    chance = Random(seed)
    center = t.make_center(t.Sizes(NODES, 0, 1, SHAPES, 1, 1, 1, 1))
    center.nodes[:, [t.READY, t.CPU, t.MEMORY]] = (1, 8, 8)
    center.nodes[:, t.FREE_MEMORY] = 8
    center.shapes[:, t.TASK_CPU] = [1, 2, 3]
    center.shapes[:, t.UNIT] = UNITS
    for shape in range(SHAPES):
        refresh(center, shape, BEST_FIT)
    shortened, unread = 0, set[int]()
    center.sizes[t.HEAD_SEEN] = center.sizes[t.LOG_SIZE]
    for _ in range(ENTRIES):
        node = chance.randrange(NODES)
        center.nodes[node, t.FREE_CPU] = chance.randint(0, 8)
        before = center.sizes[t.LOG_SIZE]
        touch(center.nodes, center.shapes, center.log, center.sizes, node)
        shortened += int(center.sizes[t.LOG_SIZE] <= before)
        unread.add(node)
        if chance.random() < 0.01:
            places = range(center.sizes[t.HEAD_SEEN], center.sizes[t.LOG_SIZE])
            assert {center.log[place] for place in places if center.nodes[center.log[place], t.LAST] == place} == unread
            center.sizes[t.HEAD_SEEN] = center.sizes[t.LOG_SIZE]
            unread.clear()
        if chance.random() < 0.01:
            shape = chance.randrange(SHAPES)
            assert center.shapes[shape, t.SEEN] >= 0
            refresh(center, shape, BEST_FIT)
            assert center.shapes[shape, t.SEEN] == center.sizes[t.LOG_SIZE]
            fitting = center.nodes[:, t.FREE_CPU] // (shape + 1)
            assert center.tasks[shape].tolist() == fitting.tolist()
            useful = fitting >= UNITS[shape]
            assert center.total[shape, 0] == fitting[useful].sum()
            assert center.blocker[shape].tolist() == [t.NOBODY if of_use else t.FAILS_CPU for of_use in useful]
            assert center.failing[shape, t.FAILS_CPU] == NODES - useful.sum()
            assert (center.score[shape] < np.inf).tolist() == useful.tolist()
    assert shortened == ENTRIES // center.log.size
    newest = center.log[: center.sizes[t.LOG_SIZE]].tolist()
    assert all(center.nodes[node, t.LAST] == max(p for p, n in enumerate(newest) if n == node) for node in set(newest))
