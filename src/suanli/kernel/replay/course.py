"""Where a replay stands between two events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.replay.trace import Trace
from suanli.kernel.scheduling.core.tables import NEVER, Ints
from suanli.kernel.scheduling.prediction.history import History, history

SUBMITTED, ENDING, EVENTS, CENTER_CPU = range(4)
"""Places in ``Course.at``: jobs submitted so far, jobs whose end is still to come, events so far, and what does not
change: milli-cpus of the whole center."""

TIME, ALLOCATED_CPU, ALLOCATED_DEVICES, WAITING, RUNNING, WAITING_CPU = range(6)
"""Rows of ``Course.history``: microseconds, milli-cpus, thousandths of devices, jobs, jobs, milli-cpus."""


class Ways(NamedTuple):
    """How the queue is kept: codes of the order and of the prediction.

    ``moving`` says that keys change while work waits. Where ``believed``, planned ends are predictions, else requests.
    """

    order: int
    moving: bool
    prediction: int
    believed: bool


class Course(NamedTuple):
    """Where a replay stands. Jobs are rows of the center's and numbered in the order in which they are submitted.

    By job: what the trace says (``runtime_us`` is looked at only when a job has started, to know when it will end),
    what is ``predicted_us``, and when it ``started_us`` and ``ended_us``. ``ends`` [J] is a heap of running jobs by
    their true end, ``started`` [J] what the last turn started. ``history`` [6, 2 J] has the sums after each event's
    turn, ``sums`` [6] those now.
    """

    submitted_us: Ints
    runtime_us: Ints
    requested_us: Ints
    predicted_us: Ints
    tasks: Ints
    cpu_milli: Ints
    user: Ints
    past: History
    started_us: Ints
    ended_us: Ints
    ends: Ints
    started: Ints
    history: Ints
    sums: Ints
    at: Ints


def begin(trace: Trace, cpu_milli: int) -> Course:
    """A course before its first event, on a center of so many milli-cpus."""
    jobs = len(trace)
    return Course(
        trace.submitted_us,
        trace.runtime_us,
        trace.requested_us,
        predicted_us=np.zeros(jobs, dtype=np.int64),
        tasks=trace.tasks.astype(np.int64),
        cpu_milli=trace.cpu_milli,
        user=trace.user.astype(np.int64),
        past=history(len(trace.users)),
        started_us=np.full(jobs, NEVER, dtype=np.int64),
        ended_us=np.full(jobs, NEVER, dtype=np.int64),
        ends=np.zeros(jobs, dtype=np.int64),
        started=np.zeros(jobs, dtype=np.int64),
        history=np.zeros((6, 2 * jobs), dtype=np.int64),
        sums=np.zeros(6, dtype=np.int64),
        at=np.array([0, 0, 0, cpu_milli], dtype=np.int64),
    )
