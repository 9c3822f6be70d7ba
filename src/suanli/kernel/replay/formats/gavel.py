"""Traces of Gavel: training jobs in steps, and measured steps per second of each on each device model.

D. Narayanan et al., "Heterogeneity-aware cluster scheduling policies for deep learning workloads", OSDI 2020. A line
has ten columns between tabs: job type, command, folder, name of the steps' argument, whether data is needed, steps,
scale factor (devices), priority weight, service level, arrival in seconds.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np

from suanli.kernel.replay.trace import Int32s, Trace, coded, make_trace
from suanli.model.errors import InvalidRequestError

_COLUMNS: Final = 10
_SECOND_US: Final = 1_000_000

Throughputs: TypeAlias = Mapping[str, Mapping[tuple[str, int], float]]
"""Steps per second by device model, then by (job type, scale factor), for a job that shares its devices with none."""


def is_gavel(line: str) -> bool:
    """Tell whether a line has the columns of this format."""
    words = line.split("\t")
    return len(words) == _COLUMNS and words[5].isdigit()


def read_throughputs(document: object) -> Throughputs:
    """The measured rates of a parsed throughput file, jobs alone on their devices.

    Raises:
        InvalidRequestError: the document has another shape; ``field`` names the place.
    """
    if not isinstance(document, Mapping):
        raise InvalidRequestError("throughputs", "not a mapping from device models to rates")
    for model, jobs in document.items():
        if not isinstance(jobs, Mapping):
            raise InvalidRequestError(f"throughputs.{model}", "not a mapping from (job type, scale factor) to rates")
    return {model: dict(_rate(model, key, rates) for key, rates in jobs.items()) for model, jobs in document.items()}


def read_gavel(text: str, throughputs: Throughputs, model: str) -> Trace:
    """Read a trace; runtimes are those on devices of ``model``. ``number`` counts lines from 0.

    A job of scale factor s is s tasks of one cpu and one device of any model; ``application`` is the job type, with
    ``x2`` and the like for more than one device. Nothing in the trace says a time limit, so the runtime stands for it.
    How much longer it takes on the other models is told, too (``Trace.factors``).

    Raises:
        InvalidRequestError: a line is damaged, or its job was not measured on the model; ``field`` names it.
    """
    if model not in throughputs:
        raise InvalidRequestError("model", f"nothing was measured on {model!r}", f"one of {', '.join(throughputs)}")
    jobs = [_job(place, line, throughputs[model]) for place, line in enumerate(text.splitlines(), start=1) if line]
    application, applications = coded(f"{job[0]} x{job[1]}" if job[1] > 1 else job[0] for job in jobs)
    kinds = dict(zip(applications, ((jobs[place][0], jobs[place][1]) for place in _firsts(application)), strict=True))
    trace = make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job[3] for job in jobs],
            "runtime_us": [job[2] for job in jobs],
            "requested_us": [job[2] for job in jobs],
            "tasks": [job[1] for job in jobs],
            "device_count": [1] * len(jobs),
            "application": application,
        },
        names={"applications": applications},
    )
    factors = [[_factor(throughputs, model, other, kind) for other in throughputs] for kind in kinds.values()]
    table = np.array(factors, dtype=np.float64).reshape(len(applications), len(throughputs))
    return replace(trace, factors=table, factor_models=tuple(throughputs)) if len(trace) else trace


def _firsts(codes: Int32s) -> Sequence[int]:
    """Where each code comes first, in the order of the codes."""
    places: list[int] = np.unique(codes, return_index=True)[1].tolist()
    return places


def _factor(throughputs: Throughputs, model: str, other: str, kind: tuple[str, int]) -> float:
    """How many times as long a job takes on another model; infinite where it cannot run there."""
    rate = throughputs[other].get(kind, 0.0)
    return throughputs[model][kind] / rate if rate else math.inf


def _job(place: int, line: str, rates: Mapping[tuple[str, int], float]) -> tuple[str, int, int, int]:
    """Job type, devices, runtime and arrival in microseconds."""
    words = line.split("\t")
    if len(words) != _COLUMNS:
        raise InvalidRequestError(f"lines.{place}", f"line {place}: {len(words)} columns, not {_COLUMNS}")
    try:
        steps, scale, arrival = int(words[5]), int(words[6]), float(words[9])
        rate = rates[words[0], scale]
        runtime, arrived = round(steps / rate * _SECOND_US), round(arrival * _SECOND_US)
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(f"lines.{place}", f"line {place}: {error}") from error
    except (KeyError, ZeroDivisionError) as error:
        detail = f"line {place}: no rate is known of {words[0]} on {words[6]} devices"
        raise InvalidRequestError(f"lines.{place}", detail) from error
    if steps < 1:
        raise InvalidRequestError(f"lines.{place}", f"line {place}: {steps} steps are no work")
    return words[0], scale, max(1, runtime), arrived


def _rate(model: str, key: str, rates: Any) -> tuple[tuple[str, int], float]:
    try:
        job, scale = ast.literal_eval(key)
        of, rate = (str(job), int(scale)), float(rates["null"])
    except (ValueError, OverflowError, SyntaxError, TypeError, KeyError) as error:
        raise InvalidRequestError(f"throughputs.{model}.{key}", "not the rate of (job type, scale factor)") from error
    if not 0 <= rate < math.inf:
        raise InvalidRequestError(f"throughputs.{model}.{key}", f"{rate} is no rate")
    return of, rate
