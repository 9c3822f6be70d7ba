"""Where a replay stands between two events."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from suanli.kernel.replay.trace import Floats, Int64s, Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.tables import Ints
from suanli.kernel.scheduling.prediction.history import History, history

SUBMITTED, ENDING, EVENTS, CENTER_CPU, BEGAN, OVER = range(6)
"""Places in ``Course.at``: jobs submitted so far, jobs whose end is still to come, events so far, and what does not
change: milli-cpus of the whole center; jobs that have begun, and that are over."""

TIME, ALLOCATED_CPU, ALLOCATED_DEVICES, WAITING, RUNNING, WAITING_CPU, DRAWN = range(7)
"""Rows of ``Course.history``: microseconds, milli-cpus, thousandths of devices, jobs, jobs, milli-cpus, milliwatts."""


class Ways(NamedTuple):
    """How the queue is kept: codes of the order and of the prediction.

    ``moving`` says that keys change while work waits. Where ``believed``, planned ends are predictions, else requests.
    ``reserving`` says that there are advance reservations, which work may name.
    """

    order: int
    moving: bool
    prediction: int
    believed: bool
    reserving: bool = False


class Course(NamedTuple):
    """Where a replay stands. Jobs are rows of the center's and numbered in the order in which they are submitted.

    By job: what the trace says (``runtime_us`` is looked at only when a job has started, to know when it will end),
    what is ``predicted_us``, and when it ``started_us`` and ``ended_us``. ``ends`` [J] is a heap of running jobs by
    their true end, ``started`` [J] what the last turn started, ``began`` and ``over`` [J] who has begun and who is
    over, in that order. ``history`` [7, 2 J and more] has the sums after each turn, ``sums`` [7] those now. By job
    ``account`` says whose it is and ``sized_us`` what its size is worth of waiting, ``owed_us`` [A] what accounts are
    owed, where the order asks for that. ``factors`` [applications, device types] say how many times ``runtime_us``
    a job takes there (empty: just that everywhere).
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
    began: Ints
    over: Ints
    account: Ints
    owed_us: Ints
    sized_us: Ints
    application: Ints
    factors: Floats
    history: Ints
    sums: Ints
    at: Ints


def begin(trace: Trace, cpu_milli: int, more: int = 0, factors: Floats | None = None) -> Course:
    """A course before its first event, on a center of so many milli-cpus, with room for so many turns beside events."""
    jobs = len(trace)
    pairs, account = accounts(trace)
    return Course(
        trace.submitted_us,
        trace.runtime_us,
        trace.requested_us,
        predicted_us=np.zeros(jobs, dtype=np.int64),
        tasks=trace.tasks.astype(np.int64),
        cpu_milli=trace.cpu_milli,
        user=trace.user.astype(np.int64),
        past=history(len(trace.users)),
        started_us=np.full(jobs, t.NEVER, dtype=np.int64),
        ended_us=np.full(jobs, t.NEVER, dtype=np.int64),
        ends=np.zeros(jobs, dtype=np.int64),
        started=np.zeros(jobs, dtype=np.int64),
        began=np.zeros(jobs, dtype=np.int64),
        over=np.zeros(jobs, dtype=np.int64),
        account=account,
        owed_us=np.zeros(len(pairs), dtype=np.int64),
        sized_us=np.zeros(jobs, dtype=np.int64),
        application=trace.application.astype(np.int64),
        factors=np.ones((0, 0)) if factors is None else factors,
        history=np.zeros((7, 2 * jobs + more), dtype=np.int64),
        sums=np.zeros(7, dtype=np.int64),
        at=np.array([0, 0, 0, cpu_milli, 0, 0], dtype=np.int64),
    )


def accounts(trace: Trace) -> tuple[Int64s, Int64s]:
    """Projects with users [A, 2] whose work a trace has, and which of them each job is of."""
    pairs = np.stack([trace.project, trace.user], axis=1).astype(np.int64)
    found, which = np.unique(pairs, axis=0, return_inverse=True)
    return found, which.ravel().astype(np.int64)
