"""Step 4: all tasks of a run onto nodes, or none (gang)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.feasible import engines_holding, narrowings
from suanli.kernel.scheduling.score import ScorePolicy
from suanli.kernel.scheduling.snapshot import Holds, Ints, Nodes, Room
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.resources import Allocation, DeviceHold, NodeHold


@dataclass(frozen=True, slots=True)
class Gang:
    """Nodes chosen for one run, in order, with the tasks on each and all that they hold (``run`` is row 0)."""

    engine: int
    node: Ints
    tasks: Ints
    holds: Holds


def place(nodes: Nodes, room: Room, tasks: Ints, demand: Demand, score: ScorePolicy) -> Gang:
    """Choose nodes of one engine for all tasks, given how many fit on each node; some engine must hold them all.

    With ``nodes`` asked for, exactly that many, the lowest scores first. Otherwise as few as possible: the best scored
    of those that hold all, else the roomiest first, and the best scored that holds the rest.
    """
    choices = []
    for engine in engines_holding(nodes, tasks, demand):
        rows = np.flatnonzero((nodes.engine == engine) & (tasks >= demand.tasks_a_node))
        scores = score(nodes, room, rows)
        if demand.nodes:
            chosen = rows[np.argsort(scores, kind="stable")[: demand.nodes]]
            shares = np.full_like(chosen, demand.tasks_a_node)
        else:
            chosen, shares = _fewest(rows, tasks[rows], scores, demand.tasks)
        choices.append((chosen.size, int(engine), chosen, shares))
    _, engine_chosen, chosen, shares = min(choices, key=lambda choice: choice[:2])
    return Gang(engine_chosen, chosen, shares, _holds(nodes, room, demand, chosen, shares))


def _fewest(rows: Ints, fitting: Ints, scores: np.ndarray, wanted: int) -> tuple[Ints, Ints]:
    roomiest = np.lexsort((scores, -fitting))
    covered = np.cumsum(fitting[roomiest])
    full = roomiest[: int(np.searchsorted(covered, wanted))]
    rest = wanted - int(fitting[full].sum())
    open_to_rest = fitting >= rest
    open_to_rest[full] = False
    last = int(np.where(open_to_rest, scores, np.inf).argmin())
    return np.append(rows[full], rows[last]), np.append(fitting[full], rest)


def _holds(nodes: Nodes, room: Room, demand: Demand, chosen: Ints, tasks: Ints) -> Holds:
    ones = np.ones_like(chosen)
    cpu, memory = demand.cpu_milli * tasks, demand.memory_bytes * tasks
    if demand.exclusive:
        cpu, memory = nodes.cpu_milli[chosen], nodes.memory_bytes[chosen]
    held: list[tuple[int, int, int]] = []
    if demand.exclusive or demand.device_class is not None:
        for row, count in zip(chosen.tolist(), tasks.tolist(), strict=True):
            held += [(row, *device) for device in _devices(nodes, room, demand, row, count)]
    device_node, position, share = np.array(held, dtype=np.int64).reshape(-1, 3).T
    run, exclusive = np.zeros_like(chosen), ones * int(demand.exclusive)
    return Holds(run, chosen, ones, cpu, memory, exclusive, np.zeros_like(position), device_node, position, share)


def _devices(nodes: Nodes, room: Room, demand: Demand, row: int, tasks: int) -> Sequence[tuple[int, int]]:
    """Positions and shares for some tasks on one node, the tightest device first; all of an exclusive node's."""
    at = np.array([row])
    if demand.exclusive:
        good = (nodes.devices.kind[row] > 0) & (nodes.devices.healthy[row] > 0)
        return [(position, WHOLE_DEVICE) for position in np.flatnonzero(good).tolist()]
    left = np.logical_and.reduce([meeting[0] for _, meeting in narrowings(nodes, demand, at)])
    free, memory, index = room.device[row], nodes.devices.memory_bytes[row], nodes.devices.index[row]
    usable = np.flatnonzero(left & (free >= demand.device_share))
    wanted, taken = tasks * demand.device_count, []
    for position in usable[np.lexsort((index[usable], memory[usable], free[usable]))].tolist():
        parts = min(wanted, int(free[position]) // demand.device_share)
        if parts:
            taken.append((position, parts * demand.device_share))
            wanted -= parts
    return taken


def node_holds(nodes: Nodes, gang: Gang) -> tuple[NodeHold, ...]:
    """What the gang holds, in the model's words."""
    devices: dict[int, list[DeviceHold]] = {row: [] for row in gang.node.tolist()}
    held = gang.holds
    of_node = zip(held.device_node.tolist(), held.device_position.tolist(), held.device_share.tolist(), strict=True)
    for row, position, share in of_node:
        devices[row].append(DeviceHold(index=int(nodes.devices.index[row, position]), share=share))
    amounts = (gang.node, gang.tasks, held.cpu_milli, held.memory_bytes)
    return tuple(
        NodeHold(
            node=nodes.names[row],
            tasks=tasks,
            cpu_milli=cpu,
            memory_bytes=memory,
            devices=tuple(sorted(devices[row], key=lambda device: device.index)),
        )
        for row, tasks, cpu, memory in zip(*(amount.tolist() for amount in amounts), strict=True)
    )


def allocation(nodes: Nodes, gang: Gang, demand: Demand) -> Allocation:
    """The gang's allocation."""
    holding = node_holds(nodes, gang)
    return Allocation(engine=nodes.engines[gang.engine], nodes=holding, exclusive=demand.exclusive)
