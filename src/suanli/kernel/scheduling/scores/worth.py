"""What is worth what, estimated of requests to come, for residual value (``residual_value`` has the formulas).

Nothing here but the fill is compiled, and that is an entry of the core: a server estimates it too.
"""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core.criteria import Typical, Worth
from suanli.kernel.scheduling.core.learn import fill_devices
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.scores.typical import Floats, cpu_a_device, parts
from suanli.model.quantities import WHOLE_DEVICE

# Fitted on the openb lists with seeds 100 to 103; bench/openb.py measures with others.
LEAN = 0.3
SPREAD = 0.55
PRICE = 0.25


def worth(known: Typical, devices: Ints) -> Worth:
    """Estimate what is worth what, from typical requests and the number of devices of each model."""
    part = parts(known)
    weight = np.array([part[low:high].sum() for low, high in zip(known.start, known.start[1:], strict=False)])
    fill = np.zeros((devices.size, WHOLE_DEVICE + 1))
    for model in range(devices.size):
        accepted = (known.models >> model) & 1 == 1
        fill_devices(fill[model], known.share[accepted], weight[accepted])
    mean = cpu_a_device(known)
    return Worth(fill, 1 + PRICE * _pressure(known, weight, devices), max(1.0, LEAN * mean), max(1.0, SPREAD * mean))


def _pressure(known: Typical, weight: Floats, devices: Ints) -> Floats:
    """[model] devices asked for by requests that insist on models, over those there are, when all is asked for once."""
    accepted = (known.models[:, None] >> np.arange(devices.size)) & 1
    there = accepted * devices
    asked = weight * known.number * known.share
    insists = (accepted[:, devices > 0] == 0).any(axis=1) & (there.sum(axis=1) > 0)
    spread = there[insists] / there[insists].sum(axis=1, keepdims=True)
    wanted = (asked[insists, None] * spread).sum(axis=0) / max(asked.sum(), 1e-9) * devices.sum()
    return np.asarray(wanted / np.maximum(devices, 1), dtype=np.float64)
