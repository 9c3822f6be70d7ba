"""Which price is a device's, which tariff holds, and what no tariff can be."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.devices import DeviceClass
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import Instant
from suanli.model.tariff import Tariff, in_force

GPU, NPU = DeviceClass.GPU, DeviceClass.NPU


def tariff(version: int = 1, valid_from: int = 0, **prices: Any) -> Tariff:
    return Tariff(version=version, currency="CNY", valid_from=Instant(valid_from), **prices)


@pytest.mark.parametrize(
    ("kind", "model", "price"),
    [
        (GPU, "NVIDIA A100 SXM4 80GB", "14"),
        (GPU, "NVIDIA A100-PCIE-40GB", "10"),
        (GPU, "NVIDIA A10", "3"),
        (NPU, "Ascend 910B", "7.25"),
        (NPU, "Ascend 310P", None),
    ],
)
def test_the_name_with_most_words_counts_and_then_the_class(kind: DeviceClass, model: str, price: str | None) -> None:
    of_models = {"A100": Decimal(10), "A100 80GB": Decimal(14), "910B|910C": Decimal("7.25")}
    found = tariff(device_hour=of_models, class_hour={GPU: Decimal(3)}).price_of(kind, model)
    assert found == (None if price is None else Decimal(price))


@pytest.mark.parametrize("order", [*permutations(["A100", "SXM4", "80GB"])])
def test_of_names_with_equally_many_words_the_first_by_name_counts(order: tuple[str, ...]) -> None:
    prices = {name: Decimal(len(name)) for name in order}
    assert tariff(device_hour=prices).price_of(GPU, "NVIDIA A100 SXM4 80GB") == Decimal(len("80GB"))


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 9))
def test_the_last_to_have_begun_holds_and_of_such_the_latest_version(begins: list[int], now: int) -> None:
    known = [tariff(place + 1, begin) for place, begin in enumerate(begins)]
    found = None
    for one in known:
        if one.valid_from <= now and (found is None or one.valid_from >= found.valid_from):
            found = one
    assert in_force(known, Instant(now)) == in_force(known[::-1], Instant(now)) == found


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("currency", {"currency": ""}),
        ("currency", {"currency": "￥"}),
        ("cpu_hour", {"cpu_hour": Decimal("-0.1")}),
        ("memory_gib_hour", {"memory_gib_hour": Decimal("0.0000001")}),
        ("disk_gb_hour", {"disk_gb_hour": Decimal("NaN")}),
        ("disk_gb_hour", {"disk_gb_hour": Decimal(10**9) + 1}),
        ("device_hour.A100", {"device_hour": {"A100": Decimal("Infinity")}}),
        ("device_hour.|", {"device_hour": {"|": Decimal(1)}}),
        ("device_hour", {"device_hour": {f"M{n}": Decimal(1) for n in range(1001)}}),
        ("class_hour.any", {"class_hour": {DeviceClass.ANY: Decimal(1)}}),
        ("class_hour.gpu", {"class_hour": {GPU: Decimal(-1)}}),
    ],
)
def test_what_cannot_be_is_refused_by_name(field: str, wrong: dict[str, Any]) -> None:
    made = Tariff(**{"version": 1, "currency": "CNY", "valid_from": Instant(0), **wrong})
    with pytest.raises(InvalidRequestError) as refused:
        made.check()
    assert refused.value.field == field


@pytest.mark.parametrize("price", ["0", "0.000001", "1000000000", "12.50"])
def test_what_can_be_passes(price: str) -> None:
    tariff(cpu_hour=Decimal(price), device_hour={"A100|H100": Decimal(price)}, class_hour={NPU: Decimal(price)}).check()
