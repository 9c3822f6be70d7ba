"""The openb lists and the protocol that the FGD paper (USENIX ATC 2023) measures scheduling policies by.

A list's tasks are shuffled by the seed and then drawn again at random (or dropped) until they ask 130 % of the devices.
They arrive one by one and never leave; one that fits nowhere is dropped. What counts is the part of all devices that is
allocated when the arrived tasks ask 90, 100 and 130 % of them: the mean over the arrivals within half a percent.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.rig.shared import DATA
from suanli.kernel.replay.arriving import place_arriving
from suanli.kernel.scheduling.core.criteria import KINDS, Request, Typical, Worth
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, fits, take
from suanli.kernel.scheduling.scores.fragmentation import fragmentation
from suanli.kernel.scheduling.scores.gradient import gradient
from suanli.kernel.scheduling.scores.largest import Largest
from suanli.kernel.scheduling.scores.typical import typical
from suanli.kernel.scheduling.scores.worth import worth
from suanli.model.quantities import WHOLE_DEVICE

OPENB = DATA / "traces" / "openb"
LISTS = ("default", "cpu050", "gpushare40", "multigpu30", "gpuspec20")
ARRIVED = (90, 100, 130)
POSITIONS = 8
MODELS = ("A10", "G2", "G3", "P100", "T4", "V100M16", "V100M32")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Score = Callable[[Free, int, Request, Any], tuple[float, int]]


@allocating_entry
def at_random(free: Free, row: int, request: Request, _largest: Largest) -> tuple[float, int]:
    """A score and, for a share, a device drawn at random."""
    chosen, found = -1, 0
    if request.number == 1:
        for position in range(free.device.shape[1]):
            if free.device[row, position] >= request.share:
                found += 1
                if np.random.randint(found) == 0:  # noqa: NPY002  the generator that compiled code has
                    chosen = position
    return np.random.random(), chosen  # noqa: NPY002


@allocating_entry
def _seed(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002


@allocating_entry
def play(
    free: Free,
    classes: Ints,
    arriving: Ints,
    score: Score,
    known: Any,
    drawn: bool,  # noqa: FBT001
) -> tuple[Floats, Floats]:
    """Let tasks of classes (cpu, memory, count, share, models) arrive; return what had arrived and was allocated.

    Scores are kept by class and node and computed anew where the node has changed since, or always where ``drawn``.
    """
    nodes = free.cpu.size
    version = np.zeros(nodes, np.int64)
    seen = np.full((classes.shape[0], nodes), -1)
    scores = np.full((classes.shape[0], nodes), np.inf)
    positions = np.full((classes.shape[0], nodes), -1)
    arrived, allocated = np.zeros(arriving.size), np.zeros(arriving.size)
    asked, held = 0, 0
    for task in range(arriving.size):
        of = arriving[task]
        request = Request(classes[of, 0], classes[of, 1], classes[of, 2], classes[of, 3], classes[of, 4])
        best, lowest = -1, np.inf
        for row in range(nodes):
            if drawn or seen[of, row] != version[row]:
                seen[of, row] = version[row]
                scores[of, row] = np.inf
                if fits(free, row, request):
                    scores[of, row], positions[of, row] = score(free, row, request, known)
            if scores[of, row] < lowest:
                best, lowest = row, scores[of, row]
        asked += request.number * request.share
        if best >= 0:
            take(free, best, request, positions[of, best])
            version[best] += 1
            held += request.number * request.share
        arrived[task], allocated[task] = asked, held
    return arrived, allocated


@dataclass(frozen=True)
class Center:
    """The nodes of the trace that have devices, in the trace's order."""

    free: Free
    devices: Ints
    """[model] how many there are."""

    @cached_property
    def capacity(self) -> int:
        """Thousandths of devices."""
        return int(self.devices.sum()) * WHOLE_DEVICE

    def shuffled(self, order: Ints) -> Free:
        """Fresh arrays of the empty nodes in another order."""
        return Free(*(values[order].copy() for values in self.free))

    @classmethod
    def read(cls, folder: Path = OPENB) -> Center:
        """The center of the trace."""
        with (folder / "openb_node_list_gpu_node.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        cpu, memory, count = (np.array([int(row[name]) for row in rows]) for name in ("cpu_milli", "memory_mib", "gpu"))
        there = np.arange(POSITIONS) < count[:, None]
        model = np.where(there, np.array([[MODELS.index(row["model"])] for row in rows]), -1)
        kinds = np.zeros((len(rows), KINDS), np.int64)
        devices = np.bincount(model[there], minlength=len(MODELS))
        return cls(Free(cpu, memory, there * WHOLE_DEVICE, model, cpu, kinds), devices)


@dataclass(frozen=True)
class Tasks:
    """One list: its classes of equal demand and the class of each task."""

    classes: Ints
    """[class] cpu, memory, count, share, models."""
    of: Ints

    @property
    def devices(self) -> Ints:
        """[task] thousandths of devices asked for."""
        return np.asarray((self.classes[:, 2] * self.classes[:, 3])[self.of])

    @cached_property
    def typical(self) -> Typical:
        """What is typically asked."""
        counts = np.bincount(self.of, minlength=len(self.classes))
        return typical([Request(*row) for row in self.classes.tolist()], counts)

    @classmethod
    def read(cls, name: str, folder: Path = OPENB) -> Tasks:
        """The list of that name."""
        rows = []
        with (folder / f"openb_pod_list_{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                count = int(row["num_gpu"])
                share = min(int(row["gpu_milli"]), WHOLE_DEVICE) if count else 0
                accepted = {MODELS.index(model) for model in (row.get("gpu_spec") or "").split("|") if model}
                models = sum(1 << model for model in accepted) if accepted and count else -1
                rows.append((int(row["cpu_milli"]), int(row["memory_mib"]), count, share, models))
        classes, of = np.unique(np.array(rows), axis=0, return_inverse=True)
        return cls(classes, of.ravel())

    def arriving(self, chance: np.random.Generator, limit: float) -> Ints:
        """Classes of the tasks in order: all, shuffled, then drawn again or dropped up to a sum of thousandths."""
        order = chance.permutation(self.of.size).tolist()
        devices, share = self.devices, self.classes[self.of, 3]
        asked = int(devices.sum())
        while asked > limit:
            asked -= int(devices[order.pop(int(chance.integers(len(order))))])
        while True:
            again = int(chance.integers(self.of.size))
            if asked + share[again] > limit:
                break
            asked += int(devices[again])
            order.append(again)
        return np.asarray(self.of[order])


@dataclass(frozen=True)
class Outcome:
    """Percent of all devices allocated when ``ARRIVED`` percent had been asked for."""

    allocated: tuple[float, ...]


def run(center: Center, tasks: Tasks, score: Score, known: Any, seed: int) -> Outcome:
    """One list, one policy, one seed."""
    chance = np.random.default_rng(seed)
    arriving = tasks.arriving(chance, ARRIVED[-1] / 100 * center.capacity)
    free = center.shuffled(chance.permutation(center.free.cpu.size))
    _seed(seed)
    if score is fragmentation:
        memory = gradient(free, tasks.classes, known)
        placed = place_arriving(memory, free, tasks.classes, arriving, known)
        asked = (tasks.classes[:, 2] * tasks.classes[:, 3])[arriving]
        arrived, allocated = np.cumsum(asked), np.cumsum(np.where(placed >= 0, asked, 0))
    else:
        arrived, allocated = play(free, tasks.classes, arriving, score, known, score is at_random)
    percent = 100 * arrived / center.capacity
    marks = (np.abs(percent - mark) <= 0.5 for mark in ARRIVED)
    return Outcome(tuple(float(allocated[near].mean()) * 100 / center.capacity for near in marks))


def largest(center: Center) -> Largest:
    """The most that one node has: 128 cpus and 8 devices."""
    return Largest(float(center.free.cpu.max()), float(POSITIONS * WHOLE_DEVICE))


def worth_of(center: Center, tasks: Tasks) -> Worth:
    """What residual value knows: the typical tasks and the center's devices."""
    return worth(tasks.typical, center.devices)
