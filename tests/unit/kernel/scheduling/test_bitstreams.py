"""FPGAs by what they are configured with: who has it already goes first, and of the others who is the soonest done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.plan import Decision, ReasonCode
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.errors import InvalidRequestError
from suanli.model.resources import Device, Node
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, gpu, node
from tests.unit.kernel.scheduling.story import Story, work

FILES = frozenset({"aes", "vadd"})


def fpga(index: int = 0, loaded: str = "", *, seconds: int = 0, files: frozenset[str] = FILES) -> Device:
    card = replace(gpu(index, "U280", gib=8), device_class=DeviceClass.FPGA)
    return replace(card, bitstream=loaded, bitstreams=files, reconfigure_s=seconds)


def wanting(bitstream: str, count: int = 1) -> WorkloadSpec:
    return work(1, 100, DeviceRequest(device_class=DeviceClass.FPGA, count=count, bitstream=bitstream))


def of(**cards: Device) -> list[Node]:
    return [node(name, 4, 64, card) for name, card in cards.items()]


def where(nodes: list[Node], *specs: WorkloadSpec) -> list[dict[str, int]]:
    """Where these start, one after the other; the checker judges each turn."""
    story = Story.of(*nodes)
    for place, spec in enumerate(specs):
        story.comes(str(place), spec)
    story.live(0)
    return [story.nodes_of(str(place)) for place in range(len(specs))]


@pytest.mark.parametrize("files", [FILES, frozenset[str]()])
def test_who_has_it_is_taken_first_whether_or_not_its_engine_has_the_file(files: frozenset[str]) -> None:
    nodes = of(a=fpga(), b=fpga(loaded="aes"), c=fpga(loaded="vadd", files=files), d=fpga(loaded="aes"))
    assert where(nodes, wanting("vadd")) == [{"c": 1}]
    assert where(nodes, wanting("aes"), wanting("aes"), wanting("vadd")) == [{"b": 1}, {"d": 1}, {"c": 1}]


def test_of_those_without_it_who_is_configured_soonest_goes_first_and_who_nobody_knows_of_last() -> None:
    nodes = of(a=fpga(), b=fpga(seconds=60), c=fpga(seconds=2), d=fpga(seconds=5), e=fpga(loaded="vadd", seconds=60))
    found = where(nodes, *[wanting("vadd")] * 5)
    assert found == [{"e": 1}, {"c": 1}, {"d": 1}, {"b": 1}, {"a": 1}]


def test_on_a_node_too_who_has_it_is_taken_first() -> None:
    center = Center().with_nodes(node("n", 8, 64, fpga(0), fpga(1, "aes"), fpga(2, "vadd"), fpga(3)))
    center.submit(wanting("vadd"))
    (placed,) = center.plan().placements
    assert [hold.index for hold in placed.allocation.nodes[0].devices] == [2]


def test_who_asks_for_no_bitstream_ranks_nothing() -> None:
    center = Center().with_nodes(*of(a=fpga(loaded="aes"), b=fpga()))
    center.submit(wanting(""))
    assert not center.state.tables.shapes[:, t.PURSUES].any()
    assert where(of(a=fpga(loaded="aes"), b=fpga()), wanting("")) == [{"a": 1}]


def test_who_can_have_it_nowhere_is_told_so() -> None:
    story = Story.of(*of(a=fpga(loaded="aes"), b=fpga()))
    story.comes("job", wanting("fft"))
    story.live(0)
    told = story.why("job")
    assert told.decision is Decision.NEVER
    lacking = [reason for reason in told.reasons if reason.code is ReasonCode.DEVICE_BITSTREAM]
    assert [(one.nodes_failing, one.nodes_total, one.wanted) for one in lacking] == [(2, 2, "fft")]


def test_what_is_refused_in_a_turn_names_the_bitstream() -> None:
    """The one that can have it is held, so it is no matter of never; most nodes fail for the bitstream."""
    nodes = of(a=fpga(files=frozenset()), b=fpga(files=frozenset()), c=fpga())
    center = Center().with_nodes(*nodes)
    center.submit(wanting("vadd"))
    center.submit(wanting("vadd"))
    (refusal,) = center.turn().refusals
    assert (refusal.reason.code, refusal.reason.wanted) == (ReasonCode.DEVICE_BITSTREAM, "vadd")


def test_another_bitstream_in_a_device_is_known_at_once() -> None:
    story = Story.of(*of(a=fpga(), b=fpga(loaded="vadd")))
    story.center.with_nodes(*(replace(one, generation=2) for one in of(a=fpga(loaded="vadd"), b=fpga(loaded="aes"))))
    story.comes("job", wanting("vadd"))
    story.live(0)
    assert story.nodes_of("job") == {"a": 1}


def test_types_that_nothing_is_of_any_more_make_room_for_others() -> None:
    center = Center().with_nodes(*of(a=fpga(), b=fpga(loaded="vadd")))
    center.submit(wanting("vadd"))
    for turn in range(2 * t.DEVICE_TYPES):
        center.with_nodes(replace(of(a=fpga(loaded=f"v{turn}"))[0], generation=2 + turn))
    assert len(center.state.types) == t.DEVICE_TYPES
    (placed,) = center.plan().placements
    assert placed.allocation.nodes[0].node == "b"
    last = f"v{2 * t.DEVICE_TYPES - 1}"
    center.submit(wanting(last))
    assert {one.allocation.nodes[0].node for one in center.plan().placements} == {"a", "b"}


def test_types_that_are_all_of_something_are_too_many() -> None:
    cards = [fpga(place, f"v{place}") for place in range(t.DEVICE_TYPES - 1)]
    center = Center().with_nodes(node("n", 4, 64, *cards), node("m", 4, 64, fpga(0, "w")))
    with pytest.raises(InvalidRequestError, match="too many to tell apart"):
        center.with_nodes(node("o", 4, 64, fpga(0, "x")))


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"bitstream": "../vadd"}, "cannot name a bitstream"),
        ({"bitstream": "-vadd"}, "cannot name a bitstream"),
        ({"device_class": DeviceClass.ANY}, "only FPGAs"),
        ({"share": 500}, "whole device"),
        ({"precision": Precision.INT8}, "up to its bitstream"),
    ],
)
def test_what_cannot_be_asked_with_a_bitstream(changes: dict[str, object], detail: str) -> None:
    spec = wanting("vadd")
    assert spec.resources.devices is not None
    asked = replace(spec.resources.devices, **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError) as raised:
        replace(spec, command=("true",), resources=replace(spec.resources, devices=asked)).check()
    assert detail in raised.value.detail


def test_work_to_be_done_is_of_no_known_rate_with_a_bitstream() -> None:
    spec = replace(wanting("vadd"), command=("true",), work={Precision.INT8: 10})
    with pytest.raises(InvalidRequestError, match="no rate"):
        spec.check()
