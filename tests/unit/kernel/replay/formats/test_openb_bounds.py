"""Lists of nodes and tasks that tell of what cannot be: refused by their line, before anything is computed of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import energy_j
from suanli.kernel.replay.policy import POLICIES
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.replay.formats.test_openb import MIB, NODES, nodes, task, tasks

TIB = 1024**2
"""In mebibytes."""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param("b,0,1,0,", "cpu_milli 0 does not lie in 1..1000000000", id="no cpus"),
        pytest.param("b,1000000001,1,0,", "cpu_milli 1000000001 does not lie in 1..1000000000", id="cpus"),
        pytest.param(f"b,1,{32 * TIB + 1},0,", "memory_mib 33554433 does not lie in 0..33554432", id="memory"),
        pytest.param("b,1,1,10001,A", "gpu 10001 does not lie in 0..10000", id="devices"),
        pytest.param(f"b,1,{'9' * 30},0,", f"memory_mib {'9' * 30} does not lie in 0..33554432", id="beyond 64 bits"),
        pytest.param(f"b,{'1' * 5000},1,0,", f"cpu_milli is '{'1' * 5000}', not a whole number", id="many digits"),
    ],
)
def test_a_node_that_there_cannot_be_is_named(row: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        nodes("a,1,1,0,", row)
    assert (caught.value.field, caught.value.detail) == ("lines.3", f"line 3: {said}")


def test_the_largest_and_the_least_node_that_there_can_be_are_replayed() -> None:
    """The large one holds all three tasks of a minute; each asks for a cpu and a device, and the small one has none."""
    center = nodes(f"a,1000000000,{32 * TIB},62,A", "b,1,0,0,")
    assert [group.memory_bytes for group in center.groups] == [2**45, 0]
    trace = tasks(task(), task(num_gpu=2), task(gpu_milli=250))
    outcome = replay(trace, center, POLICIES["easy"])
    assert outcome.started_us.tolist() == [0, 0, 0]
    assert outcome.device_share.tolist() == [3250, 0]
    assert energy_j(outcome, center) == 0


@pytest.mark.parametrize("name", ["cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "deletion_time", "creation_time"])
def test_very_many_digits_of_a_task_are_no_number(name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tasks(task(), task(**{name: "1" * 4301}))
    assert caught.value.field == "lines.3"
    assert caught.value.detail == f"line 3: {name} is '{'1' * 4301}', not a whole number"


@pytest.mark.parametrize("read", [read_nodes, read_tasks])
@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param('"sn"x,cpu_milli', "',' expected after '\"'", id="a word after a quote"),
        pytest.param('"sn,cpu_milli', "unexpected end of data", id="a quote that nothing closes"),
        pytest.param("s" * 140_000, "field larger than field limit (131072)", id="an endless name"),
    ],
)
def test_a_damaged_header_is_named_like_any_line(read: Callable[[str], object], header: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(header)
    assert (caught.value.field, caught.value.detail) == ("lines.1", f"line 1: {said}")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        pytest.param(f"{NODES}\r\na,1,1,0,\r\nb,1,1,0,\r\n", [2], id="lines that end as on Windows"),
        pytest.param(f'{NODES},note\na,1,1,0,,"one, two"\nb,1,1,0,,', [2], id="a comma within quotes"),
        pytest.param(f"{NODES}\na,0001,1,0,\nb,1,1,0,", [2], id="zeros in front"),
        pytest.param(f"{NODES}\na,1,1,1,\N{GREEK SMALL LETTER ALPHA}\nb,1,1,1,A", [1, 1], id="a model in Greek"),
    ],
)
def test_odd_lists_that_are_sound(text: str, counts: list[int]) -> None:
    assert [group.count for group in read_nodes(text).groups] == counts


def test_an_empty_line_is_a_damaged_one() -> None:
    """The lists have none; a line lost in the middle must not go unnoticed."""
    with pytest.raises(InvalidRequestError) as caught:
        nodes("a,1,1,0,", "", "b,1,1,0,")
    assert caught.value.detail == "line 3: 0 columns, not 5"


def test_two_columns_of_one_name_are_the_last() -> None:
    (group,) = read_nodes(f"{NODES},memory_mib\na,1,1,0,,7").groups
    assert group.memory_bytes == 7 * MIB


def test_times_of_a_task_that_contradict_each_other_drop_it() -> None:
    """Deleted before it was made, in the second it was made, and a second later."""
    times = [(60, 10), (60, 60), (60, 61)]
    trace = tasks(*(task(creation_time=made, deletion_time=gone, scheduled_time="") for made, gone in times))
    assert (trace.number.tolist(), trace.dropped) == ([2], 2)
    assert trace.runtime_us.tolist() == [1_000_000]


def test_a_model_that_no_line_of_who_ran_names_has_no_bit() -> None:
    """The one task that names B never ran, so a mask need not tell B apart."""
    trace = tasks(task(gpu_spec="A"), task(gpu_spec="B", deletion_time=0), task(gpu_spec="C|A"))
    assert trace.models == ("A", "C")
    assert trace.device_models.tolist() == [1, 3]
