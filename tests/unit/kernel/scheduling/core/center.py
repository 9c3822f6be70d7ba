"""Small centers in the tables of the compiled loops, and a replay of them event by event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from suanli.kernel.replay.advance import advance
from suanli.kernel.replay.course import EVENTS, TIME, Course, Ways, begin
from suanli.kernel.replay.queue import FCFS, REQUESTED
from suanli.kernel.replay.trace import make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY, Rules
from suanli.kernel.scheduling.linking import order_of
from suanli.model.devices import Interconnect


@dataclass(frozen=True)
class Node:
    """``devices`` are (type, healthy), ``links`` groups of their positions at a distance, each with all within it."""

    cpu: int
    memory: int = 100
    devices: tuple[tuple[int, bool], ...] = ()
    engine: int = 0
    ready: bool = True
    windows: int = 0
    features: int = 0
    switch: int = 0
    disk: int = 0
    links: tuple[tuple[Interconnect, tuple[tuple[int, ...], ...]], ...] = ()


@dataclass(frozen=True)
class Shape:
    """``unit`` above 0 asks for whole nodes with so many tasks each, ``most`` bounds the tasks on one (0: it does not).

    The others are bits: of windows to keep off and to lie within, of features. Only small tables know these.
    """

    cpu: int = 1
    memory: int = 1
    devices: int = 0
    share: int = 1000
    types: frozenset[int] = frozenset()
    alone: bool = False
    unit: int = 0
    most: int = 0
    kept_off: int = 0
    within: int = 0
    must_have: int = 0
    disk: int = 0
    apart: int = 0


@dataclass(frozen=True)
class Job:
    submitted: int = 0
    runtime: int = 1
    limit: int = 1
    need: int = 1
    shape: Shape = field(default_factory=Shape)
    array: int = 0
    preemptible: bool = False


@dataclass
class Replayed:
    """A center with its course; ``shapes`` and ``jobs`` in the order of their rows."""

    nodes: Sequence[Node]
    jobs: Sequence[Job]
    shapes: Sequence[Shape]
    center: t.Center
    course: Course
    rules: Rules

    def events(self) -> Iterator[int]:
        """Live through one event after the other, and yield the instant of each."""
        ways = Ways(order=FCFS, moving=False, prediction=REQUESTED, believed=False)
        while advance(self.center, self.course, self.rules, ways, t.NEVER, 1, t.NEVER):
            yield int(self.course.history[TIME, self.course.at[EVENTS] - 1])

    def queue(self) -> list[int]:
        return [int(job) for job in t.queued(self.center)]

    def running(self) -> list[int]:
        return [int(job) for job in self.center.lists[t.RUNNING, : self.center.sizes[t.RUNNING_SIZE]]]

    def holds(self, job: int) -> list[tuple[int, ...]]:
        """Node, tasks, cpus, memory, alone, disk."""
        return chain(self.center.holds, int(self.center.jobs[job, t.HOLD]), t.HELD_BY)

    def device_holds(self, job: int) -> list[tuple[int, ...]]:
        """Node, position, thousandths."""
        return chain(self.center.device_holds, int(self.center.jobs[job, t.DEVICE_HOLD]), t.HELD_SLOTS)

    def reserved_for_head(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """What the head alone has reserved, as in ``holds`` and ``device_holds``."""
        center, sizes = self.center, self.center.sizes
        return (
            chain(center.holds, int(sizes[t.HEAD_HOLD]), t.HELD_BY),
            chain(center.device_holds, int(sizes[t.HEAD_DEVICE_HOLD]), t.HELD_SLOTS),
        )

    def booked(self, job: int) -> tuple[int, list[tuple[int, ...]], list[tuple[int, ...]]]:
        """When a reservation begins and what it is of nodes and devices, as in ``holds`` and ``device_holds``."""
        sizes, center = self.center.sizes, self.center
        rows = center.booked[: sizes[t.BOOKED]].tolist()
        devices = center.booked_devices[: sizes[t.BOOKED_DEVICES]].tolist()
        of_nodes = [row for row in rows if row[t.BOOKED_JOB] == job]
        return (
            of_nodes[0][t.BOOKED_START],
            [tuple(row[t.BOOKED_HOLD :]) for row in of_nodes],
            [tuple(row[1 : 1 + t.HELD_SLOTS]) for row in devices if row[0] == job],
        )

    def reserved(self) -> list[int]:
        """Who has a reservation, in order."""
        rows = self.center.booked[: self.center.sizes[t.BOOKED], t.BOOKED_JOB]
        return list(dict.fromkeys(rows.tolist()))


def chain(table: t.Ints, row: int, columns: int) -> list[tuple[int, ...]]:
    """The first columns of the rows that lead on from one."""
    found = []
    while row >= 0:
        found.append(tuple(int(value) for value in table[row, :columns]))
        row = int(table[row, -1])
    return found


def fill(center: t.Center, nodes: Sequence[Node], shapes: Sequence[Shape], jobs: Sequence[Job]) -> None:
    """Write down what these are, in rows in their order; no kinds are given to the jobs."""
    for row, node in enumerate(nodes):
        for column, value in (
            (t.ENGINE, node.engine),
            (t.READY, node.ready),
            (t.CPU, node.cpu),
            (t.FREE_CPU, node.cpu),
            (t.MEMORY, node.memory),
            (t.FREE_MEMORY, node.memory),
            (t.RESERVED, node.windows),
            (t.HAS, node.features),
            (t.SWITCH, node.switch),
            (t.DISK, node.disk),
            (t.FREE_DISK, node.disk),
        ):
            center.nodes[row, column] = value
        for position, (kind, healthy) in enumerate(node.devices):
            center.devices[row, position, : t.NEAR] = (kind, healthy, t.WHOLE)
        width = center.devices.shape[1]
        center.devices[row, :, t.NEAR] = order_of(dict(node.links), range(len(node.devices)), width)
    center.sizes[[t.LARGEST_CPU, t.LARGEST_MEMORY]] = center.nodes[:, [t.CPU, t.MEMORY]].max(axis=0)
    center.sizes[t.SWITCHES] = 1 + max(node.switch for node in nodes)
    for row, shape in enumerate(shapes):
        types = sum(1 << kind for kind in shape.types)
        asked = (shape.cpu, shape.memory, shape.alone, shape.devices, shape.share, types, max(shape.unit, 1))
        center.shapes[row, : len(asked)] = asked
        center.shapes[row, [t.OF_CLASS, t.OF_MODEL, t.OF_MEMORY, t.OF_PRECISION]] = types
        center.shapes[row, [t.BY_NODES, t.MOST_TASKS]] = (shape.unit > 0, shape.most)
        center.shapes[row, [t.TASK_DISK, t.APART]] = (shape.disk, shape.apart)
        center.shapes[row, [t.KEPT_OFF, t.WITHIN, t.MUST_HAVE]] = (shape.kept_off, shape.within, shape.must_have)
    for row, job in enumerate(jobs):
        of_job = (shapes.index(job.shape), job.need, 0, job.limit, 0, job.array)
        center.jobs[row, : len(of_job)] = of_job
        center.jobs[row, t.PREEMPTIBLE] = job.preemptible


def replay(
    nodes: Sequence[Node],
    jobs: Sequence[Job],
    *,
    score: int = 0,
    backfill: int = EASY,
    most: int = 2**40,
    shortest_first: bool = False,
    bounds: Sequence[int] = (0,),
) -> Replayed:
    """Before the first event; jobs must come in the order of their submission, ``bounds`` by row of arrays."""
    shapes = sorted({job.shape for job in jobs}, key=repr)
    kinds = sorted({(shapes.index(job.shape), job.need) for job in jobs})
    widest = max(len(node.devices) for node in nodes)
    engines = 1 + max(node.engine for node in nodes)
    room = len(nodes) * (len(jobs) + 1)
    sizes = t.Sizes(
        len(nodes), widest, engines, len(shapes), len(kinds), len(jobs), room, room * max(widest, 1)
    )._replace(associations=len(bounds), bounds=len(bounds))
    if backfill > EASY:
        sizes = sizes._replace(booked=room, booked_devices=room * max(widest, 1))
    center = t.make_center(sizes)
    center.bounds[1:, t.MOST, 0] = bounds[1:]
    center.associations[1:, 0] = np.arange(1, len(bounds))
    fill(center, nodes, shapes, jobs)
    for row, job in enumerate(jobs):
        center.jobs[row, [t.KIND, t.FORM_KIND]] = kinds.index((shapes.index(job.shape), job.need))
    trace = make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted for job in jobs],
            "runtime_us": [job.runtime for job in jobs],
            "requested_us": [job.limit for job in jobs],
            "tasks": [job.need for job in jobs],
            "cpu_milli": [job.shape.cpu for job in jobs],
        }
    )
    rules = Rules(score, backfill, most, shortest_first)
    return Replayed(nodes, jobs, shapes, center, begin(trace, 1), rules)
