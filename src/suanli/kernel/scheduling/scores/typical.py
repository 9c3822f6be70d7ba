"""What is typically asked: the distribution of requests that policies hold nodes against."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.criteria import Request, Typical
from suanli.kernel.scheduling.core.tables import Ints
from suanli.model.quantities import WHOLE_DEVICE

Floats = np.typing.NDArray[np.float64]

COVERED = 0.95
"""Part of all requests that the typical ones are (the FGD paper's and its simulator's choice)."""


def typical(requests: list[Request], counts: Ints, covered: float = COVERED) -> Typical:
    """The most frequent requests that together make up a part of all, memory left aside.

    Equally frequent ones are taken by falling cpus, share, count and models. Source: Weng et al., "Beware of
    Fragmentation", USENIX ATC 2023, section 4; the order of equals as in the paper's simulator.
    """
    table = np.array([(r.cpu, r.share, r.number, r.models) for r in requests], np.int64).reshape(-1, 4)
    kinds, inverse = np.unique(table, axis=0, return_inverse=True)
    often = np.bincount(inverse.ravel(), weights=counts, minlength=len(kinds))
    order = np.lexsort((*kinds.T[::-1], often))[::-1]
    kept = order[: int(np.searchsorted(np.cumsum(often[order]), covered * often.sum())) + 1]
    kinds, part = kinds[kept], often[kept] / often[kept].sum()
    devices = kinds[:, 2] > 0
    kinds, part = kinds[devices], part[devices]
    buckets, bucket = np.unique(kinds[:, 1:], axis=0, return_inverse=True)
    by_cpu = np.lexsort((kinds[:, 0], bucket.ravel()))
    sizes = np.bincount(bucket.ravel(), minlength=len(buckets))
    start = np.concatenate(([0], np.cumsum(sizes)))
    total = np.concatenate(([0.0], np.cumsum(part[by_cpu])))
    weight = total[1:] - np.repeat(total[start[:-1]], sizes)
    share, count, models = np.ascontiguousarray(buckets.T)
    return Typical(count, share, models, start, kinds[by_cpu, 0], weight)


def cpu_a_device(known: Typical) -> float:
    """Milli-cpus that typical requests ask for each whole device they ask for."""
    part = parts(known)
    bucket = np.repeat(np.arange(known.number.size), np.diff(known.start))
    devices = float((part * (known.number * known.share)[bucket]).sum()) / WHOLE_DEVICE
    return float((part * known.cpu).sum()) / devices if devices else 0.0


def parts(known: Typical) -> Floats:
    """[request] part of all typical requests that each is."""
    part = np.diff(known.weight, prepend=0.0)
    part[known.start[:-1]] = known.weight[known.start[:-1]]
    return part
