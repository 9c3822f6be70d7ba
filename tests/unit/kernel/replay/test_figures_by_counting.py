"""All figures of a replay from the day that counting alone gives: nothing of the outcome is taken for granted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay import metrics
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.resources import resources
from tests.unit.kernel.replay.counting import EVERYBODY, Asked, Day, Node, Rule, trace_of
from tests.unit.kernel.replay.plain import SECOND, seconds

near = pytest.approx
RULES = {"fcfs": Rule(0), "easy": Rule(), "easy-sjbf": Rule(shortest_first=True), "conservative": Rule(EVERYBODY)}
MEMORY = 40


@dataclass(frozen=True)
class Stay:
    """A job that started, from one second to another."""

    job: Asked
    start: int

    @property
    def end(self) -> int:
        return self.start + self.job.runtime

    @property
    def slowdown(self) -> float:
        return max(1.0, (self.end - self.job.submitted) / max(self.job.runtime, 10))


@st.composite
def days(draw: st.DrawFn) -> list[Asked]:
    jobs, now = [], 0
    for _ in range(draw(st.integers(1, 14))):
        now += draw(st.integers(0, 9))
        runtime, cpus = draw(st.integers(1, 40)), draw(st.integers(1, 8))
        memory, used = draw(st.sampled_from([0, 0, 1, 4])), draw(st.sampled_from([-1, 0, 3, 90]))
        jobs.append(Asked(now, runtime, runtime + draw(st.integers(0, 9)), cpus, draw(st.integers(0, 3)), memory, used))
    return jobs


def second_by_second(
    stays: Sequence[Stay], jobs: Sequence[Asked], of: Callable[[Asked], float], first: int, last: int
) -> tuple[list[float], list[float]]:
    """What runs and what waits adds up to, in each second of a day."""
    started = {id(stay.job): stay.start for stay in stays}
    runs = [sum(of(stay.job) for stay in stays if stay.start <= now < stay.end) for now in range(first, last)]
    waits = [
        sum(of(job) for job in jobs if job.submitted <= now < started.get(id(job), last)) for now in range(first, last)
    ]
    return runs, waits


def average(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def index(values: Sequence[float]) -> float:
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def lived(jobs: list[Asked], node: Node, policy: str, projects: int = 1) -> tuple[list[Stay], Outcome, metrics.Summary]:
    """The day as counting has it, which the replay must have as well, and the replay's figures."""
    starts = Day(jobs, node, RULES[policy]).live()
    trace = trace_of(jobs, users=4, projects=projects)
    outcome = replay(trace, node.center(), POLICIES[policy])
    assert seconds(outcome.started_us) == starts
    stays = [Stay(job, start) for job, start in zip(jobs, starts, strict=True) if start >= 0]
    return stays, outcome, metrics.summary(trace, outcome, node.center())


day_and_policy = given(jobs=days(), cpus=st.integers(1, 8), policy=st.sampled_from(sorted(RULES)))


@settings(max_examples=40)
@day_and_policy
def test_what_is_held_and_lost_in_every_second(jobs: list[Asked], cpus: int, policy: str) -> None:
    node = Node(cpus, MEMORY)
    stays, outcome, found = lived(jobs, node, policy)
    first, last = jobs[0].submitted, outcome.time_us[-1] // SECOND
    amounts: dict[str, tuple[int, Callable[[Asked], float]]] = {
        "cpu": (cpus, lambda job: job.amounts[0]),
        "memory": (MEMORY, lambda job: job.amounts[1]),
    }
    if not any(job.memory for job in jobs):
        del amounts["memory"]
    assert set(found.resources) == set(amounts)
    for name, (there, of) in amounts.items():
        runs, waits = second_by_second(stays, jobs, of, first, last)
        lost = [min(there - held, waited) for held, waited in zip(runs, waits, strict=True)]
        assert found.resources[name].held == near(average(runs) / there)
        assert found.resources[name].lost == near(average(lost) / there)


@settings(max_examples=40)
@day_and_policy
def test_what_was_used_of_what_was_held(jobs: list[Asked], cpus: int, policy: str) -> None:
    """A job uses evenly while it runs; who does not tell counts neither as used nor as told."""
    node = Node(cpus, MEMORY)
    stays, outcome, found = lived(jobs, node, policy)
    cpu, span = found.resources["cpu"], metrics.span_s(outcome)
    told = [stay.job for stay in stays if stay.job.used_s >= 0]
    held_by_them = sum(job.cpus * job.runtime for job in told)
    if not told:
        assert not isinstance(cpu, metrics.UseFigures)
        return
    assert isinstance(cpu, metrics.UseFigures)
    assert cpu.used == near(sum(job.used_s for job in told) / (cpus * span))
    assert cpu.used_of_held == near(sum(job.used_s for job in told) / held_by_them)
    assert cpu.told == near(held_by_them / sum(stay.job.cpus * stay.job.runtime for stay in stays))


@settings(max_examples=40)
@given(
    jobs=days(),
    cpus=st.integers(1, 8),
    policy=st.sampled_from(sorted(RULES)),
    watts=st.integers(0, 30),
    idle=st.integers(0, 200),
)
def test_energy_is_added_up_second_by_second(jobs: list[Asked], cpus: int, policy: str, watts: int, idle: int) -> None:
    node = Node(cpus, MEMORY, watts=watts, idle_w=idle)
    stays, outcome, found = lived(jobs, node, policy)
    runs, _ = second_by_second(
        stays, jobs, lambda job: watts * job.cpus, jobs[0].submitted, outcome.time_us[-1] // SECOND
    )
    assert found.energy_j == near(sum(idle + drawn for drawn in runs))
    assert found.peak_draw_w == near(max(runs, default=0))


@settings(max_examples=40)
@given(jobs=days(), cpus=st.integers(1, 8), policy=st.sampled_from(sorted(RULES)), projects=st.integers(1, 3))
def test_fairness_between_users_and_between_projects(jobs: list[Asked], cpus: int, policy: str, projects: int) -> None:
    stays, _, found = lived(jobs, Node(cpus, MEMORY), policy, projects)
    kinds: list[tuple[Callable[[Asked], int], float, float]] = [
        (lambda job: job.user, found.jain_user_slowdown, found.jain_user_cpu),
        (lambda job: job.user % projects, found.jain_project_slowdown, found.jain_project_cpu),
    ]
    for whose, of_slowdown, of_cpu in kinds:
        each = sorted({whose(stay.job) for stay in stays})
        slow = [[stay.slowdown for stay in stays if whose(stay.job) == one] for one in each]
        held = [sum(stay.job.cpus * stay.job.runtime for stay in stays if whose(stay.job) == one) for one in each]
        assert of_slowdown == near(index([average(values) for values in slow]))
        assert of_cpu == near(index(held))


@settings(max_examples=30)
@given(jobs=days(), cpus=st.integers(1, 8), parts=st.integers(1, 9))
def test_any_number_of_equal_parts_has_the_mean_of_its_seconds(jobs: list[Asked], cpus: int, parts: int) -> None:
    stays, outcome, _ = lived(jobs, Node(cpus, MEMORY), "easy")
    first, last = jobs[0].submitted, int(outcome.time_us[-1]) // SECOND
    ends, means = metrics.resampled(outcome, outcome.cpu_milli, parts)
    if first == last:
        assert means.tolist() == [0] * parts
        return
    runs, _ = second_by_second(stays, jobs, lambda job: 1000 * job.cpus, first, last)
    width = (last - first) / parts
    for place, (end, mean) in enumerate(zip(ends.tolist(), means.tolist(), strict=True)):
        begin = first + place * width
        covered = [max(0.0, min(first + at + 1, end) - max(first + at, begin)) for at in range(len(runs))]
        assert end == near(begin + width)
        assert mean == near(sum(held * part for held, part in zip(runs, covered, strict=True)) / width, abs=1e-6)


def test_what_never_starts_waits_until_the_end_of_the_day_and_is_no_part_of_any_mean() -> None:
    """Nine cpus of eight: it is waited for throughout, in vain, so the five that are free are lost for 20 s."""
    jobs = [Asked(0, 20, 20, 3), Asked(0, 50, 50, 9)]
    stays, outcome, found = lived(jobs, Node(8), "easy")
    assert [stay.start for stay in stays] == [0]
    assert (found.jobs, found.finished, found.wait_s.count) == (2, 1, 1)
    assert found.resources["cpu"].held == near(3 / 8)
    assert found.resources["cpu"].lost == near(5 / 8)
    assert seconds(outcome.ended_us) == [20, -1]


def test_a_day_on_which_nothing_ever_ran_has_no_figures_and_no_accident() -> None:
    jobs = [Asked(5, 20, 20, 9), Asked(9, 50, 50, 9)]
    _, outcome, found = lived(jobs, Node(8, watts=10, idle_w=50), "easy")
    assert (found.finished, found.makespan_s, found.peak_draw_w) == (0, 0, 0)
    assert found.bounded_slowdown == metrics.Distribution(count=0, mean=0, median=0, p99=0, max=0)
    # From the first to the second submission nothing happened for four seconds; all eight cpus were lost.
    assert found.resources["cpu"] == metrics.ResourceFigures(held=0, lost=1)
    assert found.energy_j == near(50 * 4)
    assert (found.jain_user_cpu, found.jain_user_slowdown) == (1, 1)
    assert resources(trace_of(jobs), outcome, Node(8).center())["cpu"].waited_for.tolist() == [9000, 18_000]


def fragmented(*looks: tuple[int, int]) -> Outcome:
    """An outcome of which only looks at fragmentation matter: second, and thousandths of devices of no use."""
    _, outcome, _ = lived([Asked(0, 1, 1, 1)], Node(1), "easy")
    at, shares = (np.array([look[place] for look in looks], dtype=np.int64) for place in (0, 1))
    return replace(outcome, looked_at_us=at * SECOND, fragmented_share=shares)


@pytest.mark.parametrize(
    ("looks", "mean"),
    [
        pytest.param([], 0, id="nobody looked"),
        pytest.param([(5, 4000)], 0, id="one look stands for no time"),
        pytest.param([(0, 4000), (10, 0)], 1.0, id="all four devices for all of the time"),
        pytest.param([(0, 1000), (10, 4000)], 0.25, id="what was found last stands for no time"),
        pytest.param([(0, 1000), (10, 3000), (40, 0)], (10 * 1 + 30 * 3) / (40 * 4), id="each as long as it stands"),
    ],
)
def test_fragmentation_is_the_mean_of_looks_that_stand_until_the_next(
    looks: list[tuple[int, int]], mean: float
) -> None:
    assert metrics.fragmentation(fragmented(*looks), 4000) == near(mean)
