"""Replays told in plain objects, written apart from the compiled loops: orders, predictions and a queue on one node."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core.tables import NEVER

SECOND = 1_000_000
CPUS = 8
"""Of the one node."""


@dataclass(frozen=True)
class Job:
    """Seconds, cpus of the whole job, and whose it is."""

    submitted: int
    runtime: int
    requested: int
    cpus: int = 1
    user: int = 0


def trace_of(jobs: Sequence[Job], users: int = 3) -> Trace:
    """The trace of jobs that are in the order in which they were submitted."""
    return make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted * SECOND for job in jobs],
            "runtime_us": [job.runtime * SECOND for job in jobs],
            "requested_us": [job.requested * SECOND for job in jobs],
            "tasks": [job.cpus for job in jobs],
            "user": [job.user for job in jobs],
        },
        names={"users": [f"u{user}" for user in range(users)]},
    )


def center_of(cpus: int = CPUS, nodes: int = 1, devices: tuple[DeviceGroup, ...] = ()) -> CenterDescription:
    group = NodeGroup(prefix="n", count=nodes, cpu_milli=1000 * cpus, memory_bytes=2**40, devices=devices)
    return CenterDescription(groups=(group,))


def seconds(instants: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    """Instants as whole seconds, -1 for those that never come."""
    return [-1 if instant >= NEVER else instant // SECOND for instant in instants.tolist()]


@dataclass
class Past:
    """What has ended: of each user (requested, cpus, runtime) in microseconds and milli-cpus, the last one last."""

    runs: dict[int, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    of_class: dict[int, list[float]] = field(default_factory=dict)

    def sums(self, requested: int) -> list[float]:
        """Weight, run time and urgency of the class of a request: one imagined run of half its time to begin with."""
        place = min(int(2 * math.log2(max(requested, 1))), 95)
        begins = 2 ** (place / 2)
        return self.of_class.setdefault(place, [1.0, begins / 2, 2 / max(begins, 10 * SECOND)])

    def learn(self, job: Job) -> None:
        requested, ran = job.requested * SECOND, job.runtime * SECOND
        self.runs[job.user].append((requested, job.cpus * 1000, ran))
        sums = self.sums(requested)
        for place, more in enumerate((1, ran, 1 / max(ran, 10 * SECOND))):
            sums[place] = sums[place] * 0.99 + more


def requested(_: Past, job: Job) -> int:
    return job.requested * SECOND


def clairvoyant(_: Past, job: Job) -> int:
    return job.runtime * SECOND


def last_two(past: Past, job: Job) -> int:
    runs = past.runs[job.user][-2:]
    if len(runs) < 2:
        return job.requested * SECOND
    return min(max(sum(ran for _, _, ran in runs) // 2, 1), job.requested * SECOND)


def learned(past: Past, job: Job) -> int:
    """The geometric mean of the mean and the harmonic mean of runs alike, each as much as it is alike."""
    limit, size = job.requested * SECOND, job.cpus * 1000
    weight, runtime, urgency = past.sums(limit)
    samples = [(0.3, runtime / weight, urgency / weight)]
    for back, (asked, big, ran) in enumerate(reversed(past.runs[job.user][-64:])):
        apart = 4 * abs(math.log(asked / limit)) + 0.5 * abs(math.log(big / size))
        took = min(ran, limit)
        samples.append((0.9**back * math.exp(-apart), took, 1 / max(took, 10 * SECOND)))
    total = sum(weight for weight, _, _ in samples)
    mean = sum(weight * took for weight, took, _ in samples) / total
    harmonic = min(total / sum(weight * urgent for weight, _, urgent in samples), limit)
    return min(max(int(math.sqrt(mean * harmonic)), 1), limit)


PREDICTIONS: dict[str, Callable[[Past, Job], int]] = {
    "requested": requested,
    "clairvoyant": clairvoyant,
    "last_two": last_two,
    "learned": learned,
}


def _score(job: Job, now: int) -> tuple[float, float, float, float]:
    """Request, submission, processors and wait, as published formulas take them."""
    return max(job.requested, 1), max(job.submitted, 1), max(job.cpus, 1), now - job.submitted


def _unicep(job: Job, now: int) -> float:
    request, _, size, wait = _score(job, now)
    return -wait / (max(math.log2(size), 1e-15) * request)


def _wfp3(job: Job, now: int) -> float:
    request, _, size, wait = _score(job, now)
    return -((wait / request) ** 3) * size


def _f(
    of_request: Callable[[float], float], of_size: Callable[[float], float], age: float
) -> Callable[[Job, int], float]:
    def key(job: Job, now: int) -> float:
        request, submitted, size, _ = _score(job, now)
        return of_request(request) * of_size(size) + age * math.log10(submitted)

    return key


def _same(value: float) -> float:
    return value


ORDERS: dict[str, Callable[[Job, int], float]] = {
    "fcfs": lambda job, _: job.submitted,
    "wfp3": _wfp3,
    "unicep": _unicep,
    "f1": _f(math.log10, _same, 870),
    "f2": _f(math.sqrt, _same, 25_600),
    "f3": _f(_same, _same, 6_860_000),
    "f4": _f(_same, math.sqrt, 530_000),
}
"""All that look at a job alone and not at predictions."""


def starts(jobs: Sequence[Job], order: str, prediction: str = "requested", cpus: int = CPUS) -> list[int]:
    """When each job starts where the first in order is always waited for; ``sjf`` goes by the prediction."""
    found, past = [-1] * len(jobs), Past()
    predicted: dict[int, int] = {}
    running: list[tuple[int, int, int]] = []
    waiting: list[int] = []
    coming = list(range(len(jobs)))
    while coming or running:
        if running and (not coming or min(running)[0] <= jobs[coming[0]].submitted):
            now, _, done = event = min(running)
            running.remove(event)
            past.learn(jobs[done])
        else:
            job = coming.pop(0)
            now = jobs[job].submitted
            predicted[job] = PREDICTIONS[prediction](past, jobs[job])
            waiting.append(job)
        key = (lambda job, _: predicted[job]) if order == "sjf" else lambda job, at: ORDERS[order](jobs[job], at)
        waiting.sort(key=lambda job: (key(job, now), job))
        while waiting and jobs[waiting[0]].cpus <= cpus - sum(jobs[other].cpus for _, _, other in running):
            job = waiting.pop(0)
            found[job] = now
            running.append((now + jobs[job].runtime, now, job))
    return found
