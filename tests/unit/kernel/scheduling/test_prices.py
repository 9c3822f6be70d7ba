"""What requests cost by the hour, when tariffs begin to count, and which devices are taken for the sake of cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.constraints import DeviceType
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.merits import Known, costs, expected, write_merits
from suanli.kernel.scheduling.plan import Policy
from suanli.kernel.scheduling.prices import Prices
from suanli.kernel.scheduling.snapshot import snapshot
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.ids import WorkloadId
from suanli.model.quantities import Instant
from suanli.model.spec import Objective, TaskResources, WorkloadSpec
from suanli.model.tariff import Tariff
from tests.unit.kernel.scheduling.center import BEGIN, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.priced import an_hour, holding, random_tariff
from tests.unit.kernel.scheduling.pursuing import UNKNOWN, merit, takes

MODELS = ("slow", "middle", "fast", "new")
RATES = {"slow": 10_000, "middle": 20_000, "fast": 40_000}


AMOUNTS = ("cpu_hour", "memory_gib_hour", "disk_gb_hour")


def tariff(version: int = 1, valid_from: int = 0, **prices: str) -> Tariff:
    """Prices of models by their names, of cpus and memory by those of the fields."""
    cpu, memory, disk = (Decimal(prices.get(name, "0")) for name in AMOUNTS)
    return Tariff(
        version=version,
        currency="CNY",
        valid_from=Instant(valid_from),
        cpu_hour=cpu,
        memory_gib_hour=memory,
        disk_gb_hour=disk,
        device_hour={name: Decimal(price) for name, price in prices.items() if name not in AMOUNTS},
    )


def kinds(models: Sequence[str] = MODELS) -> list[DeviceType]:
    return [
        DeviceType(
            DeviceClass.GPU,
            model,
            2**30,
            frozenset({Precision.FP32}),
            ((Precision.FP32, RATES[model]),) if model in RATES else (),
            power_mw=1000,
        )
        for model in models
    ]


def wanting(objective: Objective | None = Objective.COST, work: int = 1000, **changes: Any) -> WorkloadSpec:
    resources = changes.pop("resources", None) or asks(2, 3, DeviceRequest())
    return WorkloadSpec(work={Precision.FP32: work}, objective=objective, resources=resources, **changes)


def rated(index: int, model: str) -> Any:
    return replace(gpu(index, model), rates={Precision.FP32: RATES[model]} if model in RATES else {})


def test_an_hour_of_a_device_costs_its_own_and_its_part_of_what_goes_with_it() -> None:
    one = tariff(slow="4", cpu_hour="0.5", memory_gib_hour="0.25", disk_gb_hour="0.125")
    prices = Prices().told(one).at(Instant(0))
    resources = replace(asks(2, 8, DeviceRequest(count=4)), disk_bytes=16 * 10**9)
    # 4 for the device; of 1 for cpus, 2 for memory and 2 for disk a quarter each.
    assert prices.by_device(demand_of(wanting(resources=resources)), kinds(["slow"])) == [5.25]
    half = asks(2, 8, DeviceRequest(share=500))
    # Of half a device 2, and 3 beside; so of a whole one twice that.
    assert prices.by_device(demand_of(wanting(resources=half)), kinds(["slow"])) == [10.0]
    assert prices.by_device(demand_of(wanting()), kinds(["fast"])) == [np.inf]
    assert prices.currency == "CNY"


def test_without_a_tariff_or_devices_nothing_has_a_price() -> None:
    assert Prices().by_device(demand_of(wanting()), kinds()) == [np.inf] * 4
    priced = Prices().told(tariff(slow="1", cpu_hour="1")).at(Instant(0))
    assert priced.by_device(demand_of(WorkloadSpec()), kinds(["slow"])) == [np.inf]
    assert Prices().currency == ""


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    cpus=st.integers(1, 64),
    gib=st.integers(1, 512),
    disk=st.sampled_from([0, 10**9, 2**40]),
    devices=st.sampled_from([(1, 1000), (1, 250), (2, 1000), (8, 1000)]),
    tasks=st.integers(1, 5),
)
def test_prices_of_requests_are_those_reckoned_in_fractions(
    seed: int, cpus: int, gib: int, disk: int, devices: tuple[int, int], tasks: int
) -> None:
    one = replace(random_tariff(Random(seed), 1, 0, MODELS), valid_from=Instant(0))
    count, share = devices
    resources = replace(asks(cpus, gib, DeviceRequest(count=count, share=share)), disk_bytes=disk)
    spec = wanting(resources=resources, tasks=tasks)
    found = Prices().told(one).at(Instant(0)).by_device(demand_of(spec), kinds())
    for kind, price in zip(kinds(), found, strict=True):
        known = an_hour(one, spec, gpu(0, kind.model))
        assert (price == np.inf) == (known is None)
        if known is not None:
            assert price * tasks * count * share / 1000 == pytest.approx(float(known), rel=1e-12)


@given(st.lists(st.integers(0, 9), max_size=6), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_tariff_that_counts_is_known_at_each_instant(begins: list[int], moments: list[int]) -> None:
    known, prices = [], Prices()
    for place, begin in enumerate(begins):
        known.append(tariff(place + 1, begin))
        prices = prices.told(known[-1])
    for now in sorted(moments):
        prices = prices.at(Instant(now)) if now >= prices.until else prices
        assert prices.current == holding(known, now)
        later = [one.valid_from for one in known if one.valid_from > now]
        assert prices.until == min(later, default=NEVER)


def test_what_takes_for_ever_has_no_price_though_it_be_for_nothing() -> None:
    found = costs(np.array([2.0, np.inf, 3.0, np.inf]), np.array([4.0, 0.0, np.inf, np.inf]))
    assert found.tolist() == [8.0, np.inf, np.inf, np.inf]


def written(spec: WorkloadSpec, prices: Prices, models: Sequence[str] = MODELS) -> t.Center:
    center = t.make_center(t.Sizes(nodes=1, devices=1, engines=1, shapes=2, kinds=1, jobs=1, holds=1, device_holds=1))
    write_merits(center, 0, demand_of(spec), Known(kinds(models), {}, prices))
    return center


@pytest.mark.parametrize(
    ("prices", "ranks", "dearer"),
    [
        # Times are as 4, 2 and 1; of the new one nobody knows how long it takes.
        ({"slow": 1, "middle": 4, "fast": 16, "new": 1}, [0, 1, 2, 3], [0, 50, 75, 100]),
        ({"slow": 8, "middle": 4, "fast": 16}, [2, 0, 1, 3], [75, 0, 50, 100]),
        ({"slow": 1, "middle": 2, "fast": 4}, [0, 0, 0, 1], [0, 0, 0, 100]),
        ({"slow": 0, "middle": 2, "fast": 0}, [0, 1, 0, 2], [0, 100, 0, 100]),
        ({"middle": 2, "new": 1}, [1, 0, 1, 1], [100, 0, 100, 100]),
        ({}, [0, 0, 0, 0], [100, 100, 100, 100]),
    ],
)
def test_types_are_ranked_by_what_the_work_costs_on_them(
    prices: dict[str, int], ranks: list[int], dearer: list[int]
) -> None:
    told = Prices().told(tariff(1, 0, **{name: str(price) for name, price in prices.items()})).at(Instant(0))
    center = written(wanting(), told)
    assert center.merits[0, t.RANK, :4].tolist() == ranks
    assert center.merits[0, t.DEARER, :4].tolist() == dearer
    assert center.merits[0, t.SLOWER, :4].tolist() == [75, 50, 0, 100]
    assert center.shapes[0, t.PURSUES] == t.BY_RANK
    assert np.isinf(center.merits[0, :, 4:]).all()


def test_what_goes_with_devices_speaks_for_fast_ones() -> None:
    # A slow device is half the price for the time it takes, but its cpus are paid four times as long.
    alone = Prices().told(tariff(slow="1", fast="8")).at(Instant(0))
    beside = Prices().told(tariff(slow="1", fast="8", cpu_hour="4")).at(Instant(0))
    assert written(wanting(), alone, ["slow", "fast"]).merits[0, t.RANK, :2].tolist() == [0, 1]
    assert written(wanting(), beside, ["slow", "fast"]).merits[0, t.RANK, :2].tolist() == [1, 0]


@pytest.mark.parametrize("objective", [Objective.TIME, Objective.ENERGY, None])
def test_other_objectives_ask_for_no_price(objective: Objective | None) -> None:
    told = Prices().told(tariff(slow="0", middle="5", fast="9")).at(Instant(0))
    one, other = written(wanting(objective), told), written(wanting(objective), Prices())
    assert (one.merits[0, t.RANK] == other.merits[0, t.RANK]).all()
    assert one.shapes[0, t.PURSUES] == other.shapes[0, t.PURSUES]


def test_what_is_expected_to_be_paid_is_for_the_request_as_a_whole() -> None:
    told = Prices().told(tariff(fast="20", cpu_hour="0.5", memory_gib_hour="0.1")).at(Instant(0))
    spec = wanting(tasks=2, resources=asks(4, 10, DeviceRequest(count=2)))
    found = expected(demand_of(spec), 1000, Known(kinds(), {}, told))
    assert [one.model for one in found] == ["fast", "middle", "slow"]
    fast, middle, _ = found
    # Four devices of 14,000 effective: 17.9 s; in an hour 4 x 20 and 2 x (4 x 0.5 + 10 x 0.1).
    assert fast.cost == pytest.approx(fast.seconds / 3600 * (80 + 6))
    assert fast.currency == "CNY"
    assert (middle.cost, middle.currency) == (None, "")


def placed_on(center: Center) -> str:
    plan = center.turn()
    (row,) = plan.placements
    (hold,) = row.allocation.nodes
    (device,) = hold.devices
    return next(one.model for one in center.nodes[hold.node].devices if one.index == device.index)


@pytest.mark.parametrize("score", ["best_fit", "worst_fit", "packing=1"])
@pytest.mark.parametrize(
    ("prices", "model"),
    [
        ({"slow": "1", "middle": "4", "fast": "16"}, "slow"),
        ({"slow": "9", "middle": "9", "fast": "16"}, "fast"),
        ({"slow": "9", "middle": "3", "fast": "16"}, "middle"),
        ({"middle": "100"}, "middle"),
    ],
)
def test_who_wants_it_cheap_starts_on_the_cheapest_that_is_free(prices: dict[str, str], model: str, score: str) -> None:
    center = Center(policy=Policy(score=score))
    center.with_nodes(*(node(f"n{place}", 8, 8, rated(0, name)) for place, name in enumerate(RATES)))
    center.set_tariff(tariff(1, 0, **prices))
    center.add(wanting())
    assert placed_on(center) == model


def test_among_devices_of_one_node_as_well() -> None:
    center = Center().with_nodes(node("n0", 8, 99, *(rated(place, name) for place, name in enumerate(RATES))))
    center.set_tariff(tariff(slow="1", middle="4", fast="16"))
    found = []
    for _ in range(3):
        center.add(wanting())
        found.append(placed_on(center))
    assert found == ["slow", "middle", "fast"]


def test_it_does_not_wait_for_a_cheaper_one() -> None:
    center = Center().with_nodes(node("n0", 8, 8, rated(0, "slow")), node("n1", 8, 8, rated(0, "fast")))
    center.set_tariff(tariff(slow="1", fast="100"))
    for _ in range(2):
        center.add(wanting(time_limit_s=60))
    assert len(center.turn().placements) == 2


def test_a_score_by_cost_needs_no_objective() -> None:
    center = Center(policy=Policy(score="cost=1"))
    center.with_nodes(*(node(f"n{place}", 8, 8, rated(0, name)) for place, name in enumerate(RATES)))
    center.set_tariff(tariff(slow="9", middle="3", fast="16"))
    center.add(wanting(None))
    assert placed_on(center) == "middle"
    center.add(WorkloadSpec(resources=asks(1, 1, DeviceRequest())))
    # Of work that nobody knows anything of, nothing is dearer.
    assert placed_on(center) == "slow"


def test_other_prices_count_from_their_instant_on() -> None:
    center = Center().with_nodes(node("n0", 8, 8, rated(0, "slow")), node("n1", 8, 8, rated(0, "fast")))
    center.set_tariff(tariff(1, BEGIN, slow="1", fast="100"))
    center.set_tariff(tariff(2, BEGIN + 60 * SECOND, slow="100", fast="1"))
    first = center.add(wanting())
    cheap = cost_of(center, first)
    assert placed_on(center) == "slow"
    copied = snapshot(center.state)
    center.pass_time(60)
    center.end(center.run_of(first))
    second = center.add(wanting())
    assert cost_of(center, second) == pytest.approx(100 * cheap)
    assert placed_on(center) == "fast"
    # The copy lives on in its own time.
    assert copied.prices.current == center.tariffs[0]
    copied.advance(center.now)
    assert copied.prices.current == center.state.prices.current == center.tariffs[1]


def cost_of(center: Center, workload: WorkloadId) -> float:
    """What it is expected to cost on the slow device."""
    told = explain(center.state, workload, center.now, center.policy).expected
    return next(one.cost for one in told if one.model == "slow" and one.cost is not None)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_merits_in_the_tables_are_those_of_a_slow_reference(seed: int) -> None:
    """Ranks and parts of each type for each shape, after tariffs came and went, as plain Python has them."""
    chance = Random(seed)
    center = Center().with_nodes(node("n0", 99, 999, *(rated(place, name) for place, name in enumerate(MODELS))))
    for _ in range(chance.randint(1, 4)):
        center.set_tariff(random_tariff(chance, len(center.tariffs) + 1, center.now, MODELS))
        resources = TaskResources(
            cpu_milli=1000 * chance.randint(1, 4),
            memory_bytes=2**30 * chance.randint(1, 4),
            devices=DeviceRequest(count=chance.randint(1, 2)),
        )
        workload = center.add(wanting(chance.choice(list(Objective)), resources=resources))
        center.state.advance(center.now)
        center.pass_time(chance.choice([0, 50, 200]))
        center.state.advance(center.now)
        for waiting in (workload, *center.waiting):
            spec, owner = center.specs[waiting], center.waiting[waiting].owner
            devices = center.nodes[next(iter(center.nodes))].devices
            merits = [merit(center, (spec, owner), device) for device in devices]
            shape = int(center.state.tables.jobs[center.state.waiting(waiting).row, t.SHAPE])
            ranks = center.state.tables.merits[shape, t.RANK, : len(devices)].tolist()
            for one, rank in zip(merits, ranks, strict=True):
                for other, another in zip(merits, ranks, strict=True):
                    assert (rank < another) == (one < other * (1 - 1e-12)), (merits, ranks)
            slowest = [takes(center, (spec, owner), device) for device in devices]
            known = [an_hour(holding(center.tariffs, center.now), spec, device) for device in devices]
            of_cost = [
                UNKNOWN if price is None or long == UNKNOWN else long * float(price)
                for long, price in zip(slowest, known, strict=True)
            ]
            best = min(of_cost)
            parts = [
                0.0 if one == best < UNKNOWN else 100.0 * (1 - (best / one if best < one else 0)) for one in of_cost
            ]
            told = center.state.tables.merits[shape, t.DEARER, : len(devices)].tolist()
            assert told == pytest.approx([100.0 if best == UNKNOWN else part for part in parts])
