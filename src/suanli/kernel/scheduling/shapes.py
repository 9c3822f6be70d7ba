"""What one task of a demand asks of a node, as a row of shapes."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.scheduling.constraints import DeviceType, type_masks
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.slots import COUNTED, FIELD
from suanli.kernel.scheduling.demand import Demand
from suanli.model.discovery import Distance
from suanli.model.partitions import PartitionTemplate


def write_shape(row: t.Ints, demand: Demand, types: Sequence[DeviceType]) -> None:
    """Let a row be for demands with this part on one node; nothing is remembered of it yet."""
    task = demand.of_one_node
    row[:] = 0
    row[[t.TASK_CPU, t.TASK_MEMORY, t.TASK_DISK]] = (demand.cpu_milli, demand.memory_bytes, demand.disk_bytes)
    row[[t.ALONE, t.DEVICES, t.SHARE]] = (demand.exclusive, demand.device_count, demand.device_share)
    row[[t.UNIT, t.BY_NODES, t.SEEN, t.BESIDE_TURN]] = (task.tasks, task.nodes, t.NOBODY, t.NOBODY)
    row[t.PARTED] = bool(demand.device_partition)
    row[[t.KEPT_OFF, t.WITHIN, t.MOST_TASKS]] = (demand.kept_off, demand.within, demand.max_tasks_per_node)
    if demand.device_interconnect is not None:
        row[t.APART] = Distance[demand.device_interconnect.name]
    write_types(row, demand, types)


def write_types(row: t.Ints, demand: Demand, types: Sequence[DeviceType]) -> None:
    """Let a row know which types of devices will do."""
    for column, mask in type_masks(types, demand).items():
        row[column] = mask
    if demand.device_partition:
        for kind, one in enumerate(types):
            template = one.template(demand.device_partition)
            row[t.PARTS_OF + kind] = 0 if template is None else code_of(template)


def code_of(template: PartitionTemplate) -> int:
    """What the loops know a template by (``core.slots``)."""
    fields = [number for one in template.units for number in (one.first, one.count, one.needed)]
    if not fields:
        starts = template.starts
        fields = [starts[0], starts[1] - starts[0] if starts[1:] else 0, len(starts), template.size]
    code = sum(number << FIELD * place for place, number in enumerate(fields))
    return code | COUNTED if template.units else code


def write_templates(row: t.Ints, templates: Sequence[PartitionTemplate]) -> None:
    """Let the loops know by what templates [n, 2] devices of a type may be parted."""
    row[:] = 0
    for place, one in enumerate(templates):
        row[place] = (code_of(one), one.thousandths)
