"""Fragmentation gradient descent with a memory: the node that ``fragmentation`` would choose, without asking of each.

The score of a node depends on what it has free and on the request's cpus and devices, of which there are few. So
scores are kept by kind of request and node; a node that changes is scored anew for all kinds at once, which share most
of the work: what each typical request could use of its devices, and which of them its cpus allow. Scores are whole
numbers from -100 to 0, and the least of each ``BLOCK`` nodes is kept, so that a choice looks at few of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request, Typical, graded, tightest, weight_within
from suanli.kernel.scheduling.core.jit import allocating, allocating_entry, compiled
from suanli.kernel.scheduling.core.tables import Floats, Ints
from suanli.kernel.scheduling.scores.arrays import Free, differs
from suanli.model.quantities import WHOLE_DEVICE

Grades = NDArray[np.int8]

_NONE, _UNKNOWN = 1, -128
"""The score of a node that has no room, and the least of a block that is to be looked up."""


class Gradient(NamedTuple):
    """What is remembered. A kind is a pair of cpus and of a device demand that some class of requests has."""

    kind_of: Ints
    """[class]"""
    cpu: Ints
    """[cpus] milli-cpus, different ones."""
    demand: Ints
    """[demand, 3] number, share and models of devices, different ones."""
    kind: Ints
    """[cpus, demand] the kind, -1 where no class has both."""
    group: Ints
    """[node] which buckets of typical requests its models concern."""
    concerned: Ints
    """[group, bucket] those buckets in order, then -1."""
    score: Grades
    """[kind, node]"""
    lowest: Grades
    """[kind, block] the least score."""
    position: Grades
    """[kind, node] the device to share, -1 where the tightest are taken."""
    types: Ints
    """[group] bits of its models."""
    counted: Ints
    """[4, bucket] devices that would do and what is free on them, now and after a request."""
    weight: Floats
    """[1 + cpus, bucket] part of typical requests that the cpus of a node allow, now and after a request."""
    best: Ints
    """[2, cpus] the score with the devices of one demand, and the device to share."""


def gradient(free: Free, classes: Ints, known: Typical) -> Gradient:
    """The memory for nodes and classes of requests [class, 5] (cpu, memory, count, share, models), all scored."""
    cpu, of_cpu = np.unique(classes[:, 0], return_inverse=True)
    demand, of_demand = np.unique(classes[:, 2:], axis=0, return_inverse=True)
    pairs, kind_of = np.unique(np.stack([of_cpu.ravel(), of_demand.ravel()], axis=1), axis=0, return_inverse=True)
    kind = np.full((cpu.size, len(demand)), -1)
    kind[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
    masks = np.bitwise_or.reduce(np.where(free.model >= 0, 1 << np.maximum(free.model, 0), 0), axis=1)
    different, group = np.unique(masks, return_inverse=True)
    buckets, nodes = known.number.size, free.cpu.size
    concerned = np.full((different.size, buckets + 1), -1)
    for row, mask in enumerate(different):
        found = np.flatnonzero(known.models & mask)
        concerned[row, : found.size] = found
    made = Gradient(
        kind_of=kind_of.ravel(),
        cpu=cpu,
        demand=demand,
        kind=kind,
        group=group.ravel(),
        concerned=concerned,
        score=np.full((len(pairs), nodes), _NONE, dtype=np.int8),
        lowest=np.full((len(pairs), -(-nodes // t.BLOCK)), _NONE, dtype=np.int8),
        position=np.full((len(pairs), nodes), -1, dtype=np.int8),
        types=different,
        counted=np.zeros((4, buckets), dtype=np.int64),
        weight=np.zeros((1 + cpu.size, buckets)),
        best=np.zeros((2, cpu.size), dtype=np.int64),
    )
    for row in range(nodes):
        rescore(made, free, row, known)
    return made


@allocating_entry
def choose(memory: Gradient, free: Free, of: int, needed: int) -> int:
    """The node with the lowest score for a class that needs so much memory, the first of equals; -1: none has room."""
    kind = memory.kind_of[of]
    scores, lowest = memory.score[kind], memory.lowest[kind]
    best, chosen = _NONE, -1
    for block in range(lowest.size):
        if lowest[block] == _UNKNOWN:
            lowest[block] = _least(scores[block * t.BLOCK : block * t.BLOCK + t.BLOCK])
        if lowest[block] < best:
            for row in range(block * t.BLOCK, min(block * t.BLOCK + t.BLOCK, scores.size)):
                if scores[row] < best and free.memory[row] >= needed:
                    best, chosen = scores[row], row
    return chosen


@compiled
def _least(scores: Grades) -> int:
    least = np.int8(_NONE)
    for place in range(scores.size):
        least = min(least, scores[place])
    return int(least)


@allocating_entry
def rescore(memory: Gradient, free: Free, row: int, known: Typical) -> None:
    """Score a node that changed anew for all kinds."""
    concerned, cpu, best = memory.concerned[memory.group[row]], free.cpu[row], memory.best
    _survey(memory, known, concerned, free.device[row], free.model[row])
    for place in range(memory.cpu.size + 1):
        _weigh(memory.weight[place], concerned, known, cpu - (memory.cpu[place - 1] if place > 0 else 0))
    now = _usable(memory.counted[0], memory.counted[1], memory.weight[0], concerned, known)
    for demand in range(memory.demand.shape[0]):
        if memory.demand[demand, 0] > 0 and memory.demand[demand, 2] & memory.types[memory.group[row]] == 0:
            continue
        best[0] = _NONE
        _try(memory, free, row, known, (demand, now))
        for place in range(memory.cpu.size):
            kind = memory.kind[place, demand]
            if kind >= 0:
                memory.position[kind, row] = best[1, place]
                _remember(memory.score[kind], memory.lowest[kind], row, best[0, place])


@allocating
def _try(memory: Gradient, free: Free, row: int, known: Typical, tried: tuple[int, float]) -> None:
    """Take the devices of one demand in each way that may differ, given what is usable now."""
    demand, now = tried
    device, model, cpu, counted = free.device[row], free.model[row], free.cpu[row], memory.counted
    concerned = memory.concerned[memory.group[row]]
    number, share, models = memory.demand[demand, 0], memory.demand[demand, 1], memory.demand[demand, 2]
    request, before = Request(0, 0, number, share, models), now - number * share
    if number != 1 or share == WHOLE_DEVICE:
        if _take_all(counted, concerned, known, device, model, request):
            _grade(memory, known, concerned, demand, (cpu, before, -1))
        return
    for position in range(device.size):
        if differs(device, model, request, position):
            _reset(counted, concerned)
            _move(counted, concerned, known, device[position], model[position], share)
            _grade(memory, known, concerned, demand, (cpu, before, position))


@compiled
def _survey(memory: Gradient, known: Typical, concerned: Ints, device: Ints, model: Ints) -> None:
    """Count the devices that would do for each bucket, and what is free on them."""
    found, held = memory.counted[0], memory.counted[1]
    for place in range(concerned.size):
        bucket = concerned[place]
        if bucket < 0:
            return
        found[bucket] = held[bucket] = 0
        for position in range(device.size):
            _count(found, held, bucket, known, (device[position], model[position], 1))


@compiled
def _weigh(weight: Floats, concerned: Ints, known: Typical, cpu: int) -> None:
    """What part of typical requests each bucket has that ask for no more than so many milli-cpus."""
    for place in range(concerned.size):
        bucket = concerned[place]
        if bucket < 0:
            return
        weight[bucket] = weight_within(known, bucket, cpu)


@compiled
def _count(found: Ints, held: Ints, bucket: int, known: Typical, device: tuple[int, int, int]) -> None:
    """Count a device (free thousandths, model, 1 or -1) as one that would do for a bucket, if it would."""
    left, model, sign = device
    if left >= known.share[bucket] and model >= 0 and (known.models[bucket] >> model) & 1 == 1:
        found[bucket] += sign
        held[bucket] += sign * left


@compiled
def _reset(counted: Ints, concerned: Ints) -> None:
    """Begin with what is there now."""
    for place in range(concerned.size):
        bucket = concerned[place]
        if bucket < 0:
            return
        counted[2, bucket], counted[3, bucket] = counted[0, bucket], counted[1, bucket]


@compiled
def _move(counted: Ints, concerned: Ints, known: Typical, left: int, model: int, share: int) -> None:
    """Let a device have a share less."""
    for place in range(concerned.size):
        bucket = concerned[place]
        if bucket < 0:
            return
        _count(counted[2], counted[3], bucket, known, (left, model, -1))
        _count(counted[2], counted[3], bucket, known, (left - share, model, 1))


@allocating
def _take_all(counted: Ints, concerned: Ints, known: Typical, device: Ints, model: Ints, request: Request) -> bool:
    """Let the tightest devices have a share less; False where there are too few."""
    taken = 0
    _reset(counted, concerned)
    for _ in range(request.number):
        best = tightest(device, model, request, taken)
        if best < 0:
            return False
        taken |= 1 << best
        _move(counted, concerned, known, device[best], model[best], request.share)
    return True


@compiled
def _usable(found: Ints, held: Ints, weight: Floats, concerned: Ints, known: Typical) -> float:
    """What a typical request can use, as ``usable`` adds it up."""
    expected = 0.0
    for place in range(concerned.size):
        bucket = concerned[place]
        if bucket < 0:
            break
        if found[bucket] >= known.number[bucket]:
            expected += weight[bucket] * held[bucket]
    return expected


@allocating
def _grade(memory: Gradient, known: Typical, concerned: Ints, demand: int, found: tuple[int, float, int]) -> None:
    """Keep by cpus, of one device demand, the scores that are better with the devices taken that way.

    What was found are the node's milli-cpus, the usable before less what is taken, and the device to share.
    """
    cpu, before, position = found
    counted, weight, best = memory.counted, memory.weight, memory.best
    for place in range(memory.cpu.size):
        if memory.kind[place, demand] >= 0 and memory.cpu[place] <= cpu:
            score = graded(before - _usable(counted[2], counted[3], weight[1 + place], concerned, known))
            if score < best[0, place]:
                best[0, place], best[1, place] = score, position


@compiled
def _remember(scores: Grades, lowest: Grades, row: int, new: int) -> None:
    old, block = scores[row], row // t.BLOCK
    if new == old:
        return
    scores[row] = new
    if lowest[block] == _UNKNOWN:
        return
    if new < lowest[block]:
        lowest[block] = new
    elif old == lowest[block]:
        lowest[block] = _UNKNOWN
