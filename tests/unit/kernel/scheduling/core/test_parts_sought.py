"""Parts of devices by the index and by every score: what is found is what is chosen, and nothing is passed by."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh, tasks_on
from suanli.kernel.scheduling.core.grow import grown, sizes_of
from suanli.kernel.scheduling.core.index import read_changes
from suanli.kernel.scheduling.core.place import choose_now
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WEIGHED, WORST_FIT, score
from suanli.kernel.scheduling.core.seek import seek
from suanli.kernel.scheduling.core.slots import part
from tests.unit.kernel.scheduling.core.center import Job
from tests.unit.kernel.scheduling.core.parted import A30, A100, NPU, Ways, parted_center
from tests.unit.kernel.scheduling.core.small import changed, chosen, part_holds, run

NAMES = ["1g.5gb", "2g.10gb", "3g.20gb", "1g.6gb", "2g.12gb", "vir02", "vir04_3c"]


def random_center(chance: Random, asks: str) -> t.Center:
    """Some nodes with devices that are whole, shared or parted, some of them broken."""
    ways: list[Ways] = [A100, A100, A30, NPU, ()]
    nodes = [[chance.choice(ways) for _ in range(chance.randint(1, 3))] for _ in range(chance.randint(1, 6))]
    center = parted_center(*nodes, asks=asks, count=chance.choice([1, 1, 2]))
    for node, devices in enumerate(nodes):
        center.nodes[node, t.FREE_CPU] = chance.choice([0, 1, 3, 99])
        for position, way in enumerate(devices):
            dice = chance.random()
            if dice < 0.3:
                center.devices[node, position, t.FREE] = chance.choice([0, 300, 700])
            elif dice < 0.7 and way:
                template = chance.choice(way)
                slices = template.slices_at(chance.choice(template.starts)) if template.starts else 0b1_0000_0001
                part(center.devices, node, position, slices)
            center.devices[node, position, t.HEALTHY] = int(chance.random() < 0.9)
    return center


@given(
    seed=st.integers(0, 2**32), asks=st.sampled_from(NAMES), policy=st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT])
)
def test_the_index_finds_for_parts_what_is_chosen_without_it(seed: int, asks: str, policy: int) -> None:
    chance = Random(seed)
    center, need = random_center(chance, asks), chance.choice([1, 1, 2, 5])
    refresh(center, 0, policy)
    count = choose_now(center, 0, need) if center.total[0, 0] >= need else 0
    expected = chosen(center, count)
    read_changes(center, policy)
    before = center.copied()
    assert chosen(center, seek(center, 0, need, False)) == expected
    assert changed(before, center) <= {"scratch", "shelves"}


@given(seed=st.integers(0, 2**32), asks=st.sampled_from(NAMES))
def test_what_is_remembered_of_parts_is_what_a_new_look_tells(seed: int, asks: str) -> None:
    center = random_center(Random(seed), asks)
    refresh(center, 0, BEST_FIT)
    for node in range(center.nodes.shape[0]):
        tasks, blocker = tasks_on(center.nodes, center.devices, center.shapes, 0, node)
        assert (center.tasks[0, node], center.blocker[0, node]) == (tasks, blocker)
        assert np.isfinite(center.score[0, node]) == (blocker < 0)


WEIGHTS = [t.FULL, t.PRODUCT, t.PACKED, t.CLUSTERED, t.POWER]


@pytest.mark.parametrize("criterion", WEIGHTS)
def test_no_criterion_prefers_to_break_a_whole_device(criterion: int) -> None:
    """Two equal nodes, of which one has a parted device with room: by devices alone it is at least as good."""
    center = parted_center([A100], [A100], asks="1g.5gb", jobs=[Job()] * 2)
    center.weights[criterion] = 1.0
    run(center, 1, 99, {1: 1}, [(1, 0, 142, 0b0100_0000)])
    center.nodes[1, [t.FREE_CPU, t.FREE_MEMORY]] = center.nodes[0, [t.FREE_CPU, t.FREE_MEMORY]]
    refresh(center, 0, WEIGHED)
    assert score(center, WEIGHED, 0, 1) <= score(center, WEIGHED, 0, 0)


@pytest.mark.parametrize(("parts", "whole"), [(1, 1), (7, 1), (8, 2)])
def test_power_is_scored_by_the_devices_that_are_opened(parts: int, whole: int) -> None:
    center = parted_center([A100, A100], asks="1g.5gb", count=parts)
    center.weights[t.POWER] = 1.0
    center.draws[0] = [0, 500_000, 500_000]
    # Half a kilowatt each, in hundredths of one.
    assert score(center, WEIGHED, 0, 0) == 50 * whole


def test_larger_tables_know_templates_codes_and_slices_as_before() -> None:
    center = parted_center([A100, NPU], asks="2g.10gb", jobs=[Job()] * 2)
    run(center, 1, 99, {0: 1}, [(0, 0, 285, 0b11)])
    larger = grown(center, sizes_of(center)._replace(nodes=9, shapes=7, device_holds=99))
    assert sizes_of(larger).parted_types == t.DEVICE_TYPES
    assert larger.templates.tolist() == center.templates.tolist()
    assert larger.shapes[0, t.PARTED :].tolist() == center.shapes[0, t.PARTED :].tolist()
    assert larger.devices[0, :, [t.FREE, t.SLOTS]].tolist() == [[0, 1000], [0b11, 0]]
    assert part_holds(larger, 1) == [(0, 0, 285, 0b11)]
    assert tasks_on(larger.nodes, larger.devices, larger.shapes, 0, 0) == (2, t.NOBODY)


def test_tables_that_know_no_parts_learn_of_them_as_they_grow() -> None:
    center = parted_center([()])
    plain = grown(center, sizes_of(center))
    smaller = t.make_center(sizes_of(plain)._replace(parted_types=0))
    assert (smaller.shapes.shape[1], sizes_of(smaller).parted_types) == (t.PARTS_OF, 0)
    larger = grown(smaller, sizes_of(smaller)._replace(parted_types=t.DEVICE_TYPES))
    assert larger.shapes.shape[1] == t.PARTS_OF + t.DEVICE_TYPES
