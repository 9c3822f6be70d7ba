"""Days on which devices differ: work waits for faster ones, goes to cheaper or thriftier ones, or learns what it gets.

A slow device does 10 units of work in 40 seconds and a fast one in 10, by what their models say; so does one of bf16
alone. All limits are 100 seconds unless told otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from suanli.kernel.scheduling.plan import Decision, Policy, ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.quantities import Instant
from suanli.model.rates import LearnedRate, class_of
from suanli.model.resources import Device, Node
from suanli.model.spec import Objective, WorkloadSpec
from suanli.model.tariff import Tariff
from tests.unit.kernel.scheduling.center import BEGIN, OWNERS, SECOND, gpu, node
from tests.unit.kernel.scheduling.story import Story, work

BF16, FP64 = Precision.BF16, Precision.FP64
UNITS = 140
"""Of 10^12 operations: at 10,000 times 10^9 a second and the efficiency that is assumed, 0.35, they take 40 seconds."""
SLOW, FAST = 10_000, 40_000


def card(index: int, model: str, rate: int = 0, watts: int = 0, precision: Precision = BF16) -> Device:
    rates = {precision: rate} if rate else {}
    return replace(gpu(index, model, watts=watts), precisions=frozenset({precision}), rates=rates)


def slow(index: int = 0, watts: int = 0) -> Device:
    return card(index, "slow", SLOW, watts)


def fast(index: int = 0, watts: int = 0) -> Device:
    return card(index, "fast", FAST, watts)


def computing(objective: Objective | None = Objective.TIME, units: int = UNITS, count: int = 1) -> WorkloadSpec:
    """So much work in bf16 on so many devices."""
    spec = work(1, 100, DeviceRequest(count=count, precision=BF16))
    return replace(spec, work={BF16: units}, objective=objective)


def on(model: str, limit: int = 100) -> WorkloadSpec:
    """Work that asks for a model by its name, and keeps it for all of its limit."""
    return work(1, limit, DeviceRequest(model=model))


def of_both(*more: Node, policy: Policy | None = None) -> Story:
    """A node with a slow device and one with a fast one."""
    nodes = (node("s", 4, 64, slow()), node("f", 4, 64, fast()), *more)
    return Story.of(*nodes) if policy is None else Story.of(*nodes, policy=policy)


@pytest.mark.parametrize(
    ("busy", "start", "where"),
    [
        # The fast one is busy for so long; from 30 on it is of no use to wait for it.
        (5, 5, "f"),
        (29, 29, "f"),
        (30, 0, "s"),
        (31, 0, "s"),
        (0, 0, "s"),
    ],
)
def test_work_waits_for_the_faster_device_while_that_ends_it_sooner(busy: int, start: int, where: str) -> None:
    """Without a limit (0) nobody knows when it comes free."""
    story = of_both()
    story.comes("other", on("fast", busy))
    story.comes("job", computing(), at=0)
    story.live(60)
    assert (story.starts["job"], story.nodes_of("job")) == (start, {where: 1})


@pytest.mark.parametrize("objective", [None, Objective.ENERGY])
def test_who_does_not_ask_for_time_takes_what_is_free(objective: Objective | None) -> None:
    story = of_both()
    story.comes("other", on("fast", 5))
    story.comes("job", computing(objective))
    story.live(1)
    assert (story.starts["job"], story.nodes_of("job")) == (0, {"s": 1})


def test_while_it_waits_it_is_told_for_what_and_until_when() -> None:
    story = of_both()
    story.comes("other", on("fast", 20))
    story.comes("job", computing())
    story.live(0)
    told = story.why("job")
    assert told.decision is Decision.LATER
    assert [reason.code for reason in told.reasons] == [ReasonCode.FASTER_DEVICE]
    assert story.foreseen("job") == 20


def test_the_slow_device_is_not_kept_for_who_rather_waits() -> None:
    """Who comes behind it takes the slow one; that the fast one then is free later was the risk of who waited."""
    story = of_both()
    story.comes("other", on("fast", 20))
    story.comes("job", computing(), at=1)
    story.comes("behind", on("slow", 100), at=2)
    story.live()
    assert story.starts == {"other": 0, "behind": 2, "job": 20}


def test_three_who_wait_know_of_each_other() -> None:
    """The fast one is free at 5: the first has it until 15, the second until 25, the third would end at 35; the fourth
    at 45, and so it starts on the slow one at once."""
    story = of_both()
    story.comes("other", on("fast", 5))
    for name in ("first", "second", "third", "fourth"):
        story.comes(name, computing(), takes=40 if name == "fourth" else 10)
    story.live()
    assert story.starts == {"other": 0, "fourth": 0, "first": 5, "second": 15, "third": 25}


def test_a_holder_that_overstays_makes_who_waits_think_again() -> None:
    """It was to be free at 20 by its work, and is not: at its limit, 100, it would be of no use. The slow one it is."""
    story = of_both()
    holder = replace(computing(None, units=2 * UNITS), resources=on("fast").resources)
    story.comes("holder", replace(holder, objective=None), takes=90)
    story.comes("job", computing(), at=1)
    # Somebody comes after 20, so that there is a turn.
    story.comes("bystander", work(1, 1), at=22)
    story.live()
    assert story.starts["job"] == 22
    assert story.nodes_of("job") == {"s": 1}


def test_two_cards_are_waited_for_where_both_come_free_in_time() -> None:
    nodes = (node("s", 4, 64, slow(0), slow(1)), node("f", 4, 64, fast(0), fast(1)))
    story = Story.of(*nodes)
    story.comes("one", on("fast", 3))
    story.comes("other", on("fast", 29))
    # Twice the work on two cards: 40 seconds on slow ones, 10 on fast ones.
    story.comes("job", computing(units=2 * UNITS, count=2))
    story.live()
    assert (story.starts["job"], story.nodes_of("job")) == (29, {"f": 1})


def test_one_of_two_that_comes_free_too_late_is_as_none() -> None:
    nodes = (node("s", 4, 64, slow(0), slow(1)), node("f", 4, 64, fast(0), fast(1)))
    story = Story.of(*nodes)
    story.comes("one", on("fast", 3))
    story.comes("other", on("fast", 31))
    story.comes("job", computing(units=2 * UNITS, count=2))
    story.live()
    assert (story.starts["job"], story.nodes_of("job")) == (0, {"s": 1})


@pytest.mark.parametrize(
    ("watts_slow", "watts_fast", "where"),
    [
        # 40 seconds at 100 W are as much as 10 at 400 W: then the center's score decides, here the first by name.
        (100, 399, "f"),
        (100, 401, "s"),
        (500, 700, "f"),
        (50, 700, "s"),
        # What draws nobody knows how much comes last.
        (0, 10_000, "f"),
        (10_000, 0, "s"),
    ],
)
def test_energy_decides_where_it_is_the_objective(watts_slow: int, watts_fast: int, where: str) -> None:
    story = Story.of(node("s", 4, 64, slow(watts=watts_slow)), node("f", 4, 64, fast(watts=watts_fast)))
    story.comes("job", computing(Objective.ENERGY))
    story.live(0)
    assert story.nodes_of("job") == {where: 1}


def prices(version: int, at: int, slow_hour: str, fast_hour: str, cpu_hour: str = "0") -> Tariff:
    return Tariff(
        version=version,
        currency="CNY",
        valid_from=Instant(BEGIN + at * SECOND),
        cpu_hour=Decimal(cpu_hour),
        memory_gib_hour=Decimal(0),
        disk_gb_hour=Decimal(0),
        device_hour={"slow": Decimal(slow_hour), "fast": Decimal(fast_hour)},
        class_hour={},
    )


@pytest.mark.parametrize(
    ("slow_hour", "fast_hour", "cpu_hour", "where"),
    [
        # The slow one takes four times as long: at a quarter of the price it costs as much.
        ("1", "3.99", "0", "f"),
        ("1", "4.01", "0", "s"),
        # With a cpu at 1 that is needed four times as long, too, it must be cheaper still: 4 (1 + 1) is 7 + 1.
        ("1", "6.99", "1", "f"),
        ("1", "7.01", "1", "s"),
        ("0", "0.000001", "0", "s"),
    ],
)
def test_what_it_costs_decides_where_that_is_the_objective(
    slow_hour: str, fast_hour: str, cpu_hour: str, where: str
) -> None:
    story = of_both()
    story.center.set_tariff(prices(1, 0, slow_hour, fast_hour, cpu_hour))
    story.comes("job", computing(Objective.COST))
    story.live(0)
    assert story.nodes_of("job") == {where: 1}


def test_prices_that_change_at_an_instant_count_from_that_turn_on() -> None:
    """From 10 on the fast one is dear. Who came before stays where it is; who is behind goes elsewhere."""
    story = of_both(node("s2", 4, 64, slow()), node("f2", 4, 64, fast()))
    story.center.set_tariff(prices(1, 0, "1", "2"))
    story.center.set_tariff(prices(2, 10, "1", "5"))
    for second in (0, 9, 10, 11):
        story.comes(f"at {second}", computing(Objective.COST), at=second, takes=50)
    story.live(12)
    assert {name: set(story.nodes_of(name)) <= {"f", "f2"} for name in story.runs} == {
        "at 0": True,
        "at 9": True,
        "at 10": False,
        "at 11": False,
    }


def test_what_was_learned_outweighs_what_the_model_says() -> None:
    """Its own runs reached 50,000 on the slow ones and 20,000 on the fast ones: the slow ones are faster for it."""
    story = of_both()
    spec = replace(computing(), name="relax")
    for owner, (model, rate) in product(OWNERS, (("slow", 50), ("fast", 20))):
        # So many units of 10^12 in a second of one device.
        own = class_of(spec, owner)._asdict()
        story.center.learn(LearnedRate(**own, model=model, runs=3, work=rate, device_ms=1000))
    story.comes("job", spec)
    story.live(0)
    assert story.nodes_of("job") == {"s": 1}
    other = of_both()
    other.comes("job", spec)
    other.live(0)
    assert other.nodes_of("job") == {"f": 1}


@pytest.mark.parametrize(
    ("least", "where"),
    [(SLOW - 1, {"s", "f"}), (SLOW, {"s", "f"}), (SLOW + 1, {"f"}), (FAST, {"f"}), (FAST + 1, set())],
)
def test_only_devices_that_reach_the_rate_are_taken(least: int, where: set[str]) -> None:
    story = of_both()
    for name in ("one", "other"):
        story.comes(name, work(1, 100, DeviceRequest(precision=BF16, at_least=least)))
    story.live(0)
    assert set().union(*(story.nodes_of(name) for name in story.runs)) == where
    if not where:
        told = story.why("one")
        assert told.decision is Decision.NEVER
        assert {reason.code for reason in told.reasons} == {ReasonCode.IMPOSSIBLE, ReasonCode.DEVICE_RATE}


def test_a_precision_that_a_device_does_not_have_is_never_taken_for_another() -> None:
    """The one of fp64 is fast in that; work in bf16 waits for the slow one all the same."""
    story = Story.of(node("s", 4, 64, slow()), node("d", 4, 64, card(0, "double", 10 * FAST, precision=FP64)))
    story.comes("first", computing(), takes=40)
    story.comes("second", computing())
    story.live()
    assert story.starts == {"first": 0, "second": 40}
    assert story.nodes_of("second") == {"s": 1}


def test_a_gang_works_as_fast_as_its_slowest_device() -> None:
    """Of two tasks one would get the slow device: 40 seconds at once; two fast ones, free at 8, are done by 18."""
    story = Story.of(node("f", 4, 64, fast(0), fast(1)), node("s", 4, 64, slow(0)))
    story.comes("other", on("fast", 8))
    gang = replace(computing(units=2 * UNITS), tasks=2)
    story.comes("gang", gang)
    story.live()
    assert (story.starts["gang"], story.nodes_of("gang")) == (8, {"f": 2})


def test_who_must_start_soon_does_not_wait() -> None:
    """Its deadline leaves its limit of 100 seconds until 5: the fast one is free at 6."""
    story = of_both()
    story.comes("other", on("fast", 6))
    story.comes("job", replace(computing(), deadline=Instant(BEGIN + 105 * SECOND)))
    story.live()
    assert (story.starts["job"], story.nodes_of("job")) == (0, {"s": 1})
    patient = of_both()
    patient.comes("other", on("fast", 5))
    patient.comes("job", replace(computing(), deadline=Instant(BEGIN + 105 * SECOND)))
    patient.live()
    assert (patient.starts["job"], patient.nodes_of("job")) == (5, {"f": 1})


def test_with_many_reservations_nobody_waits_by_choice() -> None:
    story = of_both(policy=Policy(reservations=3))
    story.comes("other", on("fast", 5))
    story.comes("job", computing())
    story.live()
    assert (story.starts["job"], story.nodes_of("job")) == (0, {"s": 1})


def test_any_device_of_a_class_will_do_where_nothing_else_is_said() -> None:
    story = Story.of(node("s", 4, 64, slow()), node("f", 4, 64, fast()))
    for name in ("one", "other", "third"):
        story.comes(name, work(1, 10, DeviceRequest(device_class=DeviceClass.GPU)))
    story.live()
    assert sorted(story.starts.values()) == [0, 0, 10]
