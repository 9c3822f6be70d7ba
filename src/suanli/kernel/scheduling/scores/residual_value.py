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

from suanli.kernel.scheduling.core.criteria import Request, Worth, left_over, value
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free, differs, without
from suanli.model.quantities import WHOLE_DEVICE


@allocating_entry
def residual_value(free: Free, row: int, request: Request, known: Worth) -> tuple[float, int]:
    """The loss of value with what is left to begin with, and the device whose sharing loses least."""
    device, model = free.device[row], free.model[row]
    cpu = free.cpu[row] - request.cpu
    before = value(free.cpu[row], device, model, known)
    left = left_over(free.cpu[row], device)
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
