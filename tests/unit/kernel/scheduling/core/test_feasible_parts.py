"""How many tasks fit of which each device is a part of one, and what a node fails first."""

from __future__ import annotations

import pytest

from suanli.kernel.scheduling.core import tables as t
from tests.unit.kernel.scheduling.core.parted import A30, A100, NPU, Ways, fit, parted_center


@pytest.mark.parametrize(
    ("devices", "asks", "count", "found"),
    [
        ([A100], "1g.5gb", 1, (7, t.NOBODY)),
        ([A100, A100], "1g.5gb", 1, (14, t.NOBODY)),
        ([A100, A100], "1g.5gb", 4, (3, t.NOBODY)),
        ([A100, A30], "2g.10gb", 1, (3, t.NOBODY)),
        ([A100, ()], "7g.40gb", 1, (1, t.NOBODY)),
        ([NPU, NPU], "vir04", 1, (2, t.NOBODY)),
        # Too few of the template, though there are enough devices.
        ([A100], "7g.40gb", 2, (0, t.FAILS_PARTITION)),
        ([A100], "1g.6gb", 1, (0, t.FAILS_PARTITION)),
        ([()], "1g.5gb", 1, (0, t.FAILS_PARTITION)),
        # One device has at most 15 slices: what of it fails first is that there are no more devices.
        ([A100], "1g.5gb", 16, (0, t.FAILS_CLASS)),
    ],
)
def test_how_many_tasks_with_parts_fit_and_what_fails_first(
    devices: list[Ways], asks: str, count: int, found: tuple[int, int]
) -> None:
    assert fit(parted_center(devices, asks=asks, count=count)) == found


def test_each_constraint_on_devices_fails_in_its_turn() -> None:
    center, seen = parted_center([A100, A30], asks="1g.5gb"), []
    for column in (t.OF_PRECISION, t.OF_MEMORY, t.OF_PARTITION, t.OF_MODEL, t.OF_CLASS):
        center.shapes[0, [t.TYPES, column]] = 0
        seen.append(fit(center)[1])
    assert seen == [t.FAILS_PRECISION, t.FAILS_DEVICE_MEMORY, t.FAILS_PARTITION, t.FAILS_MODEL, t.FAILS_CLASS]


def test_what_lacks_only_a_rate_fails_that() -> None:
    center = parted_center([A100], asks="1g.5gb")
    center.shapes[0, t.TYPES] = 0
    assert fit(center) == (0, t.FAILS_RATE)


def test_broken_devices_and_taken_slices_fail_one_after_the_other() -> None:
    center = parted_center([A100, A30], asks="2g.10gb")
    center.devices[0, 0, [t.FREE, t.SLOTS]] = (0, 0b0001_0101)
    assert fit(center) == (0, t.FAILS_FREE)
    center.devices[0, 0, t.SLOTS] = 0b0000_0101
    assert fit(center) == (1, t.NOBODY)
    center.devices[0, 0, t.HEALTHY] = 0
    assert fit(center) == (0, t.FAILS_HEALTH)
