"""How long jobs of a trace take by the model of their devices, and what of that the planner of a replay knows."""

from __future__ import annotations

import numpy as np

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.trace import Floats, Trace
from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.demand import Demand
from suanli.kernel.scheduling.merits import costs
from suanli.kernel.scheduling.prices import Prices
from suanli.model.device_names import are_meant
from suanli.model.power import MILLIWATTS
from suanli.model.spec import Objective


def factors_of(trace: Trace, center: CenterDescription) -> Floats:
    """By application and device type of the center, how many times its run time a job takes; [0, 0] where all take it.

    Of a model of which the trace does not tell, they take just that.
    """
    if not trace.factors.size or not center.models:
        return np.ones((0, 0))
    found = np.ones((len(trace.applications), len(center.models)))
    for kind, name in enumerate(center.models):
        for place, model in enumerate(trace.factor_models):
            if are_meant(model, name):
                found[:, kind] = trace.factors[:, place]
    return found


def longest_us(trace: Trace, factors: Floats) -> t.Ints:
    """By job, what its limit comes to on the slowest type that it can run on, for nobody knows which it will have."""
    if not factors.size:
        return trace.requested_us
    slowest = np.where(np.isfinite(factors), factors, 1.0).max(axis=1, initial=1.0)
    stretched = trace.requested_us * slowest[trace.application]
    return np.where(trace.device_count > 0, np.minimum(stretched, t.NEVER), trace.requested_us).astype(np.int64)


def pursue(tables: t.Center, trace: Trace, center: CenterDescription, factors: Floats, objective: Objective) -> None:
    """Let all work with devices rank their types by an objective. Shapes must be of one application each."""
    if not factors.size:
        return
    shapes, powers, types = tables.jobs[:, t.SHAPE], _powers(center), _types(center)
    prices = Prices((), center.prices)
    tables.jobs[:, t.START_BY] = t.NEVER
    tables.pursuits[:, t.WORK] = np.where(trace.device_count > 0, trace.runtime_us * trace.devices_total // t.WHOLE, 0)
    tables.merits[:] = np.inf
    for shape in np.unique(shapes[trace.device_count > 0]).tolist():
        takes = factors[trace.application[int(np.argmax(shapes == shape))]]
        merits = takes
        if objective is Objective.ENERGY:
            merits = takes * np.where(powers > 0, powers, np.inf)
        if objective is Objective.COST:
            merits = costs(takes, np.array(prices.by_device(_demand(tables.shapes[shape]), types)))
        tables.merits[shape, t.TAKES, : takes.size] = takes
        tables.merits[shape, t.RANK, : takes.size] = np.unique(merits, return_inverse=True)[1]
        tables.shapes[shape, t.PURSUES] = t.BY_TIME if objective is Objective.TIME else t.BY_RANK


def _demand(shape: t.Ints) -> Demand:
    """What a task of a shape asks for, as far as that has a price."""
    cpu, memory, disk, devices, share = map(
        int, shape[[t.TASK_CPU, t.TASK_MEMORY, t.TASK_DISK, t.DEVICES, t.SHARE]].tolist()
    )
    asked = Demand(tasks=1, nodes=0, exclusive=False, cpu_milli=cpu, memory_bytes=memory, disk_bytes=disk)
    return asked._replace(device_count=devices, device_share=share)


def _types(center: CenterDescription) -> list[DeviceType]:
    """The device types of the center, as far as prices tell them apart; of a model the class where it comes first."""
    classes = {
        device.model: device.device_class for group in reversed(center.groups) for device in reversed(group.devices)
    }
    return [DeviceType(classes[model], model, 0, frozenset()) for model in center.models]


def _powers(center: CenterDescription) -> Floats:
    """By device type, what one draws beyond idling, in milliwatts."""
    powers = dict.fromkeys(center.models, 0.0)
    for group in center.groups:
        for device in group.devices:
            powers[device.model] = max(powers[device.model], (device.power.max_w - device.power.idle_w) * MILLIWATTS)
    return np.array([powers[model] for model in center.models])
