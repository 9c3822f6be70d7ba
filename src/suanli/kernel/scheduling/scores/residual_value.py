"""Residual value: the node that keeps most of what its free resources are worth.

What a node has left is worth the device time that requests to come will make of it. Three estimates give it:

- **Fill.** A device with r thousandths free will hold more as long as something that fits comes by before it is too
  late. With p_c the part of requests that ask a share s_c, and a rate q at which chances end,
  ``fill(r) = sum_{s_c <= r} p_c (s_c + fill(r - s_c)) / (sum_{s_c <= r} p_c + q)``. A rest that nothing common fits is
  worth little, however large it is, and an exact fill costs nothing: so 470 goes onto 530 and not onto 650.
- **Cpus.** Devices that could be filled to G need about ``lean G`` cpus, where ``lean`` is what requests chosen for
  their small demand ask a device; what comes is random, so the expected shortage is that of a normal demand with
  deviation ``spread sqrt(G)`` (the newsvendor's loss), and what is short leaves devices idle in proportion.
- **Price.** A model that many requests insist on, for its number of devices, is worth more.

The score is the loss of value, and besides it a small cost of using nodes with much left, so that equal losses fill up
nodes one after the other. The idea to steer by the marginal value of what is left is that of bid prices in network
revenue management (Talluri and van Ryzin, 1998).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.arrays import Free, Request, differs, without
from suanli.kernel.scheduling.scores.typical import Floats, Typical, cpu_a_device, parts
from suanli.model.quantities import WHOLE_DEVICE

# Fitted on the openb lists with seeds 100 to 103; bench/openb.py measures with others.
ENDING = 0.004
LEAN = 0.3
SPREAD = 0.55
PRICE = 0.25
DEVICES_LEFT = 0.007
CPUS_LEFT = 0.04


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


def worth(known: Typical, devices: Ints) -> Worth:
    """Estimate what is worth what, from typical requests and the number of devices of each model."""
    part = parts(known)
    weight = np.array([part[low:high].sum() for low, high in zip(known.start, known.start[1:], strict=False)])
    fill = np.zeros((devices.size, WHOLE_DEVICE + 1))
    for model in range(devices.size):
        accepted = (known.models >> model) & 1 == 1
        _fill(fill[model], known.share[accepted], weight[accepted])
    mean = cpu_a_device(known)
    return Worth(fill, 1 + PRICE * _pressure(known, weight, devices), max(1.0, LEAN * mean), max(1.0, SPREAD * mean))


@allocating_entry
def _fill(fill: Floats, share: Ints, weight: Floats) -> None:
    for left in range(1, fill.size):
        chance, gain = ENDING, 0.0
        for bucket in range(share.size):
            if share[bucket] <= left:
                chance += weight[bucket]
                gain += weight[bucket] * (share[bucket] / WHOLE_DEVICE + fill[left - share[bucket]])
        fill[left] = gain / chance


def _pressure(known: Typical, weight: Floats, devices: Ints) -> Floats:
    """[model] devices asked for by requests that insist on models, over those there are, when all is asked for once."""
    accepted = (known.models[:, None] >> np.arange(devices.size)) & 1
    there = accepted * devices
    asked = weight * known.number * known.share
    insists = (accepted[:, devices > 0] == 0).any(axis=1) & (there.sum(axis=1) > 0)
    spread = there[insists] / there[insists].sum(axis=1, keepdims=True)
    wanted = (asked[insists, None] * spread).sum(axis=0) / max(asked.sum(), 1e-9) * devices.sum()
    return np.asarray(wanted / np.maximum(devices, 1), dtype=np.float64)


@allocating_entry
def shortage(margin: float) -> float:
    """Expected excess of a standard normal variable over ``margin``."""
    if margin > 6.0:
        return 0.0
    density = math.exp(-0.5 * margin * margin) / math.sqrt(2.0 * math.pi)
    return density - 0.5 * margin * math.erfc(margin / math.sqrt(2.0))


@allocating_entry
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


@allocating_entry
def residual_value(free: Free, row: int, request: Request, known: Worth) -> tuple[float, int]:
    """The loss of value with what is left to begin with, and the device whose sharing loses least."""
    device, model = free.device[row], free.model[row]
    cpu = free.cpu[row] - request.cpu
    before = value(free.cpu[row], device, model, known)
    left = DEVICES_LEFT * device.sum() / WHOLE_DEVICE + CPUS_LEFT * free.cpu[row] / 1e6
    if request.number != 1 or request.share == WHOLE_DEVICE:
        return before - value(cpu, without(free, row, request), model, known) + left, -1
    after = device.copy()
    best = 0.0
    chosen = -1
    for position in range(device.size):
        if not differs(device, model, request, position):
            continue
        after[position] -= request.share
        kept = value(cpu, after, model, known)
        after[position] += request.share
        if chosen < 0 or kept > best:
            best, chosen = kept, position
    return before - best + left, chosen
