"""What speaks against a node, by criterion: a formula each, in hundredths, of what the node has free; lower is better.

Rows [position] say of each device of a node what is free of it, in thousandths, and the code of its type (-1: there is
none, or none in health). Who keeps them, and when a formula is asked, is not known here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Floats, Ints

FARTHEST = 6
"""The longest distance between devices of a node."""
KINDS = 18
"""Kinds of device demand told apart on a node: 0 a share, then 1 to 16 whole devices, then more than these."""


class Request(NamedTuple):
    """What is to be placed on one node. Without devices ``number`` and ``share`` are 0."""

    cpu: int
    memory: int
    number: int
    share: int
    """Thousandths of each device."""
    models: int
    """Bit m is set where a device of type m will do; -1 where any does."""


class Typical(NamedTuple):
    """Typical requests for devices in buckets of equal device demand, each sorted by cpus.

    Requests without devices count in the weights, which add up to one with them, but have no bucket: none of a node's
    devices serves them, wherever they go.
    """

    number: Ints
    """[bucket] devices."""
    share: Ints
    """[bucket] thousandths of each."""
    models: Ints
    """[bucket] types that will do, as in ``Request``."""
    start: Ints
    """[bucket + 1] where the bucket's requests start in ``cpu`` and ``weight``."""
    cpu: Ints
    """[request] milli-cpus, rising within a bucket."""
    weight: Floats
    """[request] part of all typical requests that are of its bucket and ask no more cpus than it."""


@compiled
def accepts(request: Request, model: int) -> bool:
    """Whether a device of that type will do."""
    return model >= 0 and (request.models >> model) & 1 == 1


@compiled
def kind_of(request: Request) -> int:
    """The kind of device demand."""
    if request.share < t.WHOLE:
        return 0
    return min(request.number, KINDS - 1)


@compiled
def tightest(device: Ints, model: Ints, request: Request, taken: int) -> int:
    """Position of the device with the least free that still holds the share, the first of equals; -1 if none does.

    Positions whose bit is set in ``taken`` do not count.
    """
    best = -1
    for position in range(device.size):
        if (
            not (taken >> position) & 1
            and device[position] >= request.share
            and accepts(request, model[position])
            and (best < 0 or device[position] < device[best])
        ):
            best = position
    return best


@compiled
def take_tightest(device: Ints, model: Ints, request: Request) -> None:
    """Let devices have less by what is asked: the tightest that will do, each as full as it goes."""
    taken, wanted = 0, request.number
    while wanted > 0:
        best = tightest(device, model, request, taken)
        if best < 0:
            return
        parts = min(wanted, device[best] // request.share)
        device[best] -= parts * request.share
        taken |= 1 << best
        wanted -= parts


@compiled
def free_of(device: Ints) -> int:
    """Thousandths of devices that are free together."""
    free = 0
    for position in range(device.size):
        free += device[position]
    return free


@compiled
def product(cpu: tuple[float, float], devices: tuple[float, float]) -> float:
    """Half the product of what is free and what is asked, each in parts of the largest node's, in whole hundredths.

    The node whose free resources are least in proportion to the request. Source: the alignment score of Grandl et al.,
    "Multi-resource packing for cluster schedulers" (Tetris), SIGCOMM 2014, which takes the largest product; here, as in
    the comparisons of the FGD paper, the smallest is taken.
    """
    return -float(int(100.0 * (1.0 - 0.5 * (cpu[0] * cpu[1] + devices[0] * devices[1]))))


@compiled
def packed(before: Ints, after: Ints, model: Ints) -> float:
    """Up to -50 where shared devices suffice, by what they have free; to -33 by free devices used; above, a free node.

    Source: the comparison policy "GpuPacking" of the FGD paper (USENIX ATC 2023) with the grades of its simulator.
    """
    devices, whole, opened, shared = 0, 0, 0, 0
    for position in range(before.size):
        devices += model[position] >= 0
        whole += before[position] == t.WHOLE
        if after[position] != before[position]:
            opened += before[position] == t.WHOLE
            shared += 100 * before[position] // t.WHOLE
    if whole == devices:
        return -float(max(33 - whole, whole))
    if opened:
        return -float(max(50 - opened, 33))
    return -float(max(100 - shared // 10, 50))


@compiled
def clustered(is_there: bool, present: int, used: float) -> float:
    """Best a node of this kind of demand alone, then one of several with it, then an empty one; fuller ones first.

    Of the kinds of device demand that the node holds: whether this one is among them, and how many they are; and which
    part of the most devices is in use there. Source: the comparison policy "GpuClustering" of the FGD paper (USENIX ATC
    2023) with the grades of its simulator.
    """
    grade = 0
    if is_there:
        grade = 75 if present == 1 else 50
    elif present == 0:
        grade = 25
    return -float(grade + int(25 * used))


@compiled
def weight_within(known: Typical, bucket: int, cpu: int) -> float:
    """What part of all typical requests is of a bucket and asks for no more than so many milli-cpus."""
    low, high = known.start[bucket], known.start[bucket + 1]
    if known.cpu[low] > cpu:
        return 0.0
    while high - low > 1:
        middle = (low + high) >> 1
        if known.cpu[middle] <= cpu:
            low = middle
        else:
            high = middle
    return float(known.weight[low])


@compiled
def usable(cpu: int, device: Ints, model: Ints, known: Typical) -> float:
    """Thousandths of free devices that a typical request can use; what is free less this is the fragmentation.

    A node's fragmentation is what of its free devices a typical request, drawn at random, cannot use: all of it where
    the request does not fit, else what lies on devices with too little left for one of its shares. Source: Weng et al.,
    "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent", USENIX ATC 2023.
    """
    expected = 0.0
    for bucket in range(known.number.size):
        share, found, held = known.share[bucket], 0, 0
        for position in range(device.size):
            if (
                device[position] >= share
                and model[position] >= 0
                and (known.models[bucket] >> model[position]) & 1 == 1
            ):
                found += 1
                held += device[position]
        if found >= known.number[bucket]:
            expected += weight_within(known, bucket, cpu) * held
    return expected


@compiled
def graded(lost: float) -> float:
    """The FGD paper's simulator's grade of a growth of fragmentation, in thousandths: from -100 (much less) to 0.

    The growth goes through a sigmoid and is cut to whole hundredths. The cut belongs to the policy: growths that differ
    by less than about a 25th of a device count as equal, and the first of equal nodes is filled up before the next.
    """
    return -math.floor(100.0 / (1.0 + math.exp(lost / t.WHOLE)))


@compiled
def apart(distance: int, taken: int, whole: int) -> float:
    """How far apart the devices that are taken lie, from 0 to below 100; of equals, how much of their group is left.

    ``whole`` are the wholly free devices of the tightest group in which they lie; what of them is not ``taken`` is the
    rest of a group that is no more whole.
    """
    return 100.0 * (distance + (whole - taken) / whole) / (FARTHEST + 1)


class Worth(NamedTuple):
    """What residual value knows of requests to come and of the center."""

    fill: Floats
    """[model, thousandths free] devices' worth of requests that will come to it."""
    price: Floats
    """[model] worth of a filled device."""
    lean: float
    """Milli-cpus that a filled device needs at least."""
    spread: float
    """Deviation of the milli-cpus that one filled device needs."""


DEVICES_LEFT = 0.007
CPUS_LEFT = 0.04
"""Fitted with what ``scores.residual_value`` is fitted on."""


@compiled
def left_over(cpu: int, device: Ints) -> float:
    """A small cost of using a node with much left, so that of equal losses one node after the other is filled."""
    return DEVICES_LEFT * free_of(device) / t.WHOLE + CPUS_LEFT * cpu / 1e6


@compiled
def shortage(margin: float) -> float:
    """Expected excess of a standard normal variable over ``margin``."""
    if margin > 6.0:
        return 0.0
    density = math.exp(-0.5 * margin * margin) / math.sqrt(2.0 * math.pi)
    return density - 0.5 * margin * math.erfc(margin / math.sqrt(2.0))


@compiled
def value(cpu: int, device: Ints, model: Ints, known: Worth) -> float:
    """Devices' worth of requests that what is free on a node will serve."""
    filled = 0.0
    priced = 0.0
    for position in range(device.size):
        if model[position] >= 0:
            part = known.fill[model[position], device[position]]
            filled += part
            priced += part * known.price[model[position]]
    if filled <= 0.0:
        return 0.0
    deviation = known.spread * math.sqrt(filled)
    short = deviation * shortage((cpu - known.lean * filled) / deviation)
    return priced * (1.0 - short / (known.lean * filled))
