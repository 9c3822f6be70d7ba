"""Replays under a power cap: what is drawn at any time, who waits for it, and what that costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.loop import build, replay
from suanli.kernel.replay.metrics import energy_j, summary
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.rules import EASY
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.replay.plain import SECOND, Job, seconds, trace_of

PLAIN: dict[str, Any] = {"count": 2, "cpus": 4, "memory": "1TiB", "power": {"idle_w": 100, "max_w": 180}}
"""Nodes on which each busy cpu draws 20 W more than an idle one."""
CARDS: dict[str, Any] = {
    **PLAIN,
    "prefix": "g",
    "devices": [
        {"model": "A", "count": 2, "power": {"idle_w": 50, "max_w": 400}},
        {"model": "B", "count": 1, "power": {"max_w": 70}},
    ],
}
POLICY_NAMES = ("fcfs", "easy", "easy-sjbf", "reserve-10", "conservative", "sjf-easy", "slowdown", "easy-learned-sjbf")


def center(*groups: dict[str, Any], cap: float = 0) -> CenterDescription:
    return from_mapping({"nodes": [*groups], "power_cap_w": cap})


def with_devices(*rows: tuple[int, int, int, int, int]) -> Trace:
    """Submitted, runtime, tasks, devices of each, and the bits of the models that do (0: any)."""
    submitted, runtime, tasks, devices, models = (list(column) for column in zip(*rows, strict=True))
    return make_trace(
        {
            "number": range(len(rows)),
            "submitted_us": [one * SECOND for one in submitted],
            "runtime_us": [one * SECOND for one in runtime],
            "requested_us": [one * SECOND for one in runtime],
            "tasks": tasks,
            "device_count": devices,
            "device_share": [1000] * len(rows),
            "device_models": np.array(models, dtype=np.uint64),
        },
        models=("A", "B"),
    )


def test_a_description_may_say_a_cap() -> None:
    assert center(PLAIN).power_cap_w == 0
    assert center(PLAIN, cap=1.5).power_cap_w == 1.5
    assert center(PLAIN, cap=1.5).scaled(3).power_cap_w == 1.5
    with pytest.raises(InvalidRequestError) as refused:
        center(PLAIN, cap=-1)
    assert refused.value.field == "power_cap_w"


def test_the_tables_say_what_nodes_draw_beyond_idling() -> None:
    tables = build(trace_of([Job(0, 1, 1)]), center(PLAIN, CARDS), EASY)
    assert tables.draws.tolist() == [[20_000, 0, 0, 0]] * 2 + [[20_000, 350_000, 350_000, 70_000]] * 2
    assert tables.sizes[t.POWER_CAP] == t.NEVER
    assert not tables.kinds[:, t.DRAWS].any()


@pytest.mark.parametrize(
    ("tasks", "devices", "models", "draws"),
    [
        (3, 0, 0, 3 * 20),
        (1, 1, 0, 20 + 350),
        (1, 2, 0, 20 + 700),
        (1, 3, 0, 20 + 770),
        (2, 1, 2, 2 * (20 + 70)),
        (2, 1, 1, 2 * (20 + 350)),
        (1, 3, 1, 0),
    ],
)
def test_work_could_draw_what_it_draws_on_the_hungriest_nodes_that_hold_it(
    tasks: int, devices: int, models: int, draws: int
) -> None:
    tables = build(with_devices((0, 1, tasks, devices, models)), center(PLAIN, CARDS, cap=5000), EASY)
    assert tables.sizes[t.POWER_CAP] == 5_000_000
    assert tables.kinds[tables.jobs[0, t.KIND], t.DRAWS] == draws * 1000


def test_nodes_too_small_for_a_task_do_not_count() -> None:
    hungry = {"cpus": 2, "memory": "1GiB", "power": {"max_w": 200}}
    one = {"submitted_us": [0], "runtime_us": [SECOND], "requested_us": [SECOND]}
    trace = make_trace({"number": [0], "tasks": [1], "cpu_milli": [3000], **one})  # type: ignore[dict-item]
    tables = build(trace, center(PLAIN, hungry, cap=100), EASY)
    assert tables.kinds[0, t.DRAWS] == 60_000


def test_who_lacks_power_waits_and_others_go_past_in_time() -> None:
    # 8 cpus of 20 W: power for five. The second needs four, so that the third would delay it and the fourth not.
    trace = trace_of([Job(0, 10, 10, 3), Job(1, 5, 5, 4), Job(2, 20, 20, 2), Job(3, 6, 6, 2)])
    assert seconds(replay(trace, center(PLAIN), POLICIES["easy"]).started_us) == [0, 1, 6, 6]
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["easy"]).started_us) == [0, 10, 15, 3]
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["fcfs"]).started_us) == [0, 10, 15, 15]
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["conservative"]).started_us) == [0, 10, 15, 3]


def test_what_could_never_start_waits_for_ever_and_stops_only_those_who_may_not_pass() -> None:
    trace = trace_of([Job(0, 10, 10, 6), Job(1, 5, 5, 1)])
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["easy"]).started_us) == [-1, 1]
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["conservative"]).started_us) == [-1, 1]
    assert seconds(replay(trace, center(PLAIN, cap=100), POLICIES["fcfs"]).started_us) == [-1, -1]


def test_energy_and_the_most_that_is_drawn_follow_from_what_each_holds() -> None:
    trace = with_devices((0, 10, 1, 1, 1), (0, 10, 1, 1, 2), (5, 5, 1, 0, 0))
    described = center(CARDS | {"count": 1})
    outcome = replay(trace, described, POLICIES["easy"])
    assert outcome.draw_mw.tolist() == [460_000, 480_000, 0]
    idle = 100 + 2 * 50
    assert energy_j(outcome, described) == pytest.approx(10 * (idle + 460) + 5 * 20)
    found = summary(trace, outcome, described)
    assert found.energy_j == pytest.approx(6700)
    assert found.peak_draw_w == 480


def test_of_a_center_that_says_nothing_of_power_nothing_is_drawn() -> None:
    described, trace = center({"cpus": 4, "memory": "1GiB"}), trace_of([Job(0, 10, 10)])
    outcome = replay(trace, described, POLICIES["easy"])
    assert not outcome.draw_mw.size
    assert summary(trace, outcome, described).peak_draw_w == 0


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    jobs, now = [], 0
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.integers(0, 4))
        requested = draw(st.integers(1, 30))
        cpus, user = draw(st.integers(1, 5)), draw(st.integers(0, 2))
        jobs.append(Job(now, draw(st.integers(1, requested + 5)), requested, cpus, user))
    return trace_of(jobs)


def drawn_at(trace: Trace, outcome: Outcome, instant: int) -> int:
    """Watts of all that runs, by its starts and ends alone."""
    runs = (outcome.started_us <= instant) & (instant < outcome.ended_us)
    return 20 * int(trace.tasks[runs].sum())


@settings(max_examples=60, deadline=None)
@given(traces(), st.sampled_from(POLICY_NAMES), st.sampled_from([100, 120, 150]))
def test_no_policy_ever_draws_more_than_the_cap_and_all_that_could_start_does(
    trace: Trace, policy: str, cap: int
) -> None:
    outcome = replay(trace, center(PLAIN, cap=cap), POLICIES[policy])
    assert outcome.finished.all()
    told = [drawn_at(trace, outcome, instant) for instant in outcome.time_us.tolist()]
    assert (outcome.draw_mw // 1000).tolist() == told
    assert max(told) <= cap
    loose = replay(trace, center(PLAIN, cap=1_000_000), POLICIES[policy])
    assert loose.started_us.tolist() == replay(trace, center(PLAIN), POLICIES[policy]).started_us.tolist()
