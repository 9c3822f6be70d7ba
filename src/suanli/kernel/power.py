"""What a run is expected to draw by what it holds: board power of devices, watts of cpus, each hold rounded up."""

from __future__ import annotations

from collections.abc import Mapping

from suanli.model.ids import NodeName
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE
from suanli.model.resources import Allocation, Node


def drawn_mw(allocation: Allocation, nodes: Mapping[NodeName, Node]) -> int:
    """Milliwatts beyond idling, given the nodes by name. What is not known to draw anything counts for nothing.

    The planner counts the same on its tables (``core.power``).
    """
    total = 0
    for hold in allocation.nodes:
        node = nodes[hold.node]
        powers = {device.index: device.power_mw for device in node.devices}
        total += -(-node.cpu_power_mw * hold.cpu_milli // WHOLE_CPU)
        for held in hold.devices:
            total += -(-powers.get(held.index, 0) * held.share // WHOLE_DEVICE)
    return total
