"""Days of random centers, checked after every event; and EASY on processor counts, played through by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY, NO_BACKFILL
from suanli.kernel.scheduling.core.score import BEST_FIT, FIRST_FIT, WORST_FIT
from tests.unit.kernel.scheduling.core import brute
from tests.unit.kernel.scheduling.core.center import Job, Node, Replayed, replay
from tests.unit.kernel.scheduling.core.days import DAYS, Running, counts, days, starts_on_counts


@pytest.mark.slow
@settings(max_examples=DAYS)
@given(days(), st.sampled_from([FIRST_FIT, BEST_FIT, WORST_FIT]), st.sampled_from([NO_BACKFILL, EASY]), st.booleans())
def test_no_event_of_a_random_day_breaks_a_rule(
    day: tuple[list[Node], list[Job]], score: int, backfill: int, shortest_first: bool
) -> None:
    nodes, jobs = day
    replayed = replay(nodes, jobs, score=score, backfill=backfill, shortest_first=shortest_first)
    before: set[int] = set()
    for now in replayed.events():
        running = replayed.running()
        for job in running:
            brute.check_holds(replayed, job, replayed.holds(job), replayed.device_holds(job))
        brute.check_room(replayed)
        brute.check_memory(replayed)
        _check_turn(replayed, now, [job for job in running if job not in before])
        before = set(running)
    empty = brute.free_beside(replayed, [])
    for job, asked in enumerate(jobs):
        never = not brute.can_hold(empty, asked.shape, asked.need)
        assert never <= (replayed.course.started_us[job] == 2**62)
    if backfill == EASY:
        assert all(not brute.can_hold(empty, jobs[job].shape, jobs[job].need) for job in replayed.queue())


def _check_turn(replayed: Replayed, now: int, started: Sequence[int]) -> None:
    """Who waits had to, and nobody who started delays the head."""
    after = replayed.running()
    room = brute.free_beside(replayed, after)
    heads = [job for job in replayed.queue() if not _fits(replayed, room, job)]
    if replayed.rules.reservations == NO_BACKFILL:
        queue = replayed.queue()
        assert not queue or not _fits(replayed, room, queue[0])
        assert all(job < queue[0] for job in started if queue)
        return
    head, start = _head(replayed, now, started, heads)
    for job in replayed.queue():
        if _fits(replayed, room, job):
            assert head is not None
            assert now + replayed.jobs[job].limit > start
    if head is not None:
        left = [job for job in after if brute.end_of(replayed, job, now) > start]
        assert _fits(replayed, brute.free_beside(replayed, left), head)
        _check_kept(replayed, left, head, start)


def _check_kept(replayed: Replayed, left: Sequence[int], head: int, start: int) -> None:
    """What is kept for the head is of its nodes, and the tables say what that leaves, at its start and until then."""
    center, sizes = replayed.center, replayed.center.sizes
    assert (sizes[t.HEAD], sizes[t.HEAD_START]) == (head, start)
    holds, devices = replayed.reserved_for_head()
    brute.check_holds(replayed, head, holds, devices)
    kept = sorted(row for row, *_ in holds)
    assert sorted(center.scratch[t.KEPT, : sizes[t.KEPT_SIZE]].tolist()) == kept
    assert center.nodes[:, t.IS_KEPT].tolist() == [int(row in kept) for row in range(len(replayed.nodes))]
    now, then = brute.free_beside(replayed, replayed.running()), brute.free_beside(replayed, left)
    brute.take(then, holds, devices)
    for row in kept:
        for nodes, of_devices, free in (
            (center.then_nodes, center.then_devices, then[row]),
            (center.both_nodes, center.both_devices, brute.least(now[row], then[row])),
        ):
            told = nodes[row, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]].tolist()
            assert told == [free.cpu, free.memory, free.holders, free.alone]
            there = of_devices[row, : len(free.devices)]
            assert there[:, t.FREE].tolist() == free.devices
            assert there[:, [t.TYPE, t.HEALTHY]].tolist() == [[*device] for device in free.node.devices]


def _head(replayed: Replayed, now: int, started: Sequence[int], heads: Sequence[int]) -> tuple[int | None, int]:
    """The first in the queue that cannot start and whose start can be foreseen when its turn comes, and that start."""
    earlier = [job for job in replayed.running() if job not in started]
    for head in heads:
        in_front = [job for job in started if job < head]
        holding = [*earlier, *in_front]
        if _fits(replayed, brute.free_beside(replayed, holding), head):
            # Those that started behind it took its room: then it was not at the head.
            continue
        start = brute.earliest(replayed, holding, head, now)
        if start is not None:
            return head, start
    return None, 0


def _fits(replayed: Replayed, room: Sequence[brute.Free], job: int) -> bool:
    return brute.can_hold(room, replayed.jobs[job].shape, replayed.jobs[job].need)


@pytest.mark.slow
@settings(max_examples=DAYS // 4)
@given(counts(), st.booleans())
def test_one_big_node_and_many_small_ones_start_work_as_easy_on_counts_does(
    day: tuple[int, list[Job]], shortest_first: bool
) -> None:
    processors, jobs = day
    expected = easy_on_counts(processors, jobs, shortest_first=shortest_first)
    for nodes in ([Node(processors)], [Node(1) for _ in range(processors)]):
        replayed = replay(nodes, jobs, shortest_first=shortest_first)
        for _ in replayed.events():
            pass
        assert replayed.course.started_us.tolist() == expected


def easy_on_counts(processors: int, jobs: Sequence[Job], *, shortest_first: bool) -> list[int]:
    """Start of each job by EASY as its paper tells it, on nothing but processor counts."""

    def startable(waiting: Sequence[int], running: Sequence[Running], now: int) -> list[int]:
        return _startable_on_counts(processors, jobs, waiting, running, now, shortest_first=shortest_first)

    return starts_on_counts(jobs, startable)


def _startable_on_counts(
    processors: int,
    jobs: Sequence[Job],
    waiting: Sequence[int],
    runs: Sequence[Running],
    now: int,
    *,
    shortest_first: bool,
) -> list[int]:
    running = [(start + jobs[job].limit, jobs[job].need) for _, start, job in runs]
    free = processors - sum(need for _, need in running)
    queue, chosen = list(waiting), []
    while queue and jobs[queue[0]].need <= free:
        job = queue.pop(0)
        chosen.append(job)
        free -= jobs[job].need
        running.append((now + jobs[job].limit, jobs[job].need))
    if not queue:
        return chosen
    head = queue.pop(0)
    shadow, there = now, free
    for end, need in sorted(running):
        if there >= jobs[head].need and end > shadow:
            break
        shadow, there = end, there + need
    extra = there - jobs[head].need
    for job in sorted(queue, key=lambda one: jobs[one].limit) if shortest_first else queue:
        need = jobs[job].need
        if need > free:
            continue
        if now + jobs[job].limit <= shadow:
            chosen.append(job)
            free -= need
        elif need <= extra:
            chosen.append(job)
            free -= need
            extra -= need
    return chosen
