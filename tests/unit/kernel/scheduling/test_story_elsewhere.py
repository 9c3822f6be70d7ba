"""What must make no difference to a day: when it is, how much a unit is, what stands about unused, and names.

Each day is lived twice, and judged by nothing but the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.plan import Policy
from suanli.model.devices import DeviceClass, DeviceRequest
from suanli.model.ids import EngineName, LicenseName, QueueName
from suanli.model.quantities import Instant
from suanli.model.resources import Device, Node, NodeState
from suanli.model.spec import Request, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, SECOND, asks, gpu, node
from tests.unit.kernel.scheduling.story import Story, urgent, work

LICENSE = LicenseName("solver")


@dataclass(frozen=True)
class Coming:
    """Work, when it comes, and how long it takes."""

    spec: WorkloadSpec
    at: int
    takes: int


@dataclass(frozen=True)
class Day:
    nodes: tuple[Node, ...]
    coming: tuple[Coming, ...]
    policy: Policy = Policy()
    licenses: int = 3


CARD, PART, OLD = DeviceRequest(), DeviceRequest(share=500), DeviceRequest(model="v100")
SPECS = st.builds(
    lambda cpus, limit, devices, tasks, priority, preemptible, licenses: replace(
        work(cpus, limit, devices),
        tasks=tasks,
        priority=priority,
        preemptible=preemptible,
        licenses={LICENSE: licenses} if licenses else {},
    ),
    st.integers(1, 4),
    st.sampled_from([0, 2, 5, 9, 20]),
    st.sampled_from([None, None, None, CARD, PART, OLD]),
    st.sampled_from([1, 1, 1, 2, 4]),
    st.sampled_from([0, 0, 0, 1]),
    st.booleans(),
    st.sampled_from([0, 0, 0, 1, 2]),
)


def _coming(spec: WorkloadSpec, at: int, takes: int) -> Coming:
    return Coming(spec, at, min(takes, spec.time_limit_s) if spec.time_limit_s else takes)


NODES = st.lists(
    st.builds(
        lambda cpus, cards: (cpus, [gpu(index, model) for index, model in enumerate(cards)]),
        st.integers(1, 6),
        st.lists(st.sampled_from(["a100", "v100"]), max_size=2),
    ),
    min_size=1,
    max_size=4,
).map(lambda rows: tuple(node(f"n{place}", cpus, 64, *cards) for place, (cpus, cards) in enumerate(rows)))
DAYS = st.builds(
    Day,
    NODES,
    st.lists(st.builds(_coming, SPECS, st.integers(0, 12), st.integers(1, 20)), min_size=1, max_size=9).map(
        lambda rows: tuple(sorted(rows, key=lambda one: one.at))
    ),
    st.sampled_from([Policy(), Policy(reservations=3), Policy(reservations=100), Policy(placements=1)]),
)

Lived = Mapping[str, list[tuple[int, dict[str, int]]]]
"""By name of work when each of its runs started, and on which nodes."""


def story_of(day: Day) -> Story:
    story = Story.of(*day.nodes, policy=day.policy)
    story.is_trusted = True
    story.center.set_license(LICENSE, day.licenses)
    for number, one in enumerate(day.coming):
        story.comes(f"w{number}", one.spec, one.at, one.takes)
    return story


def lived(day: Day) -> Lived:
    return story_of(day).live().runs


def on_nodes(day: Day, change: Callable[[Node], Node]) -> Day:
    return replace(day, nodes=tuple(map(change, day.nodes)))


def on_specs(day: Day, change: Callable[[WorkloadSpec], WorkloadSpec]) -> Day:
    return replace(day, coming=tuple(replace(one, spec=change(one.spec)) for one in day.coming))


@settings(max_examples=20)
@given(DAYS)
def test_the_same_day_is_lived_the_same_way(day: Day) -> None:
    assert lived(day) == lived(day)


@settings(max_examples=20)
@given(DAYS, st.sampled_from([1, 7, 3600, 50_000]))
def test_a_day_that_begins_later_is_the_same_later(day: Day, later: int) -> None:
    shifted = story_of(day)
    shifted.center.now = Instant(shifted.center.now + later * SECOND)
    shifted.coming = [(at + later, name, spec, takes) for at, name, spec, takes in shifted.coming]
    found = shifted.live().runs
    assert {name: [(at - later, on) for at, on in runs] for name, runs in found.items()} == lived(day)


@settings(max_examples=20)
@given(DAYS)
def test_a_clock_of_half_the_speed_tells_twice_the_seconds(day: Day) -> None:
    """Where nobody is asked to leave, and nobody outstays: those take their own second."""
    day = on_specs(day, lambda spec: replace(spec, preemptible=False))
    day = replace(day, coming=tuple(replace(one, takes=one.spec.time_limit_s or one.takes) for one in day.coming))

    def slow(one: Coming) -> Coming:
        spec = replace(one.spec, time_limit_s=2 * one.spec.time_limit_s)
        return Coming(spec, 2 * one.at, 2 * one.takes)

    found = lived(replace(day, coming=tuple(map(slow, day.coming))))
    assert found == {name: [(2 * at, on) for at, on in runs] for name, runs in lived(day).items()}


@settings(max_examples=20)
@given(DAYS, st.sampled_from([2, 3, 10]))
def test_cpus_and_bytes_may_be_counted_in_other_units(day: Day, scale: int) -> None:
    larger = on_nodes(
        day, lambda one: replace(one, cpu_milli=one.cpu_milli * scale, memory_bytes=one.memory_bytes * scale)
    )

    def ask_more(spec: WorkloadSpec) -> WorkloadSpec:
        of_task = spec.resources
        amounts = replace(of_task, cpu_milli=of_task.cpu_milli * scale, memory_bytes=of_task.memory_bytes * scale)
        return replace(spec, resources=amounts)

    assert lived(on_specs(larger, ask_more)) == lived(day)


@settings(max_examples=20)
@given(DAYS, st.sampled_from([NodeState.DOWN, NodeState.DRAINING]), st.booleans())
def test_a_node_out_of_service_is_as_none(day: Day, state: NodeState, is_first: bool) -> None:
    idle = replace(node("idle", 1, 1), state=state)
    nodes = (idle, *day.nodes) if is_first else (*day.nodes, idle)
    assert lived(replace(day, nodes=nodes)) == lived(day)


@settings(max_examples=20)
@given(DAYS)
def test_a_node_that_is_too_small_for_anybody_is_as_none(day: Day) -> None:
    small = replace(node("small"), cpu_milli=999)
    assert lived(replace(day, nodes=(small, *day.nodes))) == lived(day)


@settings(max_examples=20)
@given(DAYS)
def test_devices_of_a_kind_that_nobody_takes_do_not_matter_on_every_node_alike(day: Day) -> None:
    """All work that wants devices wants GPUs; an FPGA more on each node changes no order among them."""
    wants = on_specs(
        day,
        lambda spec: (
            spec
            if spec.resources.devices is None
            else replace(
                spec,
                resources=replace(
                    spec.resources, devices=replace(spec.resources.devices, device_class=DeviceClass.GPU)
                ),
            )
        ),
    )
    fpga = Device(index=9, device_class=DeviceClass.FPGA, model="u50", memory_bytes=8 * GIB)
    assert lived(on_nodes(wants, lambda one: replace(one, devices=(*one.devices, fpga)))) == lived(wants)


@settings(max_examples=20)
@given(DAYS)
def test_names_of_nodes_and_engines_mean_nothing(day: Day) -> None:
    named = on_nodes(day, lambda one: replace(one, name=type(one.name)(f"z-{one.name}"), engine=EngineName("other")))
    found = lived(named)
    assert {
        name: [(at, {on.removeprefix("z-"): tasks for on, tasks in nodes.items()}) for at, nodes in runs]
        for name, runs in found.items()
    } == lived(day)


@settings(max_examples=20)
@given(DAYS, st.integers(-3, 9))
def test_priorities_count_only_against_each_other(day: Day, more: int) -> None:
    assert lived(on_specs(day, lambda spec: urgent(spec, spec.priority + more))) == lived(day)


@settings(max_examples=20)
@given(DAYS, st.integers(-3, 9))
def test_a_queue_that_all_work_is_in_may_have_any_priority(day: Day, priority: int) -> None:
    story = story_of(day)
    story.center.set_queue("default", priority)
    assert story.live().runs == lived(day)


@settings(max_examples=20)
@given(DAYS)
def test_a_license_in_plenty_is_as_none(day: Day) -> None:
    free = on_specs(day, lambda spec: replace(spec, licenses={}))
    asked = on_specs(day, lambda spec: replace(spec, licenses={LICENSE: 1}))
    assert lived(replace(asked, licenses=99)) == lived(free)


@settings(max_examples=20)
@given(DAYS)
def test_an_alternative_that_no_node_could_ever_hold_is_as_none(day: Day) -> None:
    giant = (Request(resources=asks(1000)),)
    assert lived(on_specs(day, lambda spec: replace(spec, alternatives=giant))) == lived(day)


@settings(max_examples=15)
@given(DAYS)
def test_devices_told_in_another_order_are_the_same_devices(day: Day) -> None:
    assert lived(on_nodes(day, lambda one: replace(one, devices=one.devices[::-1]))) == lived(day)


@settings(max_examples=20)
@given(DAYS, st.integers(1, 3))
def test_turns_that_nobody_needs_change_nothing(day: Day, often: int) -> None:
    """Somebody plans again and again, though nothing has happened; and asks why."""
    story = story_of(day)
    for second in range(0, 30, 3):
        story.live(second)
        for _ in range(often):
            assert not story.center.plan().placements
        for name in story.waiting:
            story.why(name)
    expected = story_of(day)
    for second in range(0, 30, 3):
        expected.live(second)
    assert story.runs == expected.runs


@settings(max_examples=15)
@given(DAYS)
def test_a_center_told_anew_goes_on_the_same_way(day: Day) -> None:
    """At some second the planner is started anew and told nothing but what is so then."""
    story, expected = story_of(day), story_of(day)
    for second in (4, 8, 12):
        story.live(second)
        expected.live(second)
        story.center.state = story.center.rebuilt()
    assert story.live().runs == expected.live().runs


@settings(max_examples=20)
@given(DAYS, st.integers(0, 12))
def test_work_that_is_withdrawn_at_once_was_never_there(day: Day, second: int) -> None:
    """It asks for more than there is room for at that second, so that it would be kept for, or be in the way."""
    story, expected = story_of(day), story_of(day)
    story.live(second)
    expected.live(second)
    guest = story.center.add(urgent(work(1, 50), 0))
    story.center.withdraw(guest)
    # Later work has other numbers; but these only order it.
    assert story.live().runs == expected.live().runs


@pytest.mark.parametrize("queue", ["a", "b", "default"])
def test_a_queue_is_known_by_its_priority_alone(queue: str) -> None:
    story = Story.of(node("n", 1))
    story.center.set_queue(queue, 3)
    story.comes("busy", work(1, 5))
    story.comes("other", replace(work(1, 5), queue=QueueName("c")), at=1)
    story.comes("mine", replace(work(1, 5), queue=QueueName(queue)), at=2)
    assert story.live().starts == {"busy": 0, "mine": 5, "other": 10}


@settings(max_examples=15)
@given(DAYS)
def test_a_second_center_beside_the_first_lives_its_own_day(day: Day) -> None:
    """Two planners told of different days one after the other do not know of each other."""
    one, other = story_of(day), story_of(replace(day, nodes=day.nodes[::-1]))
    alone = lived(day), lived(replace(day, nodes=day.nodes[::-1]))
    for second in range(0, 40, 4):
        one.live(second)
        other.live(second)
    assert (one.live().runs, other.live().runs) == alone
