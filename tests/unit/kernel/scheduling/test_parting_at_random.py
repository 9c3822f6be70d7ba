"""Random centers of which every one has devices that may be parted: all that the kernel says of them is true."""

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.kernel.scheduling.test_at_random import CENTERS, STEPS, Life


def parted_life(seed: int) -> Life:
    life = Life(seed)
    life.of_parts = Random(seed)
    for number in range(4):
        life.center.set_node(life.node(number))
    return life


@settings(max_examples=CENTERS, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=1)
@example(seed=14)
def test_parts_overlap_nowhere_and_everything_told_of_them_is_true(seed: int) -> None:
    life = parted_life(seed)
    for _ in range(STEPS):
        life.step()


@pytest.mark.slow
def test_parts_are_met_in_every_way_of_planning() -> None:
    met: dict[str, int] = {}
    for seed in range(14):
        life = parted_life(seed)
        for _ in range(STEPS):
            life.step()
        for name in ("parts", "device_partition", "device_free", "device_memory", "reservations", "preemptions"):
            met[name] = met.get(name, 0) + life.met[name]
    # Work that gives way to others is rare here; stories of parts (test_parting) have some that does.
    assert met.pop("preemptions") >= 1
    assert min(met.values()) >= 3, met
