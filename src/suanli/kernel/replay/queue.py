"""Which order and which prediction a replay asks, by code, and the queue put in that order."""

from __future__ import annotations

from suanli.kernel.replay.course import CENTER_CPU, Course
from suanli.kernel.scheduling.core.jit import allocating, compiled
from suanli.kernel.scheduling.core.lists import sort_waiting, waiting
from suanli.kernel.scheduling.core.tables import Center, Floats, Ints
from suanli.kernel.scheduling.orders.asked import Asked
from suanli.kernel.scheduling.orders.f1 import f1
from suanli.kernel.scheduling.orders.f2 import f2
from suanli.kernel.scheduling.orders.f3 import f3
from suanli.kernel.scheduling.orders.f4 import f4
from suanli.kernel.scheduling.orders.fcfs import fcfs
from suanli.kernel.scheduling.orders.sjf import sjf
from suanli.kernel.scheduling.orders.slowdown import slowdown
from suanli.kernel.scheduling.orders.unicep import unicep
from suanli.kernel.scheduling.orders.wfp3 import wfp3
from suanli.kernel.scheduling.prediction import last_two, learned, requested

FCFS, SJF, F1, F2, F3, F4, FAIR_SHARE, WFP3, UNICEP, SLOWDOWN = range(10)
"""Codes of orders; from WFP3 on keys change while work waits, and of FAIR_SHARE now and then (``sharing``)."""

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
    else:
        course.predicted_us[job] = requested.predict(course.past, user, request, size)


@compiled
def set_key(center: Center, course: Course, order: int, job: int, now: int) -> None:
    """Give a job the key that it has now by an order that judges each alone."""
    submitted = course.submitted_us[job]
    if order == FAIR_SHARE:
        submitted -= course.owed_us[course.account[job]] + course.sized_us[job]
    requested_us, predicted_us = course.requested_us[job], course.predicted_us[job]
    asked = Asked(submitted, requested_us, predicted_us, course.tasks[job], course.cpu_milli[job], submitted)
    center.keys[0, job] = _key(order, asked, now)


@compiled
def reorder(center: Center, course: Course, order: int, now: int) -> None:
    """Give all that waits the keys that they have now, and sort the queue by them."""
    jobs, _ = waiting(center)
    if order == SLOWDOWN:
        _set_slowdowns(center.keys[0], course, jobs, now)
    else:
        for place in range(jobs.size):
            set_key(center, course, order, jobs[place], now)
    sort_waiting(center)


@allocating
def _set_slowdowns(keys: Floats, course: Course, jobs: Ints, now: int) -> None:
    """The one order that compares jobs with each other."""
    submitted, requested_us, predicted_us = (
        course.submitted_us[jobs],
        course.requested_us[jobs],
        course.predicted_us[jobs],
    )
    tasks, cpu, center = course.tasks[jobs], course.cpu_milli[jobs], course.at[CENTER_CPU]
    least = course.past.parts.min()
    found = slowdown(submitted, requested_us, predicted_us, tasks, cpu, now, center, least)
    for place in range(jobs.size):
        keys[jobs[place]] = found[place]


@compiled
def _key(order: int, asked: Asked, now: int) -> float:
    if order == SJF:
        return sjf(asked, now)
    if order == F1:
        return f1(asked, now)
    if order == F2:
        return f2(asked, now)
    if order == F3:
        return f3(asked, now)
    if order == F4:
        return f4(asked, now)
    if order == WFP3:
        return wfp3(asked, now)
    if order == UNICEP:
        return unicep(asked, now)
    return fcfs(asked, now)
