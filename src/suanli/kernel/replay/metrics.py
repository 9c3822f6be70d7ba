"""Figures of an outcome, each with its formula. Pure numpy; durations in seconds, shares in 0..1, energy in joules.

Only jobs that ended count, except in what is held and waiting over time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.replay.center import CenterDescription, PowerRange
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.resources import Resource, resources
from suanli.kernel.replay.trace import Int64s, Trace
from suanli.model.power import MILLIWATTS
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE

SECOND_US: Final = 1_000_000
BOUND_S: Final = 10.0
"""Run times below this count as this much in the bounded slowdown (Feitelson's ten seconds)."""

SIZE_CLASSES: Final = (1, 4, 16, 64, 256)
"""Upper ends of the classes of jobs by size, in cpus or devices, whichever are more; one more class lies above."""

RUNTIME_CLASSES: Final = (60, 600, 3600, 6 * 3600, 24 * 3600)
"""Upper ends, in seconds, of the classes of jobs by run time; one more class lies above."""

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = Int64s | Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How a figure is distributed over jobs; all 0 where there are none."""

    count: int
    mean: float
    median: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceFigures:
    """Means over time of one resource, in parts of what there is.

    ``lost`` is what was free while work waited that could have used it, were it not for its shape: the loss of capacity
    of Y. Zhang, H. Franke, J. Moreira, A. Sivasubramaniam, "Improving parallel job scheduling by combining gang
    scheduling and backfilling techniques", IPDPS 2000, with the free part counted only as far as anybody waited for it.
    """

    held: float
    lost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UseFigures(ResourceFigures):
    """Of a resource of which the trace tells what was used.

    ``used`` is the mean over time of what those used who tell, in parts of what there is; ``used_of_held`` what they
    used in parts of what they held; ``told`` what they held in parts of all that was held.
    """

    used: float
    used_of_held: float
    told: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of one replay."""

    jobs: int
    finished: int
    wait_s: Distribution
    turnaround_s: Distribution
    bounded_slowdown: Distribution
    slowdown_by_size: tuple[Distribution, ...]
    slowdown_by_runtime: tuple[Distribution, ...]
    wait_by_size: tuple[Distribution, ...]
    makespan_s: float
    resources: Mapping[str, ResourceFigures]
    fragmentation: float
    """Part of all devices that is free but of no use to typical requests, the mean over time; 0 without devices."""
    jain_user_slowdown: float
    jain_project_slowdown: float
    jain_user_cpu: float
    jain_project_cpu: float
    energy_j: float
    peak_draw_w: float
    """The most that work draws beyond idling at any time, in watts; 0 where that is not said."""


def wait_s(trace: Trace, outcome: Outcome) -> Floats:
    """Start minus submission, by job that ended."""
    ended = outcome.finished
    return (outcome.started_us[ended] - trace.submitted_us[ended]) / SECOND_US


def run_s(outcome: Outcome) -> Floats:
    """End minus start, by job that ended."""
    ended = outcome.finished
    return (outcome.ended_us[ended] - outcome.started_us[ended]) / SECOND_US


def bounded_slowdown(wait: Floats, run: Floats, bound_s: float = BOUND_S) -> Floats:
    """``max(1, (wait + run) / max(run, bound))``.

    D. G. Feitelson, L. Rudolph, "Metrics and benchmarking for parallel job scheduling", JSSPP 1998.
    """
    return np.maximum(1.0, (wait + run) / np.maximum(run, bound_s))


def distribution(values: Floats) -> Distribution:
    """Mean, median, 99th percentile (linear between neighbours) and maximum."""
    if not values.size:
        return Distribution(count=0, mean=0.0, median=0.0, p99=0.0, max=0.0)
    median, p99 = np.percentile(values, (50, 99))
    return Distribution(
        count=values.size, mean=float(values.mean()), median=float(median), p99=float(p99), max=float(values.max())
    )


def by_class(values: Floats, measure: Floats, upper_ends: Sequence[float]) -> tuple[Distribution, ...]:
    """The distribution of ``values`` in each class of ``measure``: up to each upper end, and above the last."""
    places = np.searchsorted(np.asarray(upper_ends, dtype=np.float64), measure, side="left")
    return tuple(distribution(values[places == place]) for place in range(len(upper_ends) + 1))


def makespan_s(trace: Trace, outcome: Outcome) -> float:
    """From the first submission to the last end."""
    ended = outcome.ended_us[outcome.finished]
    return float(ended.max() - trace.submitted_us[0]) / SECOND_US if ended.size else 0.0


def held_seconds(outcome: Outcome, column: Numbers) -> float:
    """The integral of a step function over the outcome's instants, in its unit times seconds."""
    return float(np.dot(column[:-1].astype(np.float64), np.diff(outcome.time_us))) / SECOND_US


def time_mean(outcome: Outcome, column: Numbers) -> float:
    """The mean of a step function over time."""
    span = span_s(outcome)
    return held_seconds(outcome, column) / span if span else 0.0


def span_s(outcome: Outcome) -> float:
    """From the first to the last instant of the step functions."""
    return float(outcome.time_us[-1] - outcome.time_us[0]) / SECOND_US if outcome.time_us.size else 0.0


def resampled(outcome: Outcome, column: Numbers, intervals: int) -> tuple[Floats, Floats]:
    """Ends of equal intervals in seconds from the origin, and the mean of a step function over time in each.

    The integral is linear between changes, so its differences at the ends of intervals are exact.
    """
    times = outcome.time_us / SECOND_US
    if times.size < 2:
        # Nothing lasted.
        return np.repeat(times[-1:] if times.size else 0.0, intervals).astype(np.float64), np.zeros(intervals)
    edges = np.linspace(times[0], times[-1], intervals + 1)
    integral = np.concatenate(([0.0], np.cumsum(column[:-1] * np.diff(times))))
    width = (times[-1] - times[0]) / intervals
    return edges[1:], np.diff(np.interp(edges, times, integral)) / width


def resource_figures(outcome: Outcome, one: Resource) -> ResourceFigures:
    """The figures of one resource."""
    held, lost = (time_mean(outcome, column) / one.capacity for column in (one.held, one.lost))
    if not one.is_told:
        return ResourceFigures(held=held, lost=lost)
    used, told = time_mean(outcome, one.used) / one.capacity, time_mean(outcome, one.told) / one.capacity
    return UseFigures(
        held=held,
        lost=lost,
        used=used,
        used_of_held=used / told if told else 0.0,
        told=told / held if held else 0.0,
    )


def fragmentation(outcome: Outcome, device_share: int) -> float:
    """The mean over time of the devices that are free but of no use, each look standing until the next."""
    whiles = np.diff(outcome.looked_at_us).astype(np.float64)
    if not whiles.sum():
        return 0.0
    return float(np.dot(outcome.fragmented_share[:-1], whiles) / whiles.sum()) / device_share


def jain(values: Floats) -> float:
    """``(sum x)^2 / (n sum x^2)``: 1 where all are equal, 1/n where one has all; 1 of nothing.

    R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness and discrimination for resource allocation in shared
    computer systems", DEC-TR-301, 1984.
    """
    squares = float(np.dot(values, values))
    return float(values.sum()) ** 2 / (values.size * squares) if squares else 1.0


def mean_by_code(values: Floats, codes: NDArray[np.int32]) -> Floats:
    """The mean of the values of each code that occurs."""
    counts = np.bincount(codes)
    return sum_by_code(values, codes) / counts[counts > 0]


def sum_by_code(values: Floats, codes: NDArray[np.int32]) -> Floats:
    """The sum of the values of each code that occurs."""
    sums: Floats = np.bincount(codes, weights=values).astype(np.float64)
    return sums[np.bincount(codes) > 0]


def energy_j(outcome: Outcome, center: CenterDescription) -> float:
    """A model, not a measurement: idle power of all over the span, plus power in proportion to what is held.

    Where an outcome does not say what is drawn, one cpu held adds ``sum(max - idle) / sum(cpus)`` over the center's
    nodes, one device the same over its devices: exact where nodes are equal, the mean where they are not.
    """
    devices = [(device.power, group.count * device.count) for group in center.groups for device in group.devices]
    nodes = [(group.power, group.count) for group in center.groups]
    idle = sum(power.idle_w * count for power, count in nodes + devices)
    energy = idle * span_s(outcome)
    if outcome.draw_mw.size:
        return energy + held_seconds(outcome, outcome.draw_mw) / MILLIWATTS
    energy += _rise_w(nodes) * held_seconds(outcome, outcome.cpu_milli) / center.cpu_milli
    if devices:
        energy += _rise_w(devices) * held_seconds(outcome, outcome.device_share) / center.device_share
    return energy


def _rise_w(parts: Sequence[tuple[PowerRange, int]]) -> float:
    return sum((power.max_w - power.idle_w) * count for power, count in parts)


def summary(trace: Trace, outcome: Outcome, center: CenterDescription, bound_s: float = BOUND_S) -> Summary:
    """All figures of one replay."""
    ended = outcome.finished
    wait, run = wait_s(trace, outcome), run_s(outcome)
    slowdown = bounded_slowdown(wait, run, bound_s)
    cpus = trace.cpu_milli_total[ended] / WHOLE_CPU
    size = np.maximum(cpus, trace.devices_total[ended] / WHOLE_DEVICE)
    user, project = trace.user[ended], trace.project[ended]
    return Summary(
        jobs=len(trace),
        finished=int(ended.sum()),
        wait_s=distribution(wait),
        turnaround_s=distribution(wait + run),
        bounded_slowdown=distribution(slowdown),
        slowdown_by_size=by_class(slowdown, size, SIZE_CLASSES),
        slowdown_by_runtime=by_class(slowdown, run, RUNTIME_CLASSES),
        wait_by_size=by_class(wait, size, SIZE_CLASSES),
        makespan_s=makespan_s(trace, outcome),
        resources={name: resource_figures(outcome, one) for name, one in resources(trace, outcome, center).items()},
        fragmentation=fragmentation(outcome, center.device_share) if center.device_share else 0.0,
        jain_user_slowdown=jain(mean_by_code(slowdown, user)),
        jain_project_slowdown=jain(mean_by_code(slowdown, project)),
        jain_user_cpu=jain(sum_by_code(cpus * run, user)),
        jain_project_cpu=jain(sum_by_code(cpus * run, project)),
        energy_j=energy_j(outcome, center),
        peak_draw_w=float(outcome.draw_mw.max(initial=0)) / MILLIWATTS,
    )
