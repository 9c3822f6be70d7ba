"""The lists of the openb cluster: each column of nodes and of tasks, and each way in which a list may be damaged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.replay.trace import MAX_MODELS, Trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError

SECOND = 1_000_000
MIB = 1024**2
NODES = "sn,cpu_milli,memory_mib,gpu,model"
TASKS = (
    "name",
    "cpu_milli",
    "memory_mib",
    "num_gpu",
    "gpu_milli",
    "gpu_spec",
    "qos",
    "creation_time",
    "deletion_time",
    "scheduled_time",
)
PLAIN = {
    "name": "t",
    "cpu_milli": 1000,
    "memory_mib": 1,
    "num_gpu": 1,
    "gpu_milli": 1000,
    "gpu_spec": "",
    "qos": "LS",
    "creation_time": 0,
    "deletion_time": 60,
    "scheduled_time": 0,
}


def task(**given_: object) -> str:
    """A task with one whole device that ran for a minute from the origin on."""
    return ",".join(str((PLAIN | given_)[name]) for name in TASKS)


def tasks(*lines: str) -> Trace:
    return read_tasks("\n".join([",".join(TASKS), *lines]))


def nodes(*lines: str) -> CenterDescription:
    return read_nodes("\n".join([NODES, *lines]))


@pytest.mark.parametrize(
    ("lines", "groups"),
    [
        pytest.param(["a,4000,1024,0,"], [(1, 4000, 1024 * MIB, [])], id="a node without devices"),
        pytest.param(["a,4000,1024,2,T4"], [(1, 4000, 1024 * MIB, [("T4", 2)])], id="a node with devices"),
        pytest.param(["a,4000,1024,0,T4"], [(1, 4000, 1024 * MIB, [])], id="a model of no devices"),
        pytest.param(["a,1,1,0,", "b,1,1,0,"], [(2, 1, MIB, [])], id="equal neighbours"),
        pytest.param(
            ["a,1,1,0,", "b,2,1,0,", "c,1,1,0,"], [(1, 1, MIB, []), (1, 2, MIB, []), (1, 1, MIB, [])], id="equal apart"
        ),
        pytest.param(["a,1,1,0,", "b,2,1,0,"], [(1, 1, MIB, []), (1, 2, MIB, [])], id="other cpus"),
        pytest.param(["a,1,1,0,", "b,1,2,0,"], [(1, 1, MIB, []), (1, 1, 2 * MIB, [])], id="other memory"),
        pytest.param(["a,1,1,1,A", "b,1,1,2,A"], [(1, 1, MIB, [("A", 1)]), (1, 1, MIB, [("A", 2)])], id="more devices"),
        pytest.param(
            ["a,1,1,1,A", "b,1,1,1,B"], [(1, 1, MIB, [("A", 1)]), (1, 1, MIB, [("B", 1)])], id="another model"
        ),
        pytest.param(['"a","1","1","0",""'], [(1, 1, MIB, [])], id="quoted columns"),
    ],
)
def test_neighbours_that_are_equal_make_one_group(
    lines: list[str], groups: list[tuple[int, int, int, list[tuple[str, int]]]]
) -> None:
    found = [
        (group.count, group.cpu_milli, group.memory_bytes, [(one.model, one.count) for one in group.devices])
        for group in nodes(*lines).groups
    ]
    assert found == groups


def test_groups_have_names_of_their_own() -> None:
    assert [group.prefix for group in nodes("a,1,1,0,", "b,2,1,0,").groups] == ["openb-0-", "openb-1-"]


def test_columns_of_nodes_may_stand_in_any_order_beside_others() -> None:
    center = read_nodes("model,gpu,rack,memory_mib,sn,cpu_milli\nT4,2,r7,10,a,4000\n")
    (group,) = center.groups
    assert (group.cpu_milli, group.memory_bytes, group.devices[0].model) == (4000, 10 * MIB, "T4")


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2), st.sampled_from("AB")), min_size=1))
def test_no_node_is_lost_whatever_the_list(rows: list[tuple[int, int, int, str]]) -> None:
    center = nodes(*(f"n,{cpu},{mib},{gpus},{model}" for cpu, mib, gpus, model in rows))
    assert center.nodes == len(rows)
    assert center.cpu_milli == sum(cpu for cpu, *_ in rows)
    assert center.device_share == 1000 * sum(gpus for _, _, gpus, _ in rows)
    assert sum(group.count * group.memory_bytes for group in center.groups) == MIB * sum(mib for _, mib, _, _ in rows)


@pytest.mark.parametrize(
    ("given_", "column", "expected"),
    [
        pytest.param({"cpu_milli": 1500}, "cpu_milli", 1500, id="milli-cpus"),
        pytest.param({"cpu_milli": 0}, "cpu_milli", 0, id="no cpus"),
        pytest.param({"memory_mib": 3}, "memory_bytes", 3 * MIB, id="mebibytes"),
        pytest.param({"memory_mib": 0}, "memory_bytes", 0, id="no memory"),
        pytest.param({"num_gpu": 8}, "device_count", 8, id="devices"),
        pytest.param({"num_gpu": 0, "gpu_milli": 0}, "device_count", 0, id="no devices"),
        pytest.param({"num_gpu": 0, "gpu_milli": 0}, "device_share", 1000, id="and then no share of one"),
        pytest.param({"gpu_milli": 460}, "device_share", 460, id="a share of a device"),
        pytest.param({"gpu_milli": 1}, "device_share", 1, id="the least share"),
        pytest.param({}, "tasks", 1, id="a task is one task"),
        pytest.param({"creation_time": 7}, "submitted_us", 7 * SECOND, id="it is submitted when it was created"),
        pytest.param({"creation_time": ""}, "submitted_us", 0, id="or at the origin"),
        pytest.param({"deletion_time": 90}, "runtime_us", 90 * SECOND, id="it runs until it is deleted"),
        pytest.param({"deletion_time": 90}, "requested_us", 90 * SECOND, id="and asks for as long"),
        pytest.param({"scheduled_time": 50}, "runtime_us", 10 * SECOND, id="from when it was scheduled"),
        pytest.param(
            {"scheduled_time": "", "creation_time": 20}, "runtime_us", 40 * SECOND, id="else from its creation"
        ),
        pytest.param({"scheduled_time": "", "creation_time": ""}, "runtime_us", 60 * SECOND, id="else from the origin"),
        pytest.param({"deletion_time": ""}, "runtime_us", NEVER, id="without a deletion it does not end"),
        pytest.param({"deletion_time": ""}, "requested_us", NEVER, id="and asks for ever"),
    ],
)
def test_what_each_column_of_a_task_becomes(given_: dict[str, object], column: str, expected: int) -> None:
    assert getattr(tasks(task(**given_)), column).tolist() == [expected]


@pytest.mark.parametrize(
    ("specs", "allowed"),
    [
        pytest.param([""], [set()], id="any model"),
        pytest.param(["T4"], [{"T4"}], id="one model"),
        pytest.param(["T4|V100"], [{"T4", "V100"}], id="one of two"),
        pytest.param(["T4|T4"], [{"T4"}], id="one named twice"),
        pytest.param(["|T4|"], [{"T4"}], id="empty names between bars"),
        pytest.param(["A|B", "B|C", ""], [{"A", "B"}, {"B", "C"}, set()], id="each its own"),
    ],
)
def test_models_that_will_do_are_bits_in_the_order_of_their_names(specs: list[str], allowed: list[set[str]]) -> None:
    trace = tasks(*(task(gpu_spec=spec) for spec in specs))
    found = [
        {name for bit, name in enumerate(trace.models) if mask >> bit & 1} for mask in trace.device_models.tolist()
    ]
    assert found == allowed
    assert len(set(trace.models)) == len(trace.models)


def test_the_class_of_service_is_the_queue() -> None:
    trace = tasks(task(qos="LS"), task(qos="BE"), task(qos=""), task(qos="LS"))
    assert [trace.queues[code] for code in trace.queue.tolist()] == ["LS", "BE", "", "LS"]


def test_numbers_count_the_lines_also_over_what_is_dropped() -> None:
    trace = tasks(task(), task(deletion_time=0), task(scheduled_time=60), task())
    assert (trace.number.tolist(), trace.dropped) == ([0, 3], 2)


def test_a_task_deleted_before_it_was_scheduled_never_ran() -> None:
    trace = tasks(task(scheduled_time=61))
    assert (len(trace), trace.dropped) == (0, 1)


def test_lists_without_times_are_read_too() -> None:
    trace = read_tasks("cpu_milli,memory_mib,num_gpu,gpu_milli\n1,2,3,4\n5,6,7,8\n")
    assert trace.submitted_us.tolist() == [0, 0]
    assert trace.runtime_us.tolist() == [NEVER, NEVER]
    assert trace.cpu_milli.tolist() == [1, 5]
    assert trace.queues == ("",)


def test_a_header_alone_is_an_empty_trace() -> None:
    assert len(tasks()) == 0


NUMBER_WRONG = [
    pytest.param("x", id="a word"),
    pytest.param("-1", id="a negative number"),
    pytest.param("1.5", id="a fraction"),
    pytest.param(" 1", id="a blank before it"),
    pytest.param("1e3", id="an exponent"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("value", NUMBER_WRONG)
@pytest.mark.parametrize("name", ["cpu_milli", "memory_mib", "num_gpu", "gpu_milli"])
def test_an_amount_of_a_task_that_is_no_whole_number_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tasks(task(), task(**{name: value}))
    assert caught.value.field == "lines.3"
    assert caught.value.detail == f"line 3: {name} is {value!r}, not a whole number"


@pytest.mark.parametrize("value", NUMBER_WRONG[:-1])
@pytest.mark.parametrize("name", ["creation_time", "deletion_time", "scheduled_time"])
def test_a_time_that_is_no_whole_number_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tasks(task(**{name: value}))
    assert caught.value.field == "lines.2"
    assert caught.value.detail == f"line 2: {name} is {value!r}, not a whole number"


@pytest.mark.parametrize("value", NUMBER_WRONG)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_an_amount_of_a_node_that_is_no_whole_number_is_named(place: int, value: str) -> None:
    words = ["a", "1", "1", "1", "T4"]
    words[place] = value
    with pytest.raises(InvalidRequestError) as caught:
        nodes("b,1,1,0,", ",".join(words))
    assert caught.value.field == "lines.3"
    assert caught.value.detail == f"line 3: {NODES.split(',')[place]} is {value!r}, not a whole number"


@pytest.mark.parametrize(
    ("read", "header", "sound"),
    [(read_nodes, NODES, "a,1,1,0,"), (read_tasks, ",".join(TASKS), task())],
    ids=["nodes", "tasks"],
)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param("a,b", "2 columns, not {}", id="too few columns"),
        pytest.param("," * 20, "21 columns, not {}", id="too many columns"),
        pytest.param('"a"b,1', "',' expected after '\"'", id="a word after a quote"),
        pytest.param('"a,1,1', "unexpected end of data", id="a quote that nothing closes"),
    ],
)
def test_a_damaged_line_is_named(
    read: Callable[[str], object], header: str, sound: str, damage: str, said: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(f"{header}\n{sound}\n{damage}")
    assert caught.value.field == "lines.3"
    assert caught.value.detail == "line 3: " + said.format(len(header.split(",")))


@pytest.mark.parametrize(
    ("read", "needed"),
    [
        (read_nodes, ("cpu_milli", "memory_mib", "gpu", "model")),
        (read_tasks, ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli")),
    ],
    ids=["nodes", "tasks"],
)
@pytest.mark.parametrize("missing", range(4))
def test_a_missing_column_is_named_with_those_needed(
    read: Callable[[str], object], needed: tuple[str, ...], missing: int
) -> None:
    there = [name for place, name in enumerate(needed) if place != missing]
    with pytest.raises(InvalidRequestError) as caught:
        read(",".join(there))
    assert caught.value.field == "lines.1"
    assert caught.value.detail == f"line 1: no column {needed[missing]}"
    assert caught.value.hint == f"the columns needed: {', '.join(needed)}"


@pytest.mark.parametrize("read", [read_nodes, read_tasks], ids=["nodes", "tasks"])
def test_an_empty_text_lacks_the_first_column(read: Callable[[str], object]) -> None:
    with pytest.raises(InvalidRequestError, match="no column cpu_milli"):
        read("")


def test_a_list_of_no_nodes_is_no_center() -> None:
    with pytest.raises(InvalidRequestError, match="at least one group"):
        nodes()


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        pytest.param({"gpu_milli": 1001}, "device_share.0", id="more than all of a device"),
        pytest.param({"num_gpu": 2**31}, "device_count.0", id="devices beyond 32 bits"),
        pytest.param({"cpu_milli": 2**63}, "cpu_milli.0", id="cpus beyond 64 bits"),
        pytest.param({"memory_mib": 2**50}, "memory_bytes.0", id="memory beyond 64 bits"),
        pytest.param({"deletion_time": 10**14}, "runtime_us.0", id="a run time beyond 64 bits"),
        pytest.param({"creation_time": 10**14, "deletion_time": ""}, "submitted_us.0", id="a creation beyond 64 bits"),
    ],
)
def test_an_impossible_amount_is_refused(given_: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        tasks(task(**given_))
    assert caught.value.field == field


def test_more_models_than_a_mask_holds_are_refused_by_their_number() -> None:
    every = [task(gpu_spec=f"M{place}") for place in range(MAX_MODELS + 1)]
    assert len(tasks(*every[:-1]).models) == MAX_MODELS
    with pytest.raises(InvalidRequestError) as caught:
        tasks(*every)
    assert caught.value.field == "models"
    assert caught.value.detail == "65 device models; a mask holds 64"
