"""Tariffs: who sets and sees them, that versions stay, and that the planner ranks by the one that holds."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from suanli.model.devices import DeviceClass, Precision
from suanli.model.errors import AdmissionRefusedError, IllegalTransitionError, InvalidRequestError, NotPermittedError
from suanli.model.facts import NodeRegistered, TariffSet
from suanli.model.ids import FactSeq, NodeName
from suanli.model.quantities import Instant
from suanli.model.spec import Objective
from suanli.model.tariff import Tariff
from suanli.model.tenancy import Caller
from suanli.services.tariffs import TariffCheck, Tariffs
from suanli.testing.builders import ANN, spec
from tests.unit.services.center import Center, admin, ann, bob, operator, reader
from tests.unit.services.test_rates import ONE, nodes
from tests.unit.services.turning import Turning

MINUTE = 60_000_000


@pytest.fixture
def tariffs(center: Center) -> Tariffs:
    return Tariffs(center.store, center.clock)


def put(center: Center, tariffs: Tariffs, by: Caller = admin, valid_from: int = 0, **prices: Any) -> Tariff:
    of_models = {name: Decimal(price) for name, price in prices.pop("device_hour", {}).items()}
    wanted = Tariff(version=0, currency="CNY", valid_from=Instant(valid_from), device_hour=of_models, **prices)
    return center.do(partial(tariffs.set_tariff, caller=by, wanted=wanted))


def test_administrators_set_it_and_everybody_sees_it(center: Center, tariffs: Tariffs) -> None:
    assert tariffs.standing(reader).current is None
    made = put(center, tariffs, cpu_hour=Decimal("0.10"))
    assert (made.version, made.valid_from) == (1, center.clock.now())
    assert tariffs.standing(bob).current == made
    for nobody in (ann, operator):
        with pytest.raises(NotPermittedError):
            put(center, tariffs, nobody)
    with pytest.raises(InvalidRequestError):
        put(center, tariffs, cpu_hour=Decimal(-1))
    # Who set it is on record, to the digit.
    (recorded,) = center.store.news(FactSeq(center.facts() - 1), 10)
    assert (recorded.actor, recorded.fact) == (admin.user, TariffSet(tariff=made))
    assert str(recorded.fact.tariff.cpu_hour) == "0.10"  # type: ignore[union-attr]


def test_a_version_is_followed_and_never_changed(center: Center, tariffs: Tariffs) -> None:
    first = put(center, tariffs, cpu_hour=Decimal(1))
    later = put(center, tariffs, valid_from=center.clock.now() + 2 * MINUTE, cpu_hour=Decimal(3))
    sooner = put(center, tariffs, valid_from=center.clock.now() + MINUTE, cpu_hour=Decimal(2))
    assert [first.version, later.version, sooner.version] == [1, 2, 3]
    standing = tariffs.standing(ann)
    assert (standing.current, standing.coming) == (first, [sooner, later])
    center.clock.at_us += MINUTE
    assert tariffs.standing(ann).current == sooner
    center.clock.at_us += MINUTE
    assert (tariffs.standing(ann).current, tariffs.standing(ann).coming) == (later, [])
    with pytest.raises(InvalidRequestError) as refused:
        put(center, tariffs, valid_from=center.clock.now() - 1)
    assert refused.value.field == "valid_from"
    with center.store.read() as tables:
        assert tables.tariffs() == [first, later, sooner]


def test_one_that_is_to_come_is_set_otherwise_by_another_for_the_same_instant(center: Center, tariffs: Tariffs) -> None:
    begin = center.clock.now() + MINUTE
    put(center, tariffs, valid_from=begin, cpu_hour=Decimal(3))
    instead = put(center, tariffs, valid_from=begin, cpu_hour=Decimal(2))
    assert tariffs.standing(ann).coming == [instead]


@pytest.mark.parametrize("version", [0, 2, 3])
def test_no_version_is_left_out_or_said_twice(center: Center, tariffs: Tariffs, version: int) -> None:
    before = put(center, tariffs) if version < 3 else None
    wrong = Tariff(version=1 if version == 2 and before else version, currency="CNY", valid_from=Instant(0))
    with pytest.raises(IllegalTransitionError):
        center.tell(TariffSet(tariff=wrong))


def test_without_prices_nothing_is_ranked_by_cost(center: Center, tariffs: Tariffs) -> None:
    check = TariffCheck(center.clock)
    cheap = spec(resources=ONE, work={Precision.BF16: 1}, objective=Objective.COST)
    with center.store.read() as tables:
        owner = tables.user(ANN)
        check.check(owner, [spec()], tables)
        with pytest.raises(AdmissionRefusedError) as refused:
            check.check(owner, [spec(), cheap], tables)
        assert refused.value.reason == "tariff_missing"
    put(center, tariffs, valid_from=center.clock.now() + MINUTE)
    with center.store.read() as tables, pytest.raises(AdmissionRefusedError):
        check.check(owner, [cheap], tables)
    center.clock.at_us += MINUTE
    with center.store.read() as tables:
        check.check(owner, [cheap], tables)


def test_the_planner_goes_by_the_prices_that_hold(center: Center, tariffs: Tariffs) -> None:
    turning = Turning(center)
    center.tell(*(NodeRegistered(node=one) for one in nodes()))
    asked: dict[str, Any] = {"resources": ONE, "work": {Precision.BF16: 300}, "objective": Objective.COST}
    put(center, tariffs, device_hour={"fast": 4, "slow": 1})
    put(center, tariffs, valid_from=center.clock.now() + MINUTE, device_hour={"fast": 2, "slow": 1})
    cheap = turning.submit(**asked, time_limit_s=600)
    assert center.run(cheap).allocation.nodes[0].node == NodeName("n2")
    turning.end(cheap)
    center.clock.at_us += MINUTE
    preview = turning.planner.preview(spec(**asked), ANN)
    told = {one.model: (round(one.cost or 0, 6), one.currency) for one in preview.expected}
    # 300 x 10^12 operations at 105 and 35 x 10^12 a second.
    assert told == {
        "fast": (round(2 * 300 / 105 / 3600, 6), "CNY"),
        "slow": (round(300 / 35 / 3600, 6), "CNY"),
    }
    fast = turning.submit(**asked, time_limit_s=600)
    assert center.run(fast).allocation.nodes[0].node == NodeName("n1")
    turning.restart()
    again = turning.planner.preview(spec(**asked), ANN)
    assert {one.model: one.cost for one in again.expected} == {one.model: one.cost for one in preview.expected}
    put(center, tariffs, class_hour={DeviceClass.GPU: Decimal(7)})
    assert {one.cost for one in turning.planner.preview(spec(**asked), ANN).expected} != {None}
