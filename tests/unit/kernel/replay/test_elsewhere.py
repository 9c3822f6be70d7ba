"""What must make no difference to a replay: the unit of time and of amounts, names, what is unused, where it is cut.

Each trace is lived through twice, and judged by nothing but the other outcome.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup, PowerRange, SetAside
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core.tables import NEVER

SECOND = 1_000_000
STEPS = ("time_us", "cpu_milli", "device_share", "waiting", "running", "waiting_cpu_milli")

Row = tuple[int, int, int, int, int, int, int]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),  # submitted
        st.integers(1, 30),  # run time
        st.sampled_from([0, 0, 5, 50]),  # asked for beyond that
        st.sampled_from([1, 1, 2, 3]),  # tasks
        st.integers(1, 4),  # cpus of each
        st.sampled_from([0, 0, 1]),  # devices of each
        st.integers(0, 2),  # user
    ),
    min_size=1,
    max_size=15,
)


def trace_of(rows: list[Row], users: tuple[str, ...] = ("ann", "bob", "cat")) -> Trace:
    columns = list(zip(*rows, strict=True))
    submitted, runtime, slack, tasks, cpus, devices, user = (np.array(column, dtype=np.int64) for column in columns)
    return make_trace(
        {
            "number": range(len(rows)),
            "submitted_us": submitted * SECOND,
            "runtime_us": runtime * SECOND,
            "requested_us": (runtime + slack) * SECOND,
            "tasks": tasks,
            "cpu_milli": cpus * 1000,
            "memory_bytes": cpus * 100,
            "device_count": devices,
            "user": user,
        },
        names={"users": users},
    )


TRACES = ROWS.map(trace_of)
CENTERS = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(0, 2)), min_size=1, max_size=2).map(
    lambda rows: CenterDescription(
        groups=tuple(
            NodeGroup(
                prefix=f"g{place}",
                count=count,
                cpu_milli=1000 * cpus,
                memory_bytes=10_000,
                devices=(DeviceGroup(model="a100", count=cards),) if cards else (),
            )
            for place, (count, cpus, cards) in enumerate(rows)
        )
    )
)
NAMES = st.sampled_from(["easy", "fcfs", "conservative", "reserve-10", "easy-sjbf", "sjf-easy", "easy-best-fit"])
POLICIES = st.builds(
    Policy,
    order=st.sampled_from(["fcfs", "sjf"]),
    backfill=st.sampled_from(["none", "easy", "conservative", 2]),
    score=st.sampled_from(["first_fit", "best_fit", "worst_fit"]),
    prediction=st.sampled_from(["requested", "last_two", "clairvoyant"]),
    believed=st.booleans(),
    shortest_first=st.booleans(),
)


def assert_same(one: Outcome, other: Outcome, *, later: int = 0, slower: int = 1, scale: int = 1) -> None:
    """The second is the first so many microseconds later, so much slower, with amounts so much larger."""
    for name in ("started_us", "ended_us"):
        instants = getattr(one, name)
        expected = np.where(instants < NEVER, instants * slower + later, NEVER)
        assert getattr(other, name).tolist() == expected.tolist()
    assert other.time_us.tolist() == (one.time_us * slower + later).tolist()
    for name in STEPS[1:]:
        factor = scale if name in {"cpu_milli", "waiting_cpu_milli"} else 1
        assert getattr(other, name).tolist() == (getattr(one, name) * factor).tolist(), name


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_the_same_replay_gives_the_same(trace: Trace, center: CenterDescription, policy: Policy) -> None:
    assert_same(replay(trace, center, policy), replay(trace, center, policy, seed=7))


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES, st.sampled_from([1, 999_999, 10**12]))
def test_a_trace_that_begins_later_is_the_same_later(
    trace: Trace, center: CenterDescription, policy: Policy, later: int
) -> None:
    shifted = replace(trace, submitted_us=trace.submitted_us + later)
    assert_same(replay(trace, center, policy), replay(shifted, center, policy), later=later)


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES, st.sampled_from([2, 60, 1000]))
def test_time_may_be_counted_in_other_units(
    trace: Trace, center: CenterDescription, policy: Policy, slower: int
) -> None:
    """Where nobody outlives a prediction: how much more is then expected goes by the clock."""
    policy = replace(policy, believed=False)
    longer = replace(
        trace,
        submitted_us=trace.submitted_us * slower,
        runtime_us=trace.runtime_us * slower,
        requested_us=trace.requested_us * slower,
    )
    assert_same(replay(trace, center, policy), replay(longer, center, policy), slower=slower)


def on_groups(center: CenterDescription, **scaled: int) -> CenterDescription:
    groups = tuple(
        replace(group, **{name: getattr(group, name) * scale for name, scale in scaled.items()})
        for group in center.groups
    )
    return replace(center, groups=groups)


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES, st.sampled_from([2, 5]))
def test_cpus_and_bytes_may_be_counted_in_other_units(
    trace: Trace, center: CenterDescription, policy: Policy, scale: int
) -> None:
    larger = replace(trace, cpu_milli=trace.cpu_milli * scale, memory_bytes=trace.memory_bytes * scale)
    other = replay(larger, on_groups(center, cpu_milli=scale, memory_bytes=scale), policy)
    assert_same(replay(trace, center, policy), other, scale=scale)


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_nodes_that_are_too_small_for_anybody_are_as_none(
    trace: Trace, center: CenterDescription, policy: Policy
) -> None:
    small = NodeGroup(prefix="small", count=3, cpu_milli=999, memory_bytes=10_000)
    more = replace(center, groups=(small, *center.groups))
    assert_same(replay(trace, center, policy), replay(trace, more, policy))


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_equal_nodes_may_be_told_in_one_group_or_in_several(
    trace: Trace, center: CenterDescription, policy: Policy
) -> None:
    split = tuple(replace(group, count=1) for group in center.groups for _ in range(group.count))
    assert_same(replay(trace, center, policy), replay(trace, replace(center, groups=split), policy))


@settings(max_examples=40, deadline=None)
@given(ROWS, CENTERS, POLICIES)
def test_names_mean_nothing(rows: list[Row], center: CenterDescription, policy: Policy) -> None:
    named = trace_of(rows, users=("zoe", "yan", "xu"))
    renamed = tuple(replace(group, prefix=f"{group.prefix}-other") for group in center.groups)
    expected = replay(trace_of(rows), center, policy)
    assert_same(expected, replay(named, replace(center, groups=renamed), policy))


@settings(max_examples=40, deadline=None)
@given(ROWS, CENTERS, POLICIES)
def test_whose_work_it_is_matters_to_predictions_alone(
    rows: list[Row], center: CenterDescription, policy: Policy
) -> None:
    policy = replace(policy, prediction="requested")
    alone = [(*row[:-1], 0) for row in rows]
    assert_same(replay(trace_of(rows), center, policy), replay(trace_of(alone), center, policy))


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_a_model_that_is_the_only_one_may_be_asked_for_by_name(
    trace: Trace, center: CenterDescription, policy: Policy
) -> None:
    asks = np.where(trace.device_count > 0, np.uint64(1), np.uint64(0))
    named = replace(trace, models=("a100",), device_models=asks)
    assert_same(replay(trace, center, policy), replay(named, center, policy))


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_power_that_nothing_caps_decides_nothing(trace: Trace, center: CenterDescription, policy: Policy) -> None:
    groups = tuple(replace(group, power=PowerRange(idle_w=100, max_w=500)) for group in center.groups)
    expected = replay(trace, center, policy)
    told = replay(trace, replace(center, groups=groups), policy)
    assert_same(expected, told)
    assert expected.draw_mw.size == 0
    assert told.draw_mw.size == told.time_us.size
    capped = replay(trace, replace(center, groups=groups, power_cap_w=10_000.0), policy)
    assert_same(expected, capped)
    assert capped.draw_mw.tolist() == told.draw_mw.tolist()


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_a_reservation_long_after_all_is_over_decides_nothing(
    trace: Trace, center: CenterDescription, policy: Policy
) -> None:
    later = SetAside(name="later", starts_us=10**12, ends_us=2 * 10**12)
    with_it = replay(trace, replace(center, reservations=(later,)), policy)
    expected = replay(trace, center, policy)
    for name in ("started_us", "ended_us"):
        assert getattr(with_it, name).tolist() == getattr(expected, name).tolist()


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS, CENTERS, POLICIES)
def test_two_days_with_a_quiet_night_between_are_two_days(
    first: list[Row], second: list[Row], center: CenterDescription, policy: Policy
) -> None:
    """Where nothing is learned from the day before: as if the center had been built overnight."""
    policy = replace(policy, prediction="requested")
    able = [row for row in first if _can_run(row, center)], [row for row in second if _can_run(row, center)]
    if not (able[0] and able[1]):
        return
    night = 10_000
    day = sorted(able[0], key=lambda row: row[0])
    both = day + [(row[0] + night, *row[1:]) for row in sorted(able[1], key=lambda row: row[0])]
    found = replay(trace_of(both), center, policy)
    one, other = (replay(trace_of(sorted(rows, key=lambda row: row[0])), center, policy) for rows in able)
    assert found.started_us[: len(day)].tolist() == one.started_us.tolist()
    assert found.started_us[len(day) :].tolist() == (other.started_us + night * SECOND).tolist()


def _can_run(row: Row, center: CenterDescription) -> bool:
    """Whether the empty center could hold all tasks; what it could not would wait at the head for ever."""
    _, _, _, tasks, cpus, devices, _ = row
    room = 0
    for group in center.groups:
        of_devices = sum(one.count for one in group.devices) // devices if devices else tasks
        room += group.count * min(group.cpu_milli // (1000 * cpus), 10_000 // (100 * cpus), of_devices)
    return room >= tasks


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_what_is_told_of_each_instant_is_what_the_starts_and_ends_say(
    trace: Trace, center: CenterDescription, policy: Policy
) -> None:
    found = replay(trace, center, policy)
    cpus = trace.cpu_milli * trace.tasks
    for place, instant in enumerate(found.time_us.tolist()):
        runs = (found.started_us <= instant) & (found.ended_us > instant)
        waits = (trace.submitted_us <= instant) & (found.started_us > instant)
        assert found.running[place] == runs.sum()
        assert found.waiting[place] == waits.sum()
        assert found.cpu_milli[place] == cpus[runs].sum()
        assert found.waiting_cpu_milli[place] == cpus[waits].sum()
        assert found.device_share[place] == (trace.devices_total[runs]).sum()
    assert (np.diff(found.time_us) > 0).all()
    began = found.started_us < NEVER
    assert (found.started_us >= trace.submitted_us).all()
    assert (found.ended_us[began] == found.started_us[began] + trace.runtime_us[began]).all()


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS)
def test_first_come_first_served_starts_in_the_order_of_submission(trace: Trace, center: CenterDescription) -> None:
    found = replay(trace, center, Policy(backfill="none"))
    assert (np.diff(found.started_us) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(TRACES, CENTERS, st.sampled_from(["fcfs", "sjf"]))
def test_names_of_reservations_mean_their_numbers(trace: Trace, center: CenterDescription, order: str) -> None:
    for name, number in (("none", 0), ("easy", 1), ("conservative", 10_000)):
        one = replay(trace, center, Policy(order=order, backfill=name))
        assert_same(one, replay(trace, center, Policy(order=order, backfill=number)))


@settings(max_examples=20, deadline=None)
@given(TRACES, CENTERS, POLICIES)
def test_how_often_progress_is_told_decides_nothing(trace: Trace, center: CenterDescription, policy: Policy) -> None:
    told: list[tuple[int, int]] = []
    heard = replay(trace, center, policy, progress=lambda come, all_: told.append((come, all_)))
    assert_same(replay(trace, center, policy), heard)
    assert told[-1] == (len(trace), len(trace))
    assert [come for come, _ in told] == sorted(come for come, _ in told)
