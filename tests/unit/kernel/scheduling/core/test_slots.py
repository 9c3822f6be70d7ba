"""Slices of devices that are parted: how many parts fit, which slices the next takes, and what is left of a device."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.slots import (
    ALL,
    best_slots,
    fitting,
    fitting_on,
    meet_device,
    next_part,
    opened,
    part,
    put,
    takes_parts,
    worth,
)
from suanli.kernel.scheduling.shapes import code_of, write_templates
from suanli.model.partitions import MAX_TEMPLATES, PartitionTemplate, Units
from tests.unit.kernel.scheduling.core.parted import A30, A100, NPU, code, parted_center
from tests.unit.kernel.scheduling.parting import most, places


def bits(places_: frozenset[int]) -> int:
    return sum(1 << place for place in places_)


def taken_of(number: int) -> frozenset[int]:
    return frozenset(place for place in range(15) if (number >> place) & 1)


EVERY = [*A100, *A30, *NPU]


@pytest.mark.parametrize(
    ("name", "taken", "fit"),
    [
        # Slices 0 to 6 of eight hold one each; the last is memory that only larger ones have.
        ("1g.5gb", 0, 7),
        ("1g.5gb", 0b1000_0000, 7),
        ("1g.5gb", 0b0000_0001, 6),
        ("2g.10gb", 0, 3),
        ("2g.10gb", 0b0100_0000, 3),
        ("2g.10gb", 0b0010_0000, 2),
        ("3g.20gb", 0, 2),
        ("3g.20gb", 0b0100_0000, 1),
        ("4g.20gb", 0b1111_0000, 1),
        ("4g.20gb", 0b0000_1000, 0),
        ("7g.40gb", 0, 1),
        ("7g.40gb", 0b0000_0001, 0),
        # Of a device that takes no part nothing fits.
        ("1g.5gb", ALL, 0),
        ("7g.40gb", ALL, 0),
    ],
)
def test_how_many_parts_fit(name: str, taken: int, fit: int) -> None:
    assert fitting(code(A100, name), taken) == fit


@pytest.mark.parametrize(
    ("name", "cores", "cpus", "fit"),
    [
        # Eight cores and seven cpus: of one core and one cpu each, it is the cpus that end it.
        ("vir01", 0, 0, 7),
        ("vir02_1c", 0, 0, 4),
        ("vir02", 0, 0, 3),
        ("vir04", 0, 0, 1),
        ("vir04_3c", 0, 0, 2),
        ("vir04_3c", 4, 4, 1),
        ("vir04", 4, 4, 0),
        ("vir01", 7, 0, 1),
        ("vir01", 8, 0, 0),
        ("vir01", 0, 7, 0),
    ],
)
def test_parts_that_take_any_slices_are_counted_by_what_is_scarcest(name: str, cores: int, cpus: int, fit: int) -> None:
    taken = ((1 << cores) - 1) | (((1 << cpus) - 1) << 8)
    assert fitting(code(NPU, name), taken) == fit
    # Whichever they are.
    other = (((1 << cores) - 1) << (8 - cores)) | (((1 << cpus) - 1) << (15 - cpus))
    assert fitting(code(NPU, name), other) == fit


@given(template=st.sampled_from(EVERY), taken=st.integers(0, 2**15 - 1))
def test_as_many_fit_as_can_be_made_one_after_the_other(template: PartitionTemplate, taken: int) -> None:
    assert fitting(code_of(template), taken) == most(template, taken_of(taken)) == template.fitting(taken)


@given(device=st.sampled_from([A100, A30, NPU]), taken=st.integers(0, 2**15 - 1), seed=st.integers(0, 99))
def test_the_slices_of_a_part_are_free_and_just_such_a_part(
    device: tuple[PartitionTemplate, ...], taken: int, seed: int
) -> None:
    template, rows = Random(seed).choice(device), np.zeros((MAX_TEMPLATES, 2), dtype=np.int64)
    write_templates(rows, device)
    if not template.fitting(taken):
        return
    found = best_slots(rows, code_of(template), taken)
    assert found & taken == 0
    assert taken_of(found) in places(template)
    # No other place leaves more.
    others = [bits(place) for place in places(template) if not bits(place) & taken]
    assert worth(rows, taken | found) == max(worth(rows, taken | other) for other in others)


@given(device=st.sampled_from([A100, A30, NPU]), seed=st.integers(0, 999))
def test_whatever_is_made_first_as_many_parts_of_a_template_fit_as_were_told(
    device: tuple[PartitionTemplate, ...], seed: int
) -> None:
    chance, rows, taken = Random(seed), np.zeros((MAX_TEMPLATES, 2), dtype=np.int64), 0
    write_templates(rows, device)
    for _ in range(chance.randint(0, 4)):
        template = chance.choice(device)
        if template.fitting(taken):
            taken |= best_slots(rows, code_of(template), taken)
    template = chance.choice(device)
    told = fitting(code_of(template), taken)
    for left in range(told, 0, -1):
        assert fitting(code_of(template), taken) == left
        taken |= best_slots(rows, code_of(template), taken)
    assert fitting(code_of(template), taken) == 0


def test_what_a_device_can_still_hold_is_counted_by_thousandths_of_all_templates() -> None:
    rows = np.zeros((MAX_TEMPLATES, 2), dtype=np.int64)
    write_templates(rows, A30)
    # Four of 250, two of 500, one of 1000.
    assert worth(rows, 0) == 4 * 250 + 2 * 500 + 1000
    # Three of 250, one of 500.
    assert worth(rows, 0b0001) == 3 * 250 + 500
    assert worth(rows, 0b0101) == 2 * 250
    assert worth(rows, 0b1111) == 0


@pytest.mark.parametrize(
    ("name", "taken", "slots"),
    [
        # The last single slice spares the first half, where the largest of four goes, and three pairs.
        ("1g.5gb", 0, 0b0100_0000),
        # Beside a part in the second half the next goes there as well, beside it first.
        ("1g.5gb", 0b0100_0000, 0b0001_0000),
        # A half goes where a 4g could not.
        ("3g.20gb", 0, 0b1111_0000),
        ("3g.20gb", 0b1111_0000, 0b0000_1111),
        ("2g.10gb", 0, 0b0011_0000),
        ("2g.10gb", 0b0100_0000, 0b0011_0000),
        ("7g.40gb", 0, 0b1111_1111),
    ],
)
def test_a_part_takes_the_slices_that_leave_most_for_later(name: str, taken: int, slots: int) -> None:
    rows = np.zeros((MAX_TEMPLATES, 2), dtype=np.int64)
    write_templates(rows, A100)
    assert best_slots(rows, code(A100, name), taken) == slots


@pytest.mark.parametrize(
    ("free", "slots", "takes", "fit"),
    [
        (1000, 0, True, 7),
        # Shared, or whole with somebody.
        (999, 0, False, 0),
        (0, 0, False, 0),
        # Parted: nothing of it is free as a share.
        (0, 0b1, True, 6),
        # Parted, and somebody has a share of it from before.
        (-300, 0b1, False, 0),
    ],
)
def test_a_device_is_parted_or_shared_and_never_both(free: int, slots: int, takes: bool, fit: int) -> None:
    center = parted_center([A100])
    center.devices[0, 0, [t.FREE, t.SLOTS]] = (free, slots)
    assert takes_parts(free, slots) is takes
    assert fitting_on(center.devices, 0, 0, code(A100, "1g.5gb")) == fit


def held(center: t.Center, *rows: tuple[int, int, int, int]) -> None:
    """Write down rows of device holds: node, position, thousandths, slices."""
    for place, row in enumerate(rows):
        center.device_holds[place, : t.DEVICE_NEXT] = row


@given(st.permutations([(0, -1), (1, -1), (2, -1), (0, 1), (1, 1), (2, 1)]))
def test_in_whatever_order_it_is_told_a_device_is_whole_once_its_parts_are_gone(order: list[tuple[int, int]]) -> None:
    center = parted_center([A100])
    # The third has the slices of the first, whose end may be told later than its own begin.
    held(center, (0, 0, 142, 0b1), (0, 0, 428, 0b1111_0000), (0, 0, 142, 0b1))
    count = 0
    for row, sign in order:
        put(center.devices, center.device_holds, row, sign)
        count -= sign * (0b1111_0000 if row == 1 else 1)
        free, slots = center.devices[0, 0, [t.FREE, t.SLOTS]].tolist()
        assert slots == count
        assert free == (1000 if slots == 0 else 0)
    assert center.devices[0, 0, [t.FREE, t.SLOTS]].tolist() == [1000, 0]


@given(order=st.permutations([(0, -1), (1, -1), (2, -1)]), back=st.permutations([0, 1, 2]))
def test_shares_and_parts_that_meet_on_a_device_add_up_and_go_again(
    order: list[tuple[int, int]], back: list[int]
) -> None:
    center = parted_center([A100])
    held(center, (0, 0, 300, 0), (0, 0, 142, 0b10), (0, 0, 200, 0))
    for row, sign in order:
        put(center.devices, center.device_holds, row, sign)
    assert center.devices[0, 0, [t.FREE, t.SLOTS]].tolist() == [-500, 0b10]
    assert fitting_on(center.devices, 0, 0, code(A100, "1g.5gb")) == 0
    for row in back:
        put(center.devices, center.device_holds, row, 1)
    assert center.devices[0, 0, [t.FREE, t.SLOTS]].tolist() == [1000, 0]


def test_slices_are_taken_of_one_device_alone() -> None:
    center = parted_center([A100, A100], [A100])
    part(center.devices, 0, 1, 0b11)
    assert center.devices[:, :, t.SLOTS].tolist() == [[0, 0b11], [0, 0]]
    assert center.devices[0, :, t.FREE].tolist() == [1000, 0]
    part(center.devices, 0, 1, 0b1000)
    assert center.devices[0, 1, [t.FREE, t.SLOTS]].tolist() == [0, 0b1011]
    part(center.devices, 0, 1, -0b11)
    assert center.devices[0, 1, [t.FREE, t.SLOTS]].tolist() == [0, 0b1000]
    part(center.devices, 0, 1, -0b1000)
    assert center.devices[0, 1, [t.FREE, t.SLOTS]].tolist() == [1000, 0]


STATES = [(1000, 0), (300, 0), (0, 0), (0, 0b1), (0, 0b110), (-200, 0b1), (0, ALL)]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(STATES, STATES)))
def test_what_is_free_at_two_instants_is_what_is_free_at_both(one: tuple[int, int], other: tuple[int, int]) -> None:
    center = parted_center([A100])
    center.devices[0, 0, [t.FREE, t.SLOTS]] = one
    meet_device(center.devices, 0, 0, *other)
    free, slots = center.devices[0, 0, [t.FREE, t.SLOTS]].tolist()
    assert free == min(one[0], other[0])
    for template in A100:
        found = fitting_on(center.devices, 0, 0, code_of(template))
        both_open = takes_parts(*one) and takes_parts(*other)
        assert found == (template.fitting(one[1] | other[1]) if both_open else 0)
    if one[1] == other[1] == 0:
        assert slots == 0


NO_PARTS = np.zeros(3, dtype=np.int64)


@pytest.mark.parametrize(
    ("devices", "states", "found"),
    [
        # Whole ones go in order.
        ([A100, A100], [(1000, 0), (1000, 0)], (0, 0b0100_0000)),
        # A parted one goes before a whole one.
        ([A100, A100], [(1000, 0), (0, 0b1)], (1, 0b0000_0010)),
        # A full one is no use.
        ([A100, A100], [(0, 0b0111_1111), (1000, 0)], (1, 0b0100_0000)),
        # Nor is a shared one, or a whole one with somebody.
        ([A100, A100], [(700, 0), (0, 0)], (-1, 0)),
        # Of parted ones that which loses least: here the slice beside the lone one breaks nothing that still fits.
        ([A100, A100], [(0, 0b1111_0000), (0, 0b0010_0000)], (1, 0b0001_0000)),
        # Of equal losses the fuller.
        ([A100, A100], [(0, 0b0001_0000), (0, 0b0001_1111)], (1, 0b0010_0000)),
    ],
)
def test_the_next_part_goes_to_a_parted_device_where_it_breaks_least(
    devices: list[tuple[PartitionTemplate, ...]], states: list[tuple[int, int]], found: tuple[int, int]
) -> None:
    center = parted_center(devices, asks="1g.5gb")
    center.devices[0, :, [t.FREE, t.SLOTS]] = np.array(states).T
    rows = np.zeros((MAX_TEMPLATES, 2), dtype=np.int64)
    write_templates(rows, A100)
    position, slots = next_part(center, center.devices[0], 0, NO_PARTS[: len(devices)])
    assert (position, slots) == found


def test_broken_devices_and_those_of_other_types_have_no_part() -> None:
    center = parted_center([A100, A100, ()], asks="1g.5gb")
    center.devices[0, 0, t.HEALTHY] = 0
    assert next_part(center, center.devices[0], 0, NO_PARTS)[0] == 1
    center.shapes[0, t.TYPES] = 0
    assert next_part(center, center.devices[0], 0, NO_PARTS) == (-1, 0)


def test_parts_before_it_in_the_same_choice_count_as_taken() -> None:
    center, laid = parted_center([A30, A30], asks="2g.12gb"), np.zeros(2, dtype=np.int64)
    found = []
    for _ in range(5):
        position, slots = next_part(center, center.devices[0], 0, laid)
        found.append((position, slots))
        if position >= 0:
            laid[position] |= slots
    assert found == [(0, 0b0011), (0, 0b1100), (1, 0b0011), (1, 0b1100), (-1, 0)]
    assert center.devices[0, :, t.SLOTS].tolist() == [0, 0]


@pytest.mark.parametrize(("parts", "whole"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (9, 2)])
def test_how_many_whole_devices_are_opened_for_parts(parts: int, whole: int) -> None:
    center = parted_center([A30, A30, A30], asks="2g.12gb")
    part(center.devices, 0, 1, 0b0011)
    assert opened(center, 0, 0, parts) == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "9g.1tb"},
        {"memory_bytes": 0},
        {"starts": ()},
        {"units": (Units(first=0, count=4, needed=1),)},
        {"size": 0},
        {"size": 3},
        {"starts": (0, 2, 5)},
        {"starts": (-1, 1)},
        {"starts": (0, 14)},
        {"starts": (), "units": (Units(first=0, count=4, needed=5),)},
        {"starts": (), "units": (Units(first=0, count=4, needed=0),)},
        {"starts": (), "units": (Units(first=0, count=4, needed=1), Units(first=3, count=2, needed=1))},
        {"starts": (), "units": (Units(first=0, count=16, needed=1),)},
        {"starts": (), "units": tuple(Units(first=place, count=1, needed=1) for place in range(3))},
    ],
)
def test_a_template_that_no_device_can_have_is_refused(changes: dict[str, object]) -> None:
    from suanli.model.errors import InvalidRequestError  # noqa: PLC0415

    arguments: dict[str, object] = {"name": "2g.10gb", "memory_bytes": 1, "size": 2, "starts": (0, 2, 4)}
    with pytest.raises(InvalidRequestError) as refused:
        PartitionTemplate(**(arguments | changes))  # type: ignore[arg-type]
    assert refused.value.field == "partitions"
