"""What one task of a demand asks of a node, as a row of shapes."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.scheduling.constraints import DeviceType, type_masks
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.model.discovery import Distance


def write_shape(row: t.Ints, demand: Demand, types: Sequence[DeviceType]) -> None:
    """Let a row be for demands with this part on one node; nothing is remembered of it yet."""
    task = demand.of_one_node
    row[:] = 0
    row[[t.TASK_CPU, t.TASK_MEMORY, t.TASK_DISK]] = (demand.cpu_milli, demand.memory_bytes, demand.disk_bytes)
    row[[t.ALONE, t.DEVICES, t.SHARE]] = (demand.exclusive, demand.device_count, demand.device_share)
    row[[t.UNIT, t.BY_NODES, t.SEEN, t.BESIDE_TURN]] = (task.tasks, task.nodes, t.NOBODY, t.NOBODY)
    row[[t.KEPT_OFF, t.WITHIN, t.MOST_TASKS]] = (demand.kept_off, demand.within, demand.max_tasks_per_node)
    if demand.device_interconnect is not None:
        row[t.APART] = Distance[demand.device_interconnect.name]
    write_types(row, demand, types)


def write_types(row: t.Ints, demand: Demand, types: Sequence[DeviceType]) -> None:
    """Let a row know which types of devices will do."""
    for column, mask in type_masks(types, demand).items():
        row[column] = mask
