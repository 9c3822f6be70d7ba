"""Which order and which prediction a replay asks, by code, and the queue put in that order."""

from __future__ import annotations

import numpy as np

from suanli.kernel.replay.course import CENTER_CPU, Course
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.lists import sort_waiting
from suanli.kernel.scheduling.core.tables import WAITING, WAITING_SIZE, Center, Floats, Ints
from suanli.kernel.scheduling.orders.f1 import f1
from suanli.kernel.scheduling.orders.f2 import f2
from suanli.kernel.scheduling.orders.f3 import f3
from suanli.kernel.scheduling.orders.f4 import f4
from suanli.kernel.scheduling.orders.fcfs import fcfs
from suanli.kernel.scheduling.orders.sjf import sjf
from suanli.kernel.scheduling.orders.slowdown import slowdown
from suanli.kernel.scheduling.orders.unicep import unicep
from suanli.kernel.scheduling.orders.wfp3 import wfp3
from suanli.kernel.scheduling.prediction import last_two, learned

FCFS, SJF, F1, F2, F3, F4, WFP3, UNICEP, SLOWDOWN = range(9)
"""Codes of orders; from WFP3 on keys change while work waits."""

REQUESTED, LAST_TWO, LEARNED, CLAIRVOYANT = range(4)
"""Codes of predictions. The last knows the true run time, as no center does: the bound of what predicting can give."""


@compiled
def guess(course: Course, prediction: int, job: int) -> None:
    """Predict how long a job will run."""
    user, request = course.user[job], course.requested_us[job]
    size = course.tasks[job] * course.cpu_milli[job]
    if prediction == LAST_TWO:
        course.predicted_us[job] = last_two.predict(course.past, user, request, size)
    elif prediction == LEARNED:
        course.predicted_us[job] = learned.predict(course.past, user, request, size)
    elif prediction == CLAIRVOYANT:
        course.predicted_us[job] = course.runtime_us[job]


@compiled
def set_key(center: Center, course: Course, order: int, job: int, now: int) -> None:
    """Give a job the key that it has now."""
    center.keys[0, job] = _keys(course, order, np.full(1, job), now)[0]


@compiled
def reorder(center: Center, course: Course, order: int, now: int) -> None:
    """Give all that waits the keys that they have now, and sort the queue by them."""
    jobs = center.lists[WAITING, : center.sizes[WAITING_SIZE]]
    keys = _keys(course, order, jobs, now)
    for place in range(jobs.size):
        center.keys[0, jobs[place]] = keys[place]
    sort_waiting(center)


@compiled
def _keys(course: Course, order: int, jobs: Ints, now: int) -> Floats:
    submitted, requested, predicted = course.submitted_us[jobs], course.requested_us[jobs], course.predicted_us[jobs]
    tasks, cpu = course.tasks[jobs], course.cpu_milli[jobs]
    if order == SLOWDOWN:
        center = course.at[CENTER_CPU]
        return slowdown(submitted, requested, predicted, tasks, cpu, submitted, now, center)
    if order == WFP3:
        return wfp3(submitted, requested, predicted, tasks, cpu, submitted, now)
    if order == UNICEP:
        return unicep(submitted, requested, predicted, tasks, cpu, submitted, now)
    if order == SJF:
        return sjf(submitted, requested, predicted, tasks, cpu, submitted, now)
    if order == FCFS:
        return fcfs(submitted, requested, predicted, tasks, cpu, submitted, now)
    return _keys_of_f(course, order, jobs, now)


@compiled
def _keys_of_f(course: Course, order: int, jobs: Ints, now: int) -> Floats:
    """The four learned functions of one paper."""
    submitted, requested, predicted = course.submitted_us[jobs], course.requested_us[jobs], course.predicted_us[jobs]
    tasks, cpu = course.tasks[jobs], course.cpu_milli[jobs]
    if order == F1:
        return f1(submitted, requested, predicted, tasks, cpu, submitted, now)
    if order == F2:
        return f2(submitted, requested, predicted, tasks, cpu, submitted, now)
    if order == F3:
        return f3(submitted, requested, predicted, tasks, cpu, submitted, now)
    return f4(submitted, requested, predicted, tasks, cpu, submitted, now)
