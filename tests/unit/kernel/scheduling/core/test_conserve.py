"""Reservations for many: every turn of random days judged by plain Python, and conservative on processor counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core.rules import CONSERVATIVE
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from tests.unit.kernel.scheduling.core import brute
from tests.unit.kernel.scheduling.core.center import Job, Node, Replayed, replay
from tests.unit.kernel.scheduling.core.days import DAYS, Running, counts, days, starts_on_counts


@dataclass(frozen=True)
class Laid:
    """Something is held from one instant until before another."""

    start: int
    end: int
    holds: brute.Rows
    devices: brute.Rows


@pytest.mark.slow
@settings(max_examples=DAYS // 8)
@given(days(), st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT]), st.sampled_from([2, 3, CONSERVATIVE]))
def test_everybody_in_order_gets_the_earliest_start_that_delays_nobody_in_front(
    day: tuple[list[Node], list[Job]], score: int, reservations: int
) -> None:
    nodes, jobs = day
    replayed = replay(nodes, jobs, score=score, backfill=reservations)
    before: set[int] = set()
    for now in replayed.events():
        brute.check_room(replayed)
        brute.check_memory(replayed)
        _check_turn(replayed, now, before, reservations)
        before = set(replayed.running())
    empty = brute.free_beside(replayed, [])
    assert all(not brute.can_hold(empty, jobs[job].shape, jobs[job].need) for job in replayed.queue())


def _check_turn(replayed: Replayed, now: int, before: set[int], reservations: int) -> None:
    laid = [
        Laid(now, max(brute.end_of(replayed, job, now), now + 1), replayed.holds(job), replayed.device_holds(job))
        for job in before & set(replayed.running())
    ]
    started, reserved = set(replayed.running()) - before, replayed.reserved()
    assert len(reserved) <= reservations
    left = reservations
    for job in sorted({*started, *replayed.queue()}):
        limit = replayed.jobs[job].limit
        if job in started:
            found = Laid(now, now + limit, replayed.holds(job), replayed.device_holds(job))
        elif job in reserved:
            start, holds, devices = replayed.booked(job)
            found = Laid(start, start + limit, holds, devices)
            left -= 1
        else:
            last = now if left == 0 else 2**62
            assert all(not _fits(replayed, laid, job, instant) for instant in _candidates(laid, now) if instant <= last)
            continue
        brute.check_holds(replayed, job, found.holds, found.devices)
        assert all(not _fits(replayed, laid, job, at) for at in _candidates(laid, now) if at < found.start)
        laid.append(found)
        _check_room(replayed, laid)


def _candidates(laid: Sequence[Laid], now: int) -> list[int]:
    """Nothing becomes free but where something ends."""
    return sorted({now, *(one.end for one in laid)})


def _free(replayed: Replayed, laid: Sequence[Laid], instant: int) -> list[brute.Free]:
    free = brute.free_beside(replayed, [])
    for one in laid:
        if one.start <= instant < one.end:
            brute.take(free, one.holds, one.devices)
    return free


def _fits(replayed: Replayed, laid: Sequence[Laid], job: int, instant: int) -> bool:
    """Whether a job could be where it is from an instant on for as long as it may run."""
    end = instant + replayed.jobs[job].limit
    instants = {instant, *(one.start for one in laid if instant < one.start < end)}
    least = _free(replayed, laid, instant)
    for at in instants:
        least = [brute.least(*pair) for pair in zip(least, _free(replayed, laid, at), strict=True)]
    return brute.can_hold(least, replayed.jobs[job].shape, replayed.jobs[job].need)


def _check_room(replayed: Replayed, laid: Sequence[Laid]) -> None:
    for instant in {one.start for one in laid}:
        for one in _free(replayed, laid, instant):
            assert one.cpu >= 0
            assert one.memory >= 0
            assert all(share >= 0 for share in one.devices)
            assert one.alone == 0 or one.holders == one.alone == 1


@pytest.mark.slow
@settings(max_examples=DAYS // 4)
@given(counts())
def test_one_big_node_starts_work_as_conservative_backfilling_on_counts_does(day: tuple[int, list[Job]]) -> None:
    processors, jobs = day
    replayed = replay([Node(processors)], jobs, backfill=CONSERVATIVE)
    for _ in replayed.events():
        pass
    assert replayed.course.started_us.tolist() == _conservative_on_counts(processors, jobs)


def _conservative_on_counts(processors: int, jobs: Sequence[Job]) -> list[int]:
    """Start of each job where all that wait are planned anew at each event, on nothing but processor counts."""

    def startable(waiting: Sequence[int], running: Sequence[Running], now: int) -> list[int]:
        used = [(now, max(start + jobs[job].limit, now + 1), jobs[job].need) for _, start, job in running]
        gaps = []
        for job in waiting:
            start = _first_gap(processors, used, jobs[job], now)
            used.append((start, start + jobs[job].limit, jobs[job].need))
            gaps.append((job, start))
        return [job for job, start in gaps if start == now]

    return starts_on_counts(jobs, startable)


def _first_gap(processors: int, used: Sequence[tuple[int, int, int]], job: Job, now: int) -> int:
    for start in sorted({now, *(end for _, end, _ in used)}):
        instants = [start, *(begin for begin, _, _ in used if start < begin < start + job.limit)]
        if all(
            sum(need for begin, end, need in used if begin <= instant < end) + job.need <= processors
            for instant in instants
        ):
            return start
    raise AssertionError("everything has ended, and there is no room")
