"""Random centers of fast and slow devices, and work that ranks them: judged by the checker, which knows no array."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Explanation, Policy, ReasonCode
from suanli.model.devices import DeviceRequest, Precision
from suanli.model.ids import ProjectName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.rates import LearnedRate
from suanli.model.resources import Node
from suanli.model.spec import Objective, WorkloadSpec
from tests.unit.kernel.scheduling.center import OWNERS, SECOND, Center, asks, gpu, node
from tests.unit.kernel.scheduling.checker import check
from tests.unit.kernel.scheduling.explained import check_explanation
from tests.unit.kernel.scheduling.priced import an_hour, holding, random_tariff
from tests.unit.kernel.scheduling.pursuing import expected_end, owned
from tests.unit.kernel.scheduling.rooms import end_of

CENTERS = int(os.environ.get("SUANLI_CENTERS", "15"))
RATES = {"slow": 10_000, "middle": 30_000, "fast": 60_000}
WATTS = {"slow": 20, "middle": 150, "fast": 90}


def random_node(chance: Random, number: int) -> Node:
    models = chance.choices([*RATES, "unknown"], weights=[4, 2, 4, 1], k=chance.choice([1, 2, 2, 4]))
    devices = [gpu(place, model) for place, model in enumerate(models)]
    rated = [
        replace(one, rates={Precision.FP32: RATES[one.model]}, power_mw=1000 * WATTS[one.model])
        if one.model in RATES
        else one
        for one in devices
    ]
    return replace(node(f"n{number}", 64, 256, *rated), switch=chance.choice(["", "", "leaf"]))


def random_spec(chance: Random, now: int) -> WorkloadSpec:
    limit, work = chance.choice([0, 200, 600, 3000]), chance.choice([0, 40, 100, 400, 1000, 4000])
    objective = (
        chance.choice([Objective.TIME] * 5 + [Objective.ENERGY, Objective.COST, Objective.COST, None]) if work else None
    )
    share = chance.choice([1000, 1000, 1000, 500])
    count = chance.choice([1, 1, 2]) if share == 1000 else 1
    return WorkloadSpec(
        tasks=chance.choice([1, 1, 1, 2, 3]),
        nodes=1 if chance.random() < 0.1 else 0,
        resources=asks(1, 1, DeviceRequest(count=count, share=share, model=chance.choice(["", "", "", "middle"]))),
        work={Precision.FP32: work} if work else {},
        objective=objective,
        time_limit_s=limit,
        deadline=Instant(now + (limit + chance.choice([30, 300])) * SECOND if chance.random() < 0.1 else 0),
        exclusive=chance.random() < 0.05,
        priority=chance.choice([0, 0, 0, 1]),
    )


class Life:
    """The events of one center, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.met: Counter[str] = Counter()
        score = self.chance.choice(
            ["best_fit", "best_fit", "first_fit", "worst_fit", "time=1", "packing=1,energy=2", "cost=1"]
        )
        self.center = Center(policy=Policy(score=score))
        self.center.with_nodes(*(random_node(self.chance, number) for number in range(self.chance.randint(2, 5))))
        if self.chance.random() < 0.2:
            self.center.cap_power(self.chance.choice([100, 300, 600]))

    def step(self) -> None:
        chance, center = self.chance, self.center
        for _ in range(chance.choice([0, 1, 1, 2])):
            center.add(random_spec(chance, center.now))
        if chance.random() < 0.1:
            self.learn()
        if chance.random() < 0.1:
            models = [*RATES, "unknown"]
            center.set_tariff(random_tariff(chance, len(center.tariffs) + 1, center.now, models))
        if chance.random() < 0.05:
            begin, name = chance.choice([0, 100, 400]), chance.choice(["w0", "w1"])
            center.reserve(name, begin, begin + 300, f"n{chance.randint(0, 4)}")
        if chance.random() < 0.05:
            center.set_node(random_node(chance, chance.randint(0, 4)))
        for run in sorted(center.runs.values(), key=lambda run: run.id):
            if chance.random() < 0.25:
                center.end(run.id)
        center.pass_time(chance.choice([1, 10, 60]))
        for workload in center.state.deadlines.missed(center.now):
            center.withdraw(workload)
        for late in sorted(center.waiting)[:-6]:
            center.withdraw(late)
        self.judge()

    def learn(self) -> None:
        chance = self.chance
        rate = LearnedRate(
            application="",
            project=ProjectName(""),
            owner=chance.choice(OWNERS),
            name="workload",
            precisions="fp32",
            model=chance.choice([*RATES, "unknown"]),
            runs=chance.randint(1, 9),
            work=chance.choice([2, 10, 40]),
            device_ms=chance.choice([500, 1000]),
        )
        self.center.learn(rate)

    def judge_costs(self, workload: WorkloadId, explained: Explanation) -> int:
        """How many expected costs were told: each that may be known, and as it is."""
        center, spec = self.center, self.center.specs[workload]
        known = {device.model: device for node in center.nodes.values() for device in node.devices}
        tariff, told = holding(center.tariffs, center.now), 0
        for one in explained.expected:
            price = an_hour(tariff, spec, known[one.model]) if one.model in known else None
            if one.model in known:
                assert (one.cost is None) == (price is None)
            if one.cost is not None and price is not None:
                assert one.cost == pytest.approx(float(price) * one.seconds / 3600)
                assert one.currency == "CNY"
                told += 1
        return told

    def judge(self) -> None:
        center = self.center
        plan = center.turn() if self.chance.random() < 0.5 else center.plan()
        plan = center.plan()
        check(center, plan)
        for workload in sorted(center.waiting):
            explained = explain(center.state, workload, center.now, center.policy)
            check_explanation(center, plan, explained)
            self.met.update(reason.code for reason in explained.reasons)
            self.met["costs"] += self.judge_costs(workload, explained)
        assert center.plan() == plan
        assert tuple(plan.refusals) == tuple(center.plan().refusals)
        for again in (center.rebuilt(), center.rebuilt(backwards=True)):
            assert replace(center, state=again).plan().placements == plan.placements
        self.met["placements"] += len(plan.placements)
        center.turn()


@settings(max_examples=CENTERS, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_all_that_is_said_of_work_with_objectives_is_true(seed: int) -> None:
    life = Life(seed)
    for _ in range(25):
        life.step()


def test_the_random_centers_let_work_wait_for_faster_devices() -> None:
    met: Counter[str] = Counter()
    for seed in range(30):
        life = Life(seed)
        for _ in range(25):
            life.step()
        met += life.met
    assert met[ReasonCode.FASTER_DEVICE] > 20, met
    assert met["placements"] > 50, met
    assert met["costs"] > 50, met


@pytest.mark.parametrize("now", [None, "slow", "unknown", "gone"])
def test_another_end_is_expected_of_a_run_whose_node_is_told_anew(now: str | None) -> None:
    """By what its devices are from then on; of one that is not there any more nobody knows."""

    def there(model: str) -> Node:
        devices = [replace(gpu(0, model), rates={Precision.FP32: RATES[model]} if model in RATES else {})]
        return node("n0", 8, 8, *([] if model == "gone" else devices))

    center = Center().with_nodes(there("fast"))
    spec = WorkloadSpec(resources=asks(1, 1, DeviceRequest()), work={Precision.FP32: 4000}, time_limit_s=3000)
    workload = center.add(spec)
    center.turn()
    (run,) = (run for run in center.runs.values() if run.workload == workload)
    if now is not None:
        center.set_node(there(now))
    tables, begin = center.state.tables, run.started_at or run.placed_at
    (row,) = (row for row, job in center.state.jobs.items() if job.workload == workload)
    expected = int(tables.pursuits[row, t.EXPECTED])
    limit = end_of(run.time_limit_s, begin)
    told = expected_end(center, owned(center, spec, workload), run.allocation, begin, limit)
    assert expected == (told if told < limit else 0)
    assert bool(expected) == (now in {None, "slow"})
    rebuilt = center.rebuilt()
    (row,) = (row for row, job in rebuilt.jobs.items() if job.workload == workload)
    assert rebuilt.tables.pursuits[row, t.EXPECTED] == expected
