"""What scores are computed from: what nodes have free, and what of it a request takes."""

from __future__ import annotations

from typing import NamedTuple

from suanli.kernel.scheduling.core.criteria import Request, accepts, kind_of, tightest
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.core.tables import Ints


class Free(NamedTuple):
    """What is free. Rows are nodes; positions without a device have model -1 and nothing free."""

    cpu: Ints
    """[node] milli-cpus."""
    memory: Ints
    """[node], in the unit of the requests."""
    device: Ints
    """[node, position] thousandths of the device."""
    model: Ints
    """[node, position] code of the model, below 63; -1 where there is no device."""
    cpu_capacity: Ints
    """[node] milli-cpus of the empty node."""
    kinds: Ints
    """[node, KINDS] how many allocations of each kind of device demand the node holds."""


@allocating_entry
def fits(free: Free, row: int, request: Request) -> bool:
    """Whether the node has room for the request."""
    if free.cpu[row] < request.cpu or free.memory[row] < request.memory:
        return False
    found = 0
    for position in range(free.device.shape[1]):
        if free.device[row, position] >= request.share and accepts(request, free.model[row, position]):
            found += 1
    return found >= request.number


@allocating_entry
def differs(device: Ints, model: Ints, request: Request, position: int) -> bool:
    """Whether the share fits on that device and no device before it is like it."""
    if device[position] < request.share or not accepts(request, model[position]):
        return False
    new = True
    for other in range(position):
        new &= device[other] != device[position] or model[other] != model[position]
    return new


@allocating_entry
def without(free: Free, row: int, request: Request) -> Ints:
    """[position] What the node's devices have free after the request, which takes the tightest of them."""
    device: Ints = free.device[row].copy()
    taken = 0
    for _ in range(request.number):
        best = tightest(device, free.model[row], request, taken)
        taken |= 1 << best
        device[best] -= request.share
    return device


@allocating_entry
def take(free: Free, row: int, request: Request, position: int) -> None:
    """Book the request on the node: a share on the device at ``position``, or (-1) on the tightest devices."""
    free.cpu[row] -= request.cpu
    free.memory[row] -= request.memory
    if request.number == 0:
        return
    if position >= 0:
        free.device[row, position] -= request.share
    else:
        free.device[row] = without(free, row, request)
    free.kinds[row, kind_of(request)] += 1
