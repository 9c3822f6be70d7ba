"""Every figure of a replay against one worked out in plain Python, on replays by hand and by chance."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay import metrics
from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup, PowerRange
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import RUNTIME_CLASSES, SIZE_CLASSES, Distribution
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.resources import Resource
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from tests.unit.kernel.replay.plain import CPUS, SECOND, Job, center_of, trace_of

near = pytest.approx


def floats(*values: float) -> Any:
    return np.array(values, dtype=np.float64)


def whole(values: Iterable[int]) -> Any:
    return np.array(list(values), dtype=np.int64)


def steps(*points: tuple[float, int]) -> Outcome:
    """An outcome without jobs whose cpus are so many from each second on; the last point is the end."""
    values = whole(value for _, value in points)
    zeros = np.zeros_like(values)
    return Outcome(
        started_us=whole([]),
        ended_us=whole([]),
        time_us=whole(round(second * SECOND) for second, _ in points),
        cpu_milli=values,
        device_share=zeros,
        waiting=zeros,
        running=zeros,
        waiting_cpu_milli=zeros,
    )


def quantile(ordered: Sequence[float], part: float) -> float:
    """Linear between neighbours."""
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def plain_distribution(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {"count": 0, "mean": 0.0, "median": 0.0, "p99": 0.0, "max": 0.0}
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "mean": sum(ordered) / len(ordered),
        "median": quantile(ordered, 0.5),
        "p99": quantile(ordered, 0.99),
        "max": ordered[-1],
    }


def agree(found: Distribution, values: Sequence[float]) -> None:
    for name, value in plain_distribution(values).items():
        assert getattr(found, name) == near(value, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize(
    ("values", "median", "p99"),
    [
        pytest.param([7.0], 7.0, 7.0, id="one"),
        pytest.param([1.0, 3.0], 2.0, 2.98, id="two"),
        pytest.param([5.0, 1.0, 3.0], 3.0, 4.96, id="three in any order"),
        pytest.param([float(n) for n in range(101)], 50.0, 99.0, id="a hundred and one"),
        pytest.param([2.0] * 9, 2.0, 2.0, id="all alike"),
    ],
)
def test_a_distribution_by_hand(values: list[float], median: float, p99: float) -> None:
    found = metrics.distribution(floats(*values))
    assert (found.count, found.max) == (len(values), max(values))
    assert [found.mean, found.median, found.p99] == near([sum(values) / len(values), median, p99])


def test_the_distribution_of_nothing_is_all_zero() -> None:
    assert metrics.distribution(floats()) == Distribution(count=0, mean=0.0, median=0.0, p99=0.0, max=0.0)


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_any_distribution_is_the_plain_one(values: list[float]) -> None:
    agree(metrics.distribution(floats(*values)), values)


@pytest.mark.parametrize(
    ("wait", "run", "slowdown"),
    [
        pytest.param(0, 100, 1.0, id="at once"),
        pytest.param(100, 100, 2.0, id="as long as it ran"),
        pytest.param(5, 5, 1.0, id="short and soon is never below one"),
        pytest.param(95, 5, 10.0, id="short runs count as ten seconds"),
        pytest.param(90, 10, 10.0, id="ten seconds count as they are"),
        pytest.param(0, 0, 1.0, id="nothing at all"),
    ],
)
def test_bounded_slowdown_by_hand(wait: float, run: float, slowdown: float) -> None:
    assert metrics.bounded_slowdown(floats(wait), floats(run)).tolist() == [near(slowdown)]


@pytest.mark.parametrize(
    ("measure", "place"),
    [(0.5, 0), (1, 0), (1.5, 1), (4, 1), (4.001, 2), (16, 2), (64, 3), (256, 4), (257, 5), (1e9, 5)],
)
def test_a_class_has_its_upper_end_and_the_last_has_none(measure: float, place: int) -> None:
    found = metrics.by_class(floats(7), floats(measure), SIZE_CLASSES)
    assert len(found) == len(SIZE_CLASSES) + 1
    assert [one.count for one in found] == [int(other == place) for other in range(6)]
    assert found[place].mean == 7


def test_classes_of_run_times_are_a_minute_to_a_day() -> None:
    assert RUNTIME_CLASSES == (60, 600, 3600, 21_600, 86_400)


@pytest.mark.parametrize(
    ("points", "held", "mean", "span"),
    [
        pytest.param([], 0, 0, 0, id="nothing"),
        pytest.param([(5, 9)], 0, 0, 0, id="one instant"),
        pytest.param([(0, 3), (10, 0)], 30, 3, 10, id="one step"),
        pytest.param([(0, 3), (10, 5), (12, 0)], 40, 40 / 12, 12, id="two steps"),
        pytest.param([(100, 4), (101, 4)], 4, 4, 1, id="from later on"),
        pytest.param([(0, 1), (0.5, 2), (1, 9)], 1.5, 1.5, 1, id="parts of a second; what comes last lasts no time"),
    ],
)
def test_a_step_function_over_time(points: list[tuple[float, int]], held: float, mean: float, span: float) -> None:
    outcome = steps(*points)
    assert metrics.held_seconds(outcome, outcome.cpu_milli) == near(held)
    assert metrics.time_mean(outcome, outcome.cpu_milli) == near(mean)
    assert metrics.span_s(outcome) == near(span)


@pytest.mark.parametrize(
    ("points", "intervals", "ends", "means"),
    [
        pytest.param([], 2, [0, 0], [0, 0], id="nothing"),
        pytest.param([(7, 3)], 2, [7, 7], [0, 0], id="one instant"),
        pytest.param([(0, 3), (10, 0)], 2, [5, 10], [3, 3], id="one step in two"),
        pytest.param([(0, 4), (5, 8), (10, 0)], 2, [5, 10], [4, 8], id="two steps in two"),
        pytest.param([(0, 4), (5, 8), (10, 0)], 1, [10], [6], id="two steps in one"),
        pytest.param([(0, 4), (2, 8), (10, 0)], 2, [5, 10], [(2 * 4 + 3 * 8) / 5, 8], id="a step within an interval"),
        pytest.param([(2, 6), (4, 0)], 4, [2.5, 3, 3.5, 4], [6, 6, 6, 6], id="more intervals than steps"),
    ],
)
def test_equal_intervals(
    points: list[tuple[float, int]], intervals: int, ends: list[float], means: list[float]
) -> None:
    outcome = steps(*points)
    found_ends, found = metrics.resampled(outcome, outcome.cpu_milli, intervals)
    assert (found_ends.tolist(), found.tolist()) == (near(ends), near(means))


@pytest.mark.parametrize(
    ("values", "index"),
    [
        pytest.param([], 1.0, id="nobody"),
        pytest.param([5], 1.0, id="one"),
        pytest.param([2, 2, 2], 1.0, id="all alike"),
        pytest.param([1, 0, 0, 0], 0.25, id="one has all of four"),
        pytest.param([0, 0], 1.0, id="nobody has anything"),
        pytest.param([1, 3], 0.8, id="a quarter and three"),
    ],
)
def test_jains_index_by_hand(values: list[float], index: float) -> None:
    assert metrics.jain(floats(*values)) == near(index)


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(0, 1e6)), max_size=30))
def test_sums_and_means_by_code_are_of_the_codes_that_occur(pairs: list[tuple[int, float]]) -> None:
    of: dict[int, list[float]] = defaultdict(list)
    for code, value in pairs:
        of[code].append(value)
    codes, values = np.array([code for code, _ in pairs], dtype=np.int32), floats(*(value for _, value in pairs))
    assert metrics.sum_by_code(values, codes).tolist() == near([sum(of[code]) for code in sorted(of)])
    assert metrics.mean_by_code(values, codes).tolist() == near([sum(of[c]) / len(of[c]) for c in sorted(of)])


def held(cpus: list[tuple[float, int]], waiting: list[int] | None = None, devices: list[int] | None = None) -> Outcome:
    outcome = steps(*cpus)
    nothing = [0] * len(cpus)
    return Outcome(
        started_us=outcome.started_us,
        ended_us=outcome.ended_us,
        time_us=outcome.time_us,
        cpu_milli=outcome.cpu_milli,
        device_share=whole(devices or nothing),
        waiting=outcome.waiting,
        running=outcome.running,
        waiting_cpu_milli=whole(waiting or nothing),
    )


@pytest.mark.parametrize(
    ("cpus", "waiting", "lost"),
    [
        pytest.param([(0, 8000), (10, 0)], [5000, 0], 0, id="nothing was free"),
        pytest.param([(0, 3000), (10, 0)], [0, 0], 0, id="nobody waited"),
        pytest.param([(0, 3000), (10, 0)], [5000, 0], 5 / 8, id="as much waited as was free"),
        pytest.param([(0, 3000), (10, 0)], [90_000, 0], 5 / 8, id="more waited than was free"),
        pytest.param([(0, 3000), (10, 0)], [1000, 0], 1 / 8, id="less waited than was free"),
        pytest.param([(0, 3000), (5, 8000), (10, 0)], [1000, 1000, 0], 1 / 16, id="for half of the time"),
        pytest.param([(0, 3000)], [1000], 0, id="no time"),
    ],
)
def test_lost_capacity_is_what_was_free_while_somebody_waited_for_it(
    cpus: list[tuple[float, int]], waiting: list[int], lost: float
) -> None:
    outcome, nothing = held(cpus, waiting), np.zeros(len(cpus))
    one = Resource(
        capacity=8000,
        held=outcome.cpu_milli.astype(np.float64),
        waited_for=outcome.waiting_cpu_milli.astype(np.float64),
        used=nothing,
        told=nothing,
    )
    assert metrics.resource_figures(outcome, one).lost == near(lost)


def powered(node: PowerRange, device: PowerRange | None = None, count: int = 2) -> CenterDescription:
    devices = () if device is None else (DeviceGroup(model="A", count=2, power=device),)
    group = NodeGroup(prefix="n", count=count, cpu_milli=4000, memory_bytes=0, devices=devices, power=node)
    return CenterDescription(groups=(group,))


@pytest.mark.parametrize(
    ("center", "cpus", "devices", "joules"),
    [
        pytest.param(powered(PowerRange()), 8000, 0, 0, id="nothing draws anything"),
        pytest.param(powered(PowerRange(idle_w=10, max_w=10)), 8000, 0, 200, id="as much whatever is held"),
        pytest.param(powered(PowerRange(idle_w=10, max_w=30)), 0, 0, 200, id="idle"),
        pytest.param(powered(PowerRange(idle_w=10, max_w=30)), 8000, 0, 600, id="all cpus held"),
        pytest.param(powered(PowerRange(idle_w=10, max_w=30)), 2000, 0, 300, id="a quarter of them"),
        pytest.param(powered(PowerRange(), PowerRange(idle_w=5, max_w=25)), 0, 0, 200, id="idle devices"),
        pytest.param(powered(PowerRange(), PowerRange(idle_w=5, max_w=25)), 0, 4000, 1000, id="all devices held"),
        pytest.param(powered(PowerRange(), PowerRange(idle_w=5, max_w=25)), 0, 500, 300, id="half a device"),
        pytest.param(
            powered(PowerRange(idle_w=10, max_w=30), PowerRange(idle_w=5, max_w=25)), 4000, 2000, 1000, id="both"
        ),
    ],
)
def test_energy_is_idle_power_and_a_part_of_the_rest(
    center: CenterDescription, cpus: int, devices: int, joules: float
) -> None:
    assert metrics.energy_j(held([(0, cpus), (10, 0)], devices=[devices, 0]), center) == near(joules)


@pytest.mark.parametrize(
    ("submitted", "ended", "makespan"),
    [
        pytest.param([0, 5], [3, 9], 9, id="to the last end"),
        pytest.param([4, 5], [9, 7], 5, id="from the first submission, whoever ends last"),
        pytest.param([2, 3], [NEVER, 7], 5, id="what does not end does not count"),
        pytest.param([2, 3], [NEVER, NEVER], 0, id="nothing ended"),
        pytest.param([], [], 0, id="nothing was submitted"),
    ],
)
def test_makespan(submitted: list[int], ended: list[int], makespan: float) -> None:
    trace = trace_of([Job(at, 1, 1) for at in submitted])
    ends = whole(end if end == NEVER else end * SECOND for end in ended)
    outcome = steps()
    starts = np.minimum(trace.submitted_us + 0, ends)
    found = Outcome(
        started_us=starts,
        ended_us=ends,
        **{name: getattr(outcome, name) for name in Outcome.__dataclass_fields__ if not name.endswith("ed_us")},
    )
    assert metrics.makespan_s(trace, found) == near(makespan)


ROWS = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 400), st.integers(1, CPUS + 1), st.integers(0, 2), st.integers(0, 1)),
    min_size=1,
    max_size=15,
)


def projects_of(rows: Sequence[tuple[int, int, int, int, int]]) -> Trace:
    """A trace of rows (submitted, runtime, tasks, user, project)."""
    columns = list(zip(*rows, strict=True))
    return make_trace(
        {
            "number": range(len(rows)),
            "submitted_us": whole(value * SECOND for value in columns[0]),
            "runtime_us": whole(value * SECOND for value in columns[1]),
            "requested_us": whole(value * SECOND for value in columns[1]),
            "tasks": whole(columns[2]),
            "user": whole(columns[3]),
            "project": whole(columns[4]),
        },
        names={"users": ("a", "b", "c"), "projects": ("p", "q")},
    )


@given(ROWS, st.sampled_from(["easy", "fcfs", "conservative"]))
def test_the_summary_of_any_replay_is_the_plain_one(rows: list[tuple[int, int, int, int, int]], policy: str) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    trace, center = projects_of(rows), center_of()
    outcome = replay(trace, center, POLICIES[policy])
    found = metrics.summary(trace, outcome, center)
    done = [
        (start / SECOND, end / SECOND, *row)
        for start, end, row in zip(outcome.started_us.tolist(), outcome.ended_us.tolist(), rows, strict=True)
        if end < NEVER
    ]
    waits = [start - submitted for start, _, submitted, *_ in done]
    runs = [end - start for start, end, *_ in done]
    slow = [max(1.0, (wait + run) / max(run, 10)) for wait, run in zip(waits, runs, strict=True)]
    assert (found.jobs, found.finished) == (len(rows), len(done))
    agree(found.wait_s, waits)
    agree(found.turnaround_s, [wait + run for wait, run in zip(waits, runs, strict=True)])
    agree(found.bounded_slowdown, slow)
    _agree_by_class(found, done, waits, slow)
    _agree_over_time(found, outcome)
    _agree_fairness(found, done, slow)
    assert found.makespan_s == near(max((end for _, end, *_ in done), default=rows[0][0]) - rows[0][0])


def _agree_by_class(found: metrics.Summary, done: list[Any], waits: list[float], slow: list[float]) -> None:
    def place(value: float, ends: Sequence[float]) -> int:
        return next((number for number, end in enumerate(ends) if value <= end), len(ends))

    for kept, values in ((found.slowdown_by_size, slow), (found.wait_by_size, waits)):
        for number, one in enumerate(kept):
            agree(one, [v for v, job in zip(values, done, strict=True) if place(job[4], SIZE_CLASSES) == number])
    for number, one in enumerate(found.slowdown_by_runtime):
        agree(one, [v for v, job in zip(slow, done, strict=True) if place(job[3], RUNTIME_CLASSES) == number])


def _agree_over_time(found: metrics.Summary, outcome: Outcome) -> None:
    instants = list(
        zip(outcome.time_us.tolist(), outcome.cpu_milli.tolist(), outcome.waiting_cpu_milli.tolist(), strict=True)
    )
    span = instants[-1][0] - instants[0][0]
    used = sum(cpu * (after[0] - at) for (at, cpu, _), after in pairwise(instants))
    lost = sum(min(CPUS * 1000 - cpu, waits) * (after[0] - at) for (at, cpu, waits), after in pairwise(instants))
    assert found.resources["cpu"].held == near(used / span / (CPUS * 1000) if span else 0)
    assert found.resources["cpu"].lost == near(lost / span / (CPUS * 1000) if span else 0)
    assert list(found.resources) == ["cpu"]


def _agree_fairness(found: metrics.Summary, done: list[Any], slow: list[float]) -> None:
    def index(values: Sequence[float]) -> float:
        squares = sum(value * value for value in values)
        return sum(values) ** 2 / (len(values) * squares) if squares else 1.0

    for column, of_slowdown, of_cpu in (
        (5, found.jain_user_slowdown, found.jain_user_cpu),
        (6, found.jain_project_slowdown, found.jain_project_cpu),
    ):
        codes = sorted({job[column] for job in done})
        slows = [[v for v, job in zip(slow, done, strict=True) if job[column] == code] for code in codes]
        assert of_slowdown == near(index([sum(values) / len(values) for values in slows]))
        assert of_cpu == near(index([sum(job[3] * job[4] for job in done if job[column] == code) for code in codes]))


def test_devices_count_for_the_size_of_a_job_where_they_are_more_than_its_cpus() -> None:
    trace = make_trace(
        {
            "number": [0, 1],
            "submitted_us": [0, 0],
            "runtime_us": [SECOND] * 2,
            "requested_us": [SECOND] * 2,
            "tasks": [2, 1],
            "device_count": [8, 1],
            "device_share": [1000, 500],
        }
    )
    center = center_of(8, 2, (DeviceGroup(model="A", count=8),))
    found = metrics.summary(trace, replay(trace, center, POLICIES["easy"]), center)
    # Sixteen devices, and half of one beside a whole cpu.
    assert [one.count for one in found.slowdown_by_size] == [1, 0, 1, 0, 0, 0]
    assert found.resources["device"].held == near((16_000 + 500) / 2 / 16_000)


def test_another_bound_of_short_runs_is_heeded() -> None:
    trace = trace_of([Job(0, 4, 4, 8), Job(0, 4, 4, 8)])
    outcome = replay(trace, center_of(), POLICIES["easy"])
    found = [metrics.summary(trace, outcome, center_of(), bound).bounded_slowdown.max for bound in (1.0, 4.0, 8.0)]
    assert found == [2.0, 2.0, 1.0]
