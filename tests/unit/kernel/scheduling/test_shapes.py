"""A row of shapes: what one task of a demand asks of a node, and which types of devices will do."""

from __future__ import annotations

import numpy as np
import pytest

from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.slots import COUNTED
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.shapes import write_shape, write_types
from suanli.model.devices import DeviceClass, Precision
from suanli.model.partitions import PartitionTemplate, Units

GIB = 1024**3
COLUMNS = t.PARTS_OF + t.DEVICE_TYPES
BF16, FP8 = frozenset({Precision.BF16}), frozenset({Precision.BF16, Precision.FP8})
PAIRS = PartitionTemplate(name="2g.10gb", memory_bytes=5 * GIB, size=2, starts=(0, 2))
LATE = PartitionTemplate(name="2g.10gb", memory_bytes=9 * GIB, size=3, starts=(4,))
SOME = (Units(first=0, count=8, needed=1), Units(first=8, count=7, needed=2))
CORES = PartitionTemplate(name="vir01", memory_bytes=3 * GIB, units=SOME)
TYPES = [
    DeviceType(DeviceClass.GPU, "A100 SXM4", 40 * GIB, BF16, partitions=(PAIRS,)),
    DeviceType(DeviceClass.GPU, "A100 SXM4", 80 * GIB, BF16, partitions=(LATE,)),
    DeviceType(DeviceClass.GPU, "H100", 80 * GIB, FP8),
    DeviceType(DeviceClass.NPU, "910B", 64 * GIB, BF16, partitions=(CORES,)),
]
ALL = 0b1111
PLAIN = Demand(4, 0, False, 1500, 2 * GIB)
GPUS = PLAIN._replace(device_class=DeviceClass.GPU, device_count=2, device_share=1000)
PARTS = GPUS._replace(device_share=285, device_partition="2g.10gb")
UNITS = GPUS._replace(device_class=DeviceClass.NPU, device_share=125, device_partition="vir01")


def shape(demand: Demand) -> t.Ints:
    row = np.full(COLUMNS, 77, dtype=np.int64)
    write_shape(row, demand, TYPES)
    return row


@pytest.mark.parametrize(
    ("demand", "column", "value"),
    [
        pytest.param(PLAIN, t.TASK_CPU, 1500, id="milli-cpus"),
        pytest.param(PLAIN, t.TASK_MEMORY, 2 * GIB, id="bytes"),
        pytest.param(PLAIN, t.TASK_DISK, 0, id="no disk"),
        pytest.param(PLAIN._replace(disk_bytes=7), t.TASK_DISK, 7, id="bytes of disk"),
        pytest.param(PLAIN, t.ALONE, 0, id="beside others"),
        pytest.param(PLAIN._replace(exclusive=True), t.ALONE, 1, id="alone"),
        pytest.param(PLAIN, t.DEVICES, 0, id="no devices"),
        pytest.param(GPUS, t.DEVICES, 2, id="devices"),
        pytest.param(GPUS._replace(device_share=300), t.SHARE, 300, id="a share of each"),
        pytest.param(PLAIN, t.UNIT, 1, id="a node is of use for one task"),
        pytest.param(PLAIN, t.BY_NODES, 0, id="tasks are counted"),
        pytest.param(PLAIN._replace(nodes=2), t.UNIT, 2, id="or for its share"),
        pytest.param(PLAIN._replace(nodes=2), t.BY_NODES, 1, id="then nodes are counted"),
        pytest.param(PLAIN._replace(kept_off=6), t.KEPT_OFF, 6, id="what it keeps off"),
        pytest.param(PLAIN._replace(within=8), t.WITHIN, 8, id="what it lies within"),
        pytest.param(PLAIN._replace(max_tasks_per_node=3), t.MOST_TASKS, 3, id="most tasks on a node"),
        pytest.param(PLAIN, t.MOST_TASKS, 0, id="no bound on them"),
        pytest.param(PLAIN, t.SEEN, t.NOBODY, id="no node was looked at"),
        pytest.param(PLAIN, t.BESIDE_TURN, t.NOBODY, id="nor beside a reservation"),
        pytest.param(PLAIN, t.BESIDE_SEEN, 0, id="in no turn"),
        pytest.param(PLAIN._replace(features=("ib",)), t.MUST_HAVE, 0, id="bits of features come later"),
        pytest.param(PLAIN, t.TYPES, ALL, id="any type where none is asked for"),
        pytest.param(GPUS, t.PARTED, 0, id="whole ones"),
        pytest.param(PARTS, t.PARTED, 1, id="parts"),
        pytest.param(PARTS, t.OF_MODEL, 0b0111, id="of whatever model"),
        pytest.param(PARTS, t.OF_PARTITION, 0b0011, id="that has the template"),
        pytest.param(PARTS, t.TYPES, 0b0011, id="and no other"),
        pytest.param(PARTS._replace(device_memory_bytes=8 * GIB), t.TYPES, 0b0010, id="with the memory of the part"),
        pytest.param(PARTS, t.PARTS_OF, 2 << 12 | 2 << 8 | 2 << 4, id="starts, their distance, how many, and slices"),
        pytest.param(PARTS, t.PARTS_OF + 1, 3 << 12 | 1 << 8 | 4, id="of another type others"),
        pytest.param(PARTS, t.PARTS_OF + 2, 0, id="none of a type without"),
        pytest.param(
            UNITS, t.PARTS_OF + 3, COUNTED | 2 << 20 | 7 << 16 | 8 << 12 | 1 << 8 | 8 << 4, id="of two groups"
        ),
        pytest.param(GPUS, t.PARTS_OF, 0, id="none where none is asked for"),
    ],
)
def test_what_each_column_says_whatever_was_there_before(demand: Demand, column: int, value: int) -> None:
    assert shape(demand)[column] == value


# By column: what class, then model, then memory, then precision leave.
@pytest.mark.parametrize(
    ("demand", "masks"),
    [
        pytest.param(PLAIN, (ALL, ALL, ALL, ALL), id="nothing asked"),
        pytest.param(GPUS._replace(device_class=DeviceClass.ANY), (ALL, ALL, ALL, ALL), id="any class"),
        pytest.param(GPUS, (0b0111, 0b0111, 0b0111, 0b0111), id="a class"),
        pytest.param(GPUS._replace(device_class=DeviceClass.FPGA), (0, 0, 0, 0), id="a class that is not there"),
        pytest.param(GPUS._replace(device_model="A100"), (0b0111, 0b0011, 0b0011, 0b0011), id="a model"),
        pytest.param(GPUS._replace(device_model="A100|H100"), (0b0111, 0b0111, 0b0111, 0b0111), id="either model"),
        pytest.param(GPUS._replace(device_model="910B"), (0b0111, 0, 0, 0), id="a model of another class"),
        pytest.param(
            GPUS._replace(device_memory_bytes=64 * GIB), (0b0111, 0b0111, 0b0110, 0b0110), id="memory of a device"
        ),
        pytest.param(
            GPUS._replace(device_precision=Precision.FP8), (0b0111, 0b0111, 0b0111, 0b0100), id="an arithmetic"
        ),
        pytest.param(
            GPUS._replace(device_model="A100", device_memory_bytes=64 * GIB, device_precision=Precision.BF16),
            (0b0111, 0b0011, 0b0010, 0b0010),
            id="one after the other",
        ),
        pytest.param(
            GPUS._replace(device_model="A100", device_precision=Precision.FP8),
            (0b0111, 0b0011, 0b0011, 0),
            id="nothing is left",
        ),
        pytest.param(
            GPUS._replace(device_class=DeviceClass.ANY, device_memory_bytes=64 * GIB),
            (ALL, ALL, 0b1110, 0b1110),
            id="memory of any class",
        ),
    ],
)
def test_each_constraint_on_devices_leaves_some_of_those_before(demand: Demand, masks: tuple[int, ...]) -> None:
    row = shape(demand)
    assert tuple(row[[t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.TYPES]].tolist()) == masks


RATED = [
    DeviceType(DeviceClass.GPU, "A", GIB, BF16, ((Precision.BF16, 300_000),)),
    DeviceType(DeviceClass.GPU, "B", GIB, FP8, ((Precision.BF16, 150_000), (Precision.FP8, 300_000))),
    DeviceType(DeviceClass.GPU, "C", GIB, BF16),
    DeviceType(DeviceClass.NPU, "D", GIB, BF16, ((Precision.BF16, 300_001),)),
]


# What precision leaves, and then the rate.
@pytest.mark.parametrize(
    ("precision", "rate", "masks"),
    [
        (Precision.BF16, 0, (0b0111, 0b0111)),
        (Precision.BF16, 1, (0b0111, 0b0011)),
        (Precision.BF16, 150_000, (0b0111, 0b0011)),
        (Precision.BF16, 150_001, (0b0111, 0b0001)),
        (Precision.BF16, 300_000, (0b0111, 0b0001)),
        (Precision.BF16, 300_001, (0b0111, 0)),
        (Precision.FP8, 150_000, (0b0010, 0b0010)),
        (Precision.FP8, 300_001, (0b0010, 0)),
        (Precision.FP64, 1, (0, 0)),
    ],
)
def test_a_rate_leaves_what_is_known_to_do_as_much(precision: Precision, rate: int, masks: tuple[int, int]) -> None:
    row = np.zeros(COLUMNS, dtype=np.int64)
    write_types(row, GPUS._replace(device_precision=precision, device_rate=rate), RATED)
    assert tuple(row[[t.OF_PRECISION, t.TYPES]].tolist()) == masks
    assert row[t.OF_MEMORY] == 0b0111


def test_types_that_come_later_are_told_and_nothing_else_is_touched() -> None:
    row = np.full(COLUMNS, 77, dtype=np.int64)
    write_types(row, GPUS, TYPES[:1])
    of_types = [t.OF_CLASS, t.OF_MODEL, t.OF_PARTITION, t.OF_MEMORY, t.OF_PRECISION, t.TYPES]
    assert row[of_types].tolist() == [1] * 6
    others = np.setdiff1d(np.arange(COLUMNS), of_types)
    assert (row[others] == 77).all()
    write_types(row, GPUS, TYPES)
    assert row[of_types].tolist() == [0b0111] * 6


def test_a_center_without_devices_has_no_type_that_will_do() -> None:
    row = np.zeros(COLUMNS, dtype=np.int64)
    write_shape(row, GPUS, [])
    assert row[[t.OF_CLASS, t.TYPES]].tolist() == [0, 0]
