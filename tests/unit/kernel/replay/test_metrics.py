"""Figures of an outcome, worked out by hand or by a plain loop."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from suanli.kernel.replay import metrics
from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.resources import resources
from suanli.kernel.replay.trace import Column, Int64s, make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError

SECOND = 1_000_000


def seconds(*values: int) -> Int64s:
    return np.array([value if value == NEVER else value * SECOND for value in values], dtype=np.int64)


def whole(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


def center() -> CenterDescription:
    return from_mapping({"nodes": [{"count": 2, "cpus": 2, "memory": "4GiB", "power": {"idle_w": 10, "max_w": 30}}]})


def three_jobs() -> dict[Column, ArrayLike]:
    """What they ask for whose outcome is below, as columns of a trace."""
    return {
        "number": [1, 2, 3],
        "submitted_us": seconds(0, 0, 0),
        "runtime_us": seconds(100, 100, 5),
        "requested_us": seconds(100, 100, 5),
        "tasks": [2, 4, 1],
    }


def outcome() -> Outcome:
    """Two cpus for 100 s, then four for 100 s while one job waits, then nothing; the third job never starts."""
    return Outcome(
        started_us=seconds(0, 100, NEVER),
        ended_us=seconds(100, 200, NEVER),
        time_us=seconds(0, 100, 200),
        cpu_milli=whole(2000, 4000, 0),
        device_share=whole(0, 0, 0),
        waiting=whole(2, 1, 1),
        running=whole(1, 1, 0),
        waiting_cpu_milli=whole(5000, 1000, 1000),
    )


def test_all_figures_of_a_small_replay() -> None:
    trace = make_trace(
        three_jobs()
        | {
            "user": [0, 1, 1],
        },
        names={"users": ("ada", "bo")},
    )
    found = metrics.summary(trace, outcome(), center())
    assert (found.jobs, found.finished, found.makespan_s) == (3, 2, 200.0)
    assert (found.wait_s.mean, found.wait_s.median, found.wait_s.p99, found.wait_s.max) == (50, 50, 99, 100)
    assert found.bounded_slowdown.mean == 1.5
    assert list(found.resources) == ["cpu"]
    assert found.resources["cpu"] == metrics.ResourceFigures(held=600 / 800, lost=200 / 800)
    assert found.jain_user_slowdown == pytest.approx(9 / 10)
    assert found.jain_user_cpu == pytest.approx(600**2 / (2 * (200**2 + 400**2)))
    assert found.jain_project_cpu == 1.0
    # 2 nodes idle at 10 W for 200 s; a cpu held adds 10 W, over 600 cpu-seconds.
    assert found.energy_j == pytest.approx(2 * 10 * 200 + 10 * 600)
    assert [group.count for group in found.slowdown_by_size] == [0, 2, 0, 0, 0, 0]
    assert [group.count for group in found.slowdown_by_runtime] == [0, 2, 0, 0, 0, 0]
    assert found.wait_by_size[1].mean == found.wait_s.mean


def test_what_was_used_stands_beside_what_was_held_as_far_as_the_trace_tells() -> None:
    trace = make_trace(
        three_jobs()
        | {
            "memory_bytes": [1024**3, 1024**3, 0],
            "used_cpu_us": [50 * SECOND, -1, 5 * SECOND],
            "used_memory_bytes": [-1, 1024**3, -1],
        }
    )
    over_time = resources(trace, outcome(), center())
    assert list(over_time) == ["cpu", "memory"]
    cpu, memory = over_time["cpu"], over_time["memory"]
    assert (cpu.held.tolist(), cpu.waited_for.tolist()) == ([2000, 4000, 0], [5000, 1000, 1000])
    # The first job tells of half a cpu used, and held two; nothing is known of the second.
    assert (cpu.used.tolist(), cpu.told.tolist(), cpu.lost.tolist()) == ([500, 0, 0], [2000, 0, 0], [2000, 0, 1000])
    assert (memory.used / 1024**3).tolist() == [0, 1, 0]
    assert (memory.held / 1024**3).tolist() == [2, 4, 0]
    found = metrics.summary(trace, outcome(), center()).resources["cpu"]
    assert found == metrics.UseFigures(held=0.75, lost=0.25, used=50 / 800, used_of_held=0.25, told=0.25 / 0.75)


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50), st.integers(-1, 10**7)),
        min_size=1,
        max_size=20,
    )
)
def test_over_time_agrees_with_adding_up_at_every_instant(rows: list[tuple[int, int, int, int]]) -> None:
    rows.sort()
    submitted, waited, ran, used = (list(column) for column in zip(*rows, strict=True))
    started = np.add(submitted, waited)
    ended = started + ran
    times = np.unique(np.concatenate([submitted, started, ended]))
    zeros = np.zeros(times.size, dtype=np.int64)
    lived = Outcome(
        started_us=started,
        ended_us=ended,
        time_us=times,
        cpu_milli=zeros,
        device_share=zeros,
        waiting=zeros,
        running=zeros,
        waiting_cpu_milli=zeros,
    )
    columns = {"number": np.arange(len(rows)), "submitted_us": submitted, "runtime_us": ran, "requested_us": ran}
    trace = make_trace(columns | {"used_cpu_us": used})  # type: ignore[arg-type]
    cpu = resources(trace, lived, center())["cpu"]
    for place, now in enumerate(times):
        running = [job for job in range(len(rows)) if started[job] <= now < ended[job]]
        waiting = [job for job in range(len(rows)) if submitted[job] <= now < started[job]]
        assert cpu.held[place] == 1000 * len(running)
        assert cpu.waited_for[place] == 1000 * len(waiting)
        assert cpu.told[place] == 1000 * len([job for job in running if used[job] >= 0])
        by_hand = sum(1000 * used[job] / ran[job] for job in running if used[job] >= 0)
        assert cpu.used[place] == pytest.approx(by_hand, abs=1e-3)


def test_short_runs_count_as_ten_seconds() -> None:
    wait, run = np.array([0.0, 9.0, 99.0, 90.0]), np.array([1.0, 1.0, 1.0, 30.0])
    assert metrics.bounded_slowdown(wait, run).tolist() == [1.0, 1.0, 10.0, 4.0]
    assert metrics.bounded_slowdown(wait, run, bound_s=1.0).tolist() == [1.0, 10.0, 100.0, 4.0]


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50))
def test_jain_lies_between_one_share_and_equality(values: list[float]) -> None:
    index = metrics.jain(np.array(values))
    assert 1 / len(values) - 1e-9 <= index <= 1 + 1e-9
    assert metrics.jain(np.full(len(values), values[0])) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 9)), min_size=2, max_size=20), st.integers(1, 30))
def test_resampling_keeps_the_integral(steps: list[tuple[int, int]], intervals: int) -> None:
    times = seconds(*np.cumsum([width for width, _ in steps]).tolist())
    column = whole(*(value for _, value in steps))
    zeros = np.zeros_like(column)
    held = Outcome(
        started_us=whole(),
        ended_us=whole(),
        time_us=times,
        cpu_milli=column,
        device_share=zeros,
        waiting=zeros,
        running=zeros,
        waiting_cpu_milli=zeros,
    )
    ends, means = metrics.resampled(held, column, intervals)
    by_hand = sum(value * following[0] for (_, value), following in pairwise(steps))
    assert float(means.sum()) * metrics.span_s(held) / intervals == pytest.approx(by_hand)
    assert metrics.held_seconds(held, column) == pytest.approx(by_hand)
    assert ends[-1] == times[-1] / SECOND


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "center"),
        ({}, "nodes"),
        ({"nodes": []}, "nodes"),
        ({"nodes": [{"cpus": 1}]}, "nodes.0.memory"),
        ({"nodes": [{"cpus": 0, "memory": 1}]}, "nodes.0.cpus"),
        ({"nodes": [{"cpus": 1, "memory": 1, "count": 0}]}, "nodes.0.count"),
        ({"nodes": [{"cpus": 1, "memory": 1, "colour": 0}]}, "nodes.0.colour"),
        ({"nodes": [{"cpus": 1, "memory": 1, "devices": [{"count": 1}]}]}, "nodes.0.devices.0.model"),
        ({"nodes": [{"cpus": 1, "memory": 1, "power": {"idle_w": 2, "max_w": 1}}]}, "nodes.0.power.max_w"),
        ({"nodes": [{"cpus": 1, "memory": 1}], "scale": 0}, "scale"),
    ],
)
def test_a_wrong_description_names_the_place(document: object, field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_mapping(document)
    assert caught.value.field == field


def test_scale_multiplies_every_group() -> None:
    group = {"count": 3, "cpus": 4, "memory": "1GiB", "devices": [{"model": "A100", "count": 8}]}
    described = from_mapping({"nodes": [group, group | {"count": 1}], "scale": 0.5})
    assert [one.count for one in described.groups] == [2, 1]
    assert (described.cpu_milli, described.device_share, described.models) == (12_000, 24_000, ("A100",))
