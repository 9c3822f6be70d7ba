"""Descriptions of centers: every key, every error with the place that it names, and what nodes on record give."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.center import (
    MAX_NODES,
    CenterDescription,
    DeviceGroup,
    NodeGroup,
    PowerRange,
    from_mapping,
    from_nodes,
)
from suanli.model.devices import DeviceClass
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import Instant
from suanli.model.resources import Device, Node, NodeState
from suanli.model.tariff import Tariff
from suanli.testing.builders import node

GIB = 1024**3
PLAIN: dict[Any, object] = {"cpus": 4, "memory": "16GiB"}
CARD: dict[str, object] = {"model": "A100"}
OF_NODES = "count, cpus, devices, disk, links, memory, power, prefix"
GROUP = NodeGroup(prefix="n", count=3, cpu_milli=4000, memory_bytes=16 * GIB)


def group(**given_: object) -> NodeGroup:
    (found,) = from_mapping({"nodes": [PLAIN | given_]}).groups
    return found


def card(**given_: object) -> DeviceGroup:
    (found,) = group(devices=[CARD | given_]).devices
    return found


@pytest.mark.parametrize(
    ("given_", "field", "expected"),
    [
        pytest.param({}, "prefix", "node", id="a prefix of ours"),
        pytest.param({"prefix": "gpu-"}, "prefix", "gpu-", id="a prefix"),
        pytest.param({}, "count", 1, id="one node"),
        pytest.param({"count": 7}, "count", 7, id="several"),
        pytest.param({"count": MAX_NODES}, "count", MAX_NODES, id="as many as there may be"),
        pytest.param({"cpus": 64}, "cpu_milli", 64_000, id="whole cpus"),
        pytest.param({"cpus": 0.5}, "cpu_milli", 500, id="half a cpu"),
        pytest.param({"cpus": "250m"}, "cpu_milli", 250, id="milli-cpus"),
        pytest.param({"cpus": "64"}, "cpu_milli", 64_000, id="cpus as a text"),
        pytest.param({"memory": "512GiB"}, "memory_bytes", 512 * GIB, id="memory with its unit"),
        pytest.param({"memory": 4096}, "memory_bytes", 4096, id="bytes"),
        pytest.param({"memory": "500MB"}, "memory_bytes", 500_000_000, id="decimal megabytes"),
        pytest.param({"memory": 0}, "memory_bytes", 0, id="no memory"),
        pytest.param({}, "disk_bytes", 0, id="disk that is not said"),
        pytest.param({"disk": "2TB"}, "disk_bytes", 2 * 10**12, id="disk"),
        pytest.param({}, "devices", (), id="no devices"),
        pytest.param({"devices": []}, "devices", (), id="an empty list of them"),
        pytest.param({}, "power", PowerRange(), id="no power"),
        pytest.param({"power": {}}, "power", PowerRange(), id="nothing said of it"),
        pytest.param({"power": {"idle_w": 5}}, "power", PowerRange(idle_w=5, max_w=5), id="as much held as idle"),
        pytest.param({"power": {"max_w": 9}}, "power", PowerRange(idle_w=0, max_w=9), id="none when idle"),
        pytest.param(
            {"power": {"idle_w": 1.5, "max_w": 2.5}}, "power", PowerRange(idle_w=1.5, max_w=2.5), id="parts of a watt"
        ),
    ],
)
def test_what_each_key_of_nodes_gives(given_: dict[str, object], field: str, expected: object) -> None:
    assert getattr(group(**given_), field) == expected


@pytest.mark.parametrize(
    ("given_", "field", "expected"),
    [
        pytest.param({}, "model", "A100", id="its model"),
        pytest.param({}, "count", 1, id="one of it"),
        pytest.param({"count": 8}, "count", 8, id="several"),
        pytest.param({}, "memory_bytes", 0, id="memory that is not known"),
        pytest.param({"memory": "80GiB"}, "memory_bytes", 80 * GIB, id="memory"),
        pytest.param({}, "device_class", DeviceClass.GPU, id="a gpu"),
        pytest.param({"class": "gpu"}, "device_class", DeviceClass.GPU, id="said to be a gpu"),
        pytest.param({"class": "npu"}, "device_class", DeviceClass.NPU, id="an npu"),
        pytest.param({"class": "fpga"}, "device_class", DeviceClass.FPGA, id="an fpga"),
        pytest.param({}, "power", PowerRange(), id="no power"),
        pytest.param(
            {"power": {"idle_w": 50, "max_w": 400}}, "power", PowerRange(idle_w=50, max_w=400), id="its power"
        ),
    ],
)
def test_what_each_key_of_devices_gives(given_: dict[str, object], field: str, expected: object) -> None:
    assert getattr(card(**given_), field) == expected


WHOLE_WRONG = [
    pytest.param("3", "'3' is not a whole number", id="a text"),
    pytest.param(1.5, "1.5 is not a whole number", id="a fraction"),
    pytest.param(True, "True is not a whole number", id="a flag"),
    pytest.param(None, "None is not a whole number", id="nothing"),
]
NUMBER_WRONG = [
    pytest.param("3", id="a text"),
    pytest.param(True, id="a flag"),
    pytest.param(None, id="nothing"),
    pytest.param(-1, id="below none"),
    pytest.param(10**7, id="too much"),
    pytest.param(float("nan"), id="no number"),
    pytest.param(float("inf"), id="without end"),
]
NAME_WRONG = [pytest.param(3, id="a number"), pytest.param("", id="empty"), pytest.param(None, id="nothing")]
MEMORY_WRONG = [
    pytest.param("lots", id="a word"),
    pytest.param("-1GiB", id="below none"),
    pytest.param(None, id="nothing"),
    pytest.param(True, id="a flag"),
    pytest.param(["1GiB"], id="a list"),
    pytest.param("64TiB", id="more than a node can have"),
]
DEVICE = "nodes.0.devices.0"


def error(document: object) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        from_mapping(document)
    return caught.value


@pytest.mark.parametrize("document", [None, [], "nodes", 7, (1, 2)])
def test_a_center_is_a_mapping(document: object) -> None:
    assert (error(document).field, error(document).detail) == ("center", "center must be a mapping")


@pytest.mark.parametrize("nodes", [None, {}, "n", 7, (PLAIN,)])
def test_nodes_are_a_list(nodes: object) -> None:
    assert (error({"nodes": nodes}).field, error({"nodes": nodes}).detail) == ("nodes", "nodes must be a list")


def test_nodes_must_be_given() -> None:
    assert (error({}).field, error({"nodes": []}).field) == ("nodes", "nodes")
    assert error({"nodes": []}).detail == "a center has at least one group of nodes"


@pytest.mark.parametrize(
    ("document", "field", "known"),
    [
        pytest.param(
            {"nodes": [PLAIN], "name": 1},
            "center.name",
            "nodes, power_cap_w, prices, reservations, scale, shares",
            id="of the center",
        ),
        pytest.param(
            {"nodes": [PLAIN | {"cpu": 1}]},
            "nodes.0.cpu",
            OF_NODES,
            id="of nodes",
        ),
        pytest.param(
            {"nodes": [PLAIN, PLAIN | {7: 1}]},
            "nodes.1.7",
            OF_NODES,
            id="no text",
        ),
        pytest.param(
            {"nodes": [PLAIN | {"devices": [CARD | {"share": 1}]}]},
            f"{DEVICE}.share",
            "class, count, memory, model, partitions, power",
            id="of devices",
        ),
        pytest.param(
            {"nodes": [PLAIN | {"power": {"watts": 1}}]}, "nodes.0.power.watts", "idle_w, max_w", id="of power"
        ),
        pytest.param(
            {"nodes": [PLAIN | {"devices": [CARD | {"power": {"w": 1}}]}]},
            f"{DEVICE}.power.w",
            "idle_w, max_w",
            id="of a device's power",
        ),
    ],
)
def test_an_unknown_key_is_named_with_those_that_are_known(document: object, field: str, known: str) -> None:
    assert error(document).field == field
    assert error(document).detail.endswith("is not known here")
    assert error(document).hint == f"one of {known}"


@pytest.mark.parametrize("item", [None, 3, "n", [1]])
def test_a_group_a_device_and_a_power_are_mappings(item: object) -> None:
    for document, field in (
        ({"nodes": [item]}, "nodes.0"),
        ({"nodes": [PLAIN, item]}, "nodes.1"),
        ({"nodes": [PLAIN | {"devices": [item]}]}, DEVICE),
        ({"nodes": [PLAIN | {"devices": [CARD, item]}]}, "nodes.0.devices.1"),
        ({"nodes": [PLAIN | {"power": item}]}, "nodes.0.power"),
        ({"nodes": [PLAIN | {"devices": [CARD | {"power": item}]}]}, f"{DEVICE}.power"),
    ):
        assert (error(document).field, error(document).detail) == (field, f"{field} must be a mapping")


@pytest.mark.parametrize("devices", [None, {}, "A100", 8])
def test_devices_are_a_list(devices: object) -> None:
    assert error({"nodes": [PLAIN | {"devices": devices}]}).field == "nodes.0.devices"


@pytest.mark.parametrize(("value", "said"), WHOLE_WRONG)
def test_counts_are_whole_numbers(value: object, said: str) -> None:
    of_nodes, of_devices = (
        {"nodes": [PLAIN | {"count": value}]},
        {"nodes": [PLAIN | {"devices": [CARD | {"count": value}]}]},
    )
    assert (error(of_nodes).field, error(of_nodes).detail) == ("nodes.0.count", said)
    assert (error(of_devices).field, error(of_devices).detail) == (f"{DEVICE}.count", said)


@pytest.mark.parametrize("count", [0, -1, MAX_NODES + 1])
def test_nodes_are_counted_from_one_to_a_million(count: int) -> None:
    assert error({"nodes": [PLAIN | {"count": count}]}).field == "nodes.0.count"


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_devices_are_counted_from_one_to_ten_thousand(count: int) -> None:
    assert error({"nodes": [PLAIN | {"devices": [CARD | {"count": count}]}]}).field == f"{DEVICE}.count"


@pytest.mark.parametrize("value", NAME_WRONG)
def test_names_are_texts(value: object) -> None:
    prefix, model = {"nodes": [PLAIN | {"prefix": value}]}, {"nodes": [PLAIN | {"devices": [CARD | {"model": value}]}]}
    assert (error(prefix).field, error(prefix).detail) == ("nodes.0.prefix", "nodes.0.prefix must be a name")
    assert (error(model).field, error(model).detail) == (f"{DEVICE}.model", f"{DEVICE}.model must be a name")


def test_a_device_must_have_a_model() -> None:
    assert error({"nodes": [PLAIN | {"devices": [{"count": 1}]}]}).field == f"{DEVICE}.model"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("many", id="a word"),
        pytest.param(-1, id="below none"),
        pytest.param(0, id="none"),
        pytest.param(0.0001, id="less than a milli-cpu"),
        pytest.param(None, id="nothing"),
        pytest.param(True, id="a flag"),
        pytest.param(10**7, id="more than a node can have"),
        pytest.param(float("nan"), id="no number"),
    ],
)
def test_cpus_that_are_none_are_named(value: object) -> None:
    assert error({"nodes": [PLAIN | {"cpus": value}]}).field == "nodes.0.cpus"


@pytest.mark.parametrize("value", MEMORY_WRONG)
def test_memory_that_is_none_is_named(value: object) -> None:
    assert error({"nodes": [PLAIN | {"memory": value}]}).field == "nodes.0.memory"
    assert error({"nodes": [PLAIN | {"devices": [CARD | {"memory": value}]}]}).field == f"{DEVICE}.memory"
    assert error({"nodes": [PLAIN | {"disk": value}]}).field == "nodes.0.disk"


@pytest.mark.parametrize("missing", ["cpus", "memory"])
def test_cpus_and_memory_must_be_given(missing: str) -> None:
    document = {"nodes": [{name: value for name, value in PLAIN.items() if name != missing}]}
    assert error(document).field == f"nodes.0.{missing}"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("tpu", id="a class that is not known"),
        pytest.param("any", id="the class of all"),
        pytest.param("GPU", id="in capitals"),
        pytest.param(None, id="nothing"),
        pytest.param(3, id="a number"),
        pytest.param(["gpu"], id="a list"),
        pytest.param({"gpu": 1}, id="a mapping"),
    ],
)
def test_a_class_of_devices_that_is_none_is_named(value: object) -> None:
    told = error({"nodes": [PLAIN | {"devices": [CARD | {"class": value}]}]})
    assert (told.field, told.hint) == (f"{DEVICE}.class", "gpu, npu or fpga")
    assert told.detail == f"{value!r} is not a class of devices"


@pytest.mark.parametrize("value", NUMBER_WRONG)
@pytest.mark.parametrize("key", ["idle_w", "max_w"])
def test_watts_that_are_none_are_named(key: str, value: object) -> None:
    told = error({"nodes": [PLAIN | {"power": {key: value}}]})
    assert (told.field, told.detail) == (f"nodes.0.power.{key}", f"{value!r} is not a number in 0..1e+06")


def test_work_takes_no_less_power_than_idling() -> None:
    told = error({"nodes": [PLAIN | {"power": {"idle_w": 3, "max_w": 2}}]})
    assert (told.field, told.detail) == ("nodes.0.power.max_w", "2.0 W is less than the 3.0 W of idling")


@pytest.mark.parametrize("value", NUMBER_WRONG)
def test_a_scale_that_is_none_is_named(value: object) -> None:
    assert error({"nodes": [PLAIN], "scale": value}).field == "scale"


@pytest.mark.parametrize(
    ("factor", "counts"),
    [
        pytest.param(1, [1, 3, 10], id="as it is"),
        pytest.param(2, [2, 6, 20], id="twice"),
        pytest.param(0.5, [1, 2, 5], id="half, to the even"),
        pytest.param(0.25, [1, 1, 2], id="a quarter, at least one"),
        pytest.param(1e-9, [1, 1, 1], id="next to nothing"),
        pytest.param(1.1, [1, 3, 11], id="a tenth more"),
    ],
)
def test_a_scale_multiplies_each_group_by_itself(factor: float, counts: list[int]) -> None:
    center = CenterDescription(groups=tuple(replace(GROUP, count=count) for count in (1, 3, 10)))
    assert [one.count for one in center.scaled(factor).groups] == counts
    document = {"nodes": [PLAIN | {"count": count} for count in (1, 3, 10)], "scale": factor}
    assert [one.count for one in from_mapping(document).groups] == counts


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf"), -0.0])
def test_a_factor_is_positive_and_has_an_end(factor: float) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        CenterDescription(groups=(GROUP,)).scaled(factor)
    assert (caught.value.field, caught.value.detail) == ("scale", f"{factor} is not a positive number")


def test_no_center_has_more_than_a_million_nodes() -> None:
    half = replace(GROUP, count=MAX_NODES // 2)
    assert CenterDescription(groups=(half, half)).nodes == MAX_NODES
    with pytest.raises(InvalidRequestError) as by_groups:
        CenterDescription(groups=(half, half, GROUP))
    with pytest.raises(InvalidRequestError) as by_scale:
        CenterDescription(groups=(half, half)).scaled(1.5)
    assert by_groups.value.field == by_scale.value.field == "nodes"


def test_prices_are_kept_to_the_digit() -> None:
    given_ = {
        "currency": "EUR",
        "cpu_hour": 0.1,
        "memory_gib_hour": "0.010",
        "device_hour": {"A100": 12, "H100|H800": 28.5},
        "class_hour": {"gpu": 6},
    }
    assert from_mapping({"nodes": [PLAIN], "prices": given_}).prices == Tariff(
        version=1,
        currency="EUR",
        valid_from=Instant(0),
        cpu_hour=Decimal("0.1"),
        memory_gib_hour=Decimal("0.01"),
        device_hour={"A100": Decimal(12), "H100|H800": Decimal("28.5")},
        class_hour={DeviceClass.GPU: Decimal(6)},
    )
    assert from_mapping({"nodes": [PLAIN]}).prices is None


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ([], "prices"),
        ({"gpu": 1}, "prices.gpu"),
        ({"currency": 7}, "prices.currency"),
        ({"currency": "€"}, "prices.currency"),
        ({"cpu_hour": "much"}, "prices.cpu_hour"),
        ({"cpu_hour": -1}, "prices.cpu_hour"),
        ({"disk_gb_hour": float("nan")}, "prices.disk_gb_hour"),
        ({"device_hour": 3}, "prices.device_hour"),
        ({"device_hour": {"A100": [1]}}, "prices.device_hour.A100"),
        ({"device_hour": {"|": 1}}, "prices.device_hour.|"),
        ({"class_hour": {"tpu": 1}}, "prices.class_hour.tpu"),
        ({"class_hour": {"any": 1}}, "prices.class_hour.any"),
    ],
)
def test_prices_that_are_none_are_named(given_: object, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        from_mapping({"nodes": [PLAIN], "prices": given_})
    assert refused.value.field == field


def test_sums_over_groups_and_models_by_first_appearance() -> None:
    a, b = DeviceGroup(model="A", count=2), DeviceGroup(model="B", count=1)
    center = CenterDescription(
        groups=(replace(GROUP, devices=(b, a)), replace(GROUP, count=2, cpu_milli=500, devices=(a,)), GROUP)
    )
    assert center.nodes == 8
    assert center.cpu_milli == 3 * 4000 + 2 * 500 + 3 * 4000
    assert center.device_share == 1000 * (3 * 3 + 2 * 2)
    assert center.models == ("B", "A")


def described(center: CenterDescription) -> list[tuple[int, int, int, list[tuple[str, int, int, str]]]]:
    return [
        (
            one.count,
            one.cpu_milli,
            one.memory_bytes,
            [(of.model, of.count, of.memory_bytes, of.device_class) for of in one.devices],
        )
        for one in center.groups
    ]


def device(index: int, model: str = "A", gib: int = 80, kind: DeviceClass = DeviceClass.GPU) -> Device:
    return Device(index=index, device_class=kind, model=model, memory_bytes=gib * GIB)


@pytest.mark.parametrize(
    ("nodes", "groups"),
    [
        pytest.param([node("a")], [(1, 8000, 32 * GIB, [("sample-80", 2, 80 * GIB, "gpu")])], id="one node"),
        pytest.param(
            [node("a", devices=()), node("b", devices=())], [(2, 8000, 32 * GIB, [])], id="equal nodes are one group"
        ),
        pytest.param(
            [node("a", devices=()), node("b", devices=(), cpu_milli=1), node("c", devices=())],
            [(2, 8000, 32 * GIB, []), (1, 1, 32 * GIB, [])],
            id="also apart from each other",
        ),
        pytest.param(
            [node("a", devices=()), node("b", devices=(), memory_bytes=7)],
            [(1, 8000, 32 * GIB, []), (1, 8000, 7, [])],
            id="other memory is another group",
        ),
        pytest.param(
            [node("a", devices=(device(0), device(1, "B"))), node("b", devices=(device(4, "B"), device(7)))],
            [(2, 8000, 32 * GIB, [("A", 1, 80 * GIB, "gpu"), ("B", 1, 80 * GIB, "gpu")])],
            id="in whatever order their devices are",
        ),
        pytest.param(
            [node("a", devices=(device(0), device(1, gib=40), device(2, kind=DeviceClass.NPU)))],
            [
                (
                    1,
                    8000,
                    32 * GIB,
                    [("A", 1, 40 * GIB, "gpu"), ("A", 1, 80 * GIB, "gpu"), ("A", 1, 80 * GIB, "npu")],
                )
            ],
            id="devices of other memory or class are others",
        ),
        pytest.param(
            [node("a", devices=()), node("b", devices=(), state=NodeState.DOWN, features=frozenset({"x"}), switch="s")],
            [(2, 8000, 32 * GIB, [])],
            id="state, features and switch make no difference",
        ),
    ],
)
def test_nodes_on_record_become_groups(nodes: list[Node], groups: object) -> None:
    assert described(from_nodes(nodes)) == groups


def test_groups_of_nodes_on_record_have_names_of_their_own_and_draw_nothing_known() -> None:
    center = from_nodes([node("a", devices=()), node("b", cpu_milli=1)])
    assert [one.prefix for one in center.groups] == ["node0-", "node1-"]
    assert {one.power for one in center.groups} == {PowerRange()}


def test_no_nodes_are_no_center() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_nodes([])
    assert caught.value.field == "nodes"


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.lists(st.sampled_from("AB"), max_size=3)),
        min_size=1,
        max_size=12,
    )
)
def test_no_node_and_no_device_is_lost(rows: list[tuple[int, int, list[str]]]) -> None:
    nodes = [
        node(
            f"n{place}",
            cpu_milli=cpus * 1000,
            memory_bytes=gib * GIB,
            devices=tuple(device(index, model) for index, model in enumerate(models)),
        )
        for place, (cpus, gib, models) in enumerate(rows)
    ]
    center = from_nodes(nodes)
    assert center.nodes == len(nodes)
    assert center.cpu_milli == sum(one.cpu_milli for one in nodes)
    assert center.device_share == 1000 * sum(len(one.devices) for one in nodes)
    different = {(cpus, gib, tuple(sorted(models))) for cpus, gib, models in rows}
    assert len(center.groups) == len(different)
