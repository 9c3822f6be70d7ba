"""Dot product: the node whose free resources are least in proportion to the request, large requests to full nodes."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request, product
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def dot_product(free: Free, row: int, request: Request, largest: Largest) -> tuple[float, int]:
    """As ``criteria.product`` says; cpus and devices alone count."""
    cpu = free.cpu[row] / largest.cpu, request.cpu / largest.cpu
    devices = free.device[row].sum() / largest.device, request.number * request.share / largest.device
    return product(cpu, devices), -1
