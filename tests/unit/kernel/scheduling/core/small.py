"""Tables of a few nodes and jobs, set up by hand for one function at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape, chain, fill

ROWS = 64
"""Rows of holds, and of device holds: more than a few jobs take."""


def small(
    nodes: Sequence[Node],
    jobs: Sequence[Job] = (),
    *,
    shapes: Sequence[Shape] = (),
    licenses: int = 0,
    bounds: int = 1,
    booked: int = 0,
    booked_devices: int = ROWS,
    parted: bool = False,
) -> t.Center:
    """A center in which nobody waits or runs; shapes in the order in which jobs name them, unless they are given.

    A job asks of licenses and bounds what the row of asks of its own number says: nothing, at first.
    """
    known = list(dict.fromkeys([*shapes, *(job.shape for job in jobs)])) or [Shape()]
    devices, engines = max(len(node.devices) for node in nodes), 1 + max(node.engine for node in nodes)
    rows = max(len(jobs), 1)
    sizes = t.Sizes(len(nodes), devices, engines, len(known), rows, rows, ROWS, ROWS)
    center = t.make_center(
        sizes._replace(
            asks=rows,
            licenses=licenses,
            associations=bounds,
            bounds=bounds,
            booked=booked,
            booked_devices=booked_devices if booked else 0,
            parted_types=t.DEVICE_TYPES if parted else 0,
        )
    )
    fill(center, nodes, known, jobs)
    center.jobs[:, [t.ASKS, t.KIND, t.FORM_KIND]] = np.arange(rows)[:, None]
    return center


def run(
    center: t.Center,
    job: int,
    end: int,
    on: Mapping[int, int],
    devices: Sequence[tuple[int, ...]] = (),
    started: int = 0,
) -> None:
    """Let a job run until an instant: how many tasks on each node, and of devices node, position, thousandths, slices.

    The slices are left out where none of the devices is parted.
    """
    shape = center.shapes[center.jobs[job, t.SHAPE]]
    alone = int(shape[t.ALONE])
    held = np.zeros((len(on), 6), dtype=np.int64)
    for row, (node, tasks) in enumerate(on.items()):
        amounts = center.nodes[node, [t.CPU, t.MEMORY]] if alone else tasks * shape[[t.TASK_CPU, t.TASK_MEMORY]]
        disk = center.nodes[node, t.DISK] if alone else tasks * shape[t.TASK_DISK]
        held[row] = (node, tasks, *amounts, alone, disk)
    center.jobs[job, [t.END, t.STARTED]] = (end, started)
    rows = np.array([(*device, 0)[:4] for device in devices], dtype=np.int64).reshape(-1, 4)
    changes.run(center, job, held, rows)


def running(center: t.Center) -> list[int]:
    """Who runs, by end."""
    return [int(job) for job in center.lists[t.RUNNING, : center.sizes[t.RUNNING_SIZE]]]


def holds(center: t.Center, job: int) -> list[tuple[int, ...]]:
    """Node, tasks, cpus, memory, alone."""
    return chain(center.holds, int(center.jobs[job, t.HOLD]), t.HELD_DISK)


def disk_holds(center: t.Center, job: int) -> dict[int, int]:
    """Disk by node."""
    rows = chain(center.holds, int(center.jobs[job, t.HOLD]), t.HELD_BY)
    return {row[t.HELD_NODE]: row[t.HELD_DISK] for row in rows}


def device_holds(center: t.Center, job: int) -> list[tuple[int, ...]]:
    """Node, position, thousandths."""
    return chain(center.device_holds, int(center.jobs[job, t.DEVICE_HOLD]), t.HELD_SLOTS)


def part_holds(center: t.Center, job: int) -> list[tuple[int, ...]]:
    """Node, position, thousandths, slices."""
    return chain(center.device_holds, int(center.jobs[job, t.DEVICE_HOLD]), t.DEVICE_NEXT)


def chosen(center: t.Center, count: int) -> list[tuple[int, int]]:
    """Node and tasks of each that was chosen."""
    return [(int(node), int(tasks)) for node, tasks in center.scratch[[t.CHOSEN, t.TASKS], :count].T]


def free(center: t.Center, node: int) -> tuple[int, int, int, int]:
    """Cpus and memory of a node that are free, how many hold some of it, and how many exclusively."""
    cpu, memory, holders, alone = center.nodes[node, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]].tolist()
    return cpu, memory, holders, alone


def changed(before: t.Center, after: t.Center) -> set[str]:
    """The tables that are not as they were."""
    pairs = zip(fields(before), before, after, strict=True)
    return {field.name for field, one, other in pairs if not np.array_equal(one, other)}
