"""Slurm's accounting: each column, each way to write a time or an amount, and each way to damage a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError

SECOND = 1_000_000
MIB, GIB = 1024**2, 1024**3
PLAIN = {
    "JobIDRaw": "7",
    "User": "ada",
    "Account": "lab",
    "Partition": "gpu",
    "JobName": "train",
    "Submit": "2026-01-01T00:00:00",
    "Start": "2026-01-01T00:10:00",
    "End": "2026-01-01T00:11:00",
    "State": "COMPLETED",
    "ElapsedRaw": "60",
    "TimelimitRaw": "5",
    "NCPUS": "8",
    "NNodes": "2",
    "ReqMem": "",
    "AllocTRES": "",
}


def row(**given_: str) -> str:
    return "|".join((PLAIN | given_).values())


def read(*rows: str) -> Trace:
    return read_sacct("\n".join(["|".join(PLAIN), *rows]))


def columns(**given_: str) -> Trace:
    """One job, of these columns and no others."""
    return read_sacct(f"{'|'.join(given_)}\n{'|'.join(given_.values())}\n")


NEEDED = {"JobID": "7", "Submit": "0", "Start": "0", "Elapsed": "00:01:00", "AllocCPUS": "1"}


@pytest.mark.parametrize(
    ("given_", "column", "expected"),
    [
        pytest.param({"JobIDRaw": "123456"}, "number", 123_456, id="the job's number"),
        pytest.param({"ElapsedRaw": "3600"}, "runtime_us", 3600 * SECOND, id="seconds that it ran"),
        pytest.param({"TimelimitRaw": "10"}, "requested_us", 600 * SECOND, id="minutes that it might"),
        pytest.param({"TimelimitRaw": ""}, "requested_us", 60 * SECOND, id="no limit: the run time"),
        pytest.param({"TimelimitRaw": "UNLIMITED"}, "requested_us", 60 * SECOND, id="without limit: the run time"),
        pytest.param({"TimelimitRaw": "Partition_Limit"}, "requested_us", 60 * SECOND, id="the partition's limit"),
        pytest.param({"TimelimitRaw": "0"}, "requested_us", 60 * SECOND, id="a limit of nothing is none"),
        pytest.param({}, "tasks", 2, id="a task for each node"),
        pytest.param({}, "cpu_milli", 4000, id="with its part of the cpus"),
        pytest.param({"NCPUS": "7"}, "cpu_milli", 3500, id="a half cpu in each of two parts"),
        pytest.param({"NCPUS": "1", "NNodes": "3"}, "cpu_milli", 334, id="parts are rounded up to milli-cpus"),
        pytest.param({"NNodes": "0"}, "tasks", 1, id="no nodes are one"),
        pytest.param({"NNodes": ""}, "tasks", 1, id="unknown nodes are one"),
        pytest.param({"NNodes": "", "AllocTRES": "node=4"}, "tasks", 4, id="nodes of the resources it had"),
        pytest.param({"NNodes": "2", "AllocTRES": "node=4"}, "tasks", 2, id="its own column stands before"),
        pytest.param({}, "memory_bytes", 0, id="unknown memory is none"),
        pytest.param({"AllocTRES": "mem=4G"}, "memory_bytes", 2 * GIB, id="memory of the whole job"),
        pytest.param({"AllocTRES": "mem=4G", "ReqMem": "9G"}, "memory_bytes", 2 * GIB, id="had stands before asked"),
        pytest.param({"ReqMem": "512M"}, "memory_bytes", 256 * MIB, id="memory asked for"),
        pytest.param({"ReqMem": "1Gc"}, "memory_bytes", 4 * GIB, id="of each cpu, as older Slurm writes"),
        pytest.param({"ReqMem": "1Gn"}, "memory_bytes", GIB, id="of each node, as older Slurm writes"),
        pytest.param({"ReqMem": "0n"}, "memory_bytes", 0, id="no memory asked for"),
        pytest.param({"ReqMem": "1025"}, "memory_bytes", 513, id="parts are rounded up to bytes"),
        pytest.param({}, "device_count", 0, id="no devices"),
        pytest.param({"AllocTRES": "gres/gpu=4"}, "device_count", 2, id="devices of each task"),
        pytest.param({"AllocTRES": "gres/gpu=4"}, "device_share", 1000, id="whole ones"),
        pytest.param({"AllocTRES": "gres/gpu=3"}, "tasks", 3, id="what does not divide is a task each"),
        pytest.param({"AllocTRES": "gres/gpu=3"}, "device_count", 1, id="with one device each"),
        pytest.param({"AllocTRES": "gres/gpu=3"}, "cpu_milli", 2667, id="and its part of the cpus"),
        pytest.param({"AllocTRES": "gres/gpu=0"}, "tasks", 2, id="no devices divide"),
        pytest.param({"AllocTRES": "billing,gres/gpu=2"}, "device_count", 1, id="a word without an amount"),
        pytest.param({"AllocTRES": "gres/gpu:a100=2"}, "device_count", 0, id="only the sum over models counts"),
    ],
)
def test_what_each_column_becomes(given_: dict[str, str], column: str, expected: int) -> None:
    assert getattr(read(row(**given_)), column).tolist() == [expected]


@pytest.mark.parametrize(
    ("field", "codes", "names"),
    [
        ("User", "user", "users"),
        ("Account", "project", "projects"),
        ("Partition", "queue", "queues"),
        ("JobName", "application", "applications"),
    ],
)
def test_names_are_told_from_each_other(field: str, codes: str, names: str) -> None:
    trace = read(*(row(JobIDRaw=str(place), **{field: name}) for place, name in enumerate(["b", "", "a", "b"])))
    assert [getattr(trace, names)[code] for code in getattr(trace, codes).tolist()] == ["b", "", "a", "b"]


@pytest.mark.parametrize(
    ("elapsed", "seconds"),
    [("00:01:00", 60), ("01:00:00", 3600), ("2-00:00:01", 172_801), ("00:00:07", 7), ("10:05", 605)],
)
def test_a_run_time_may_be_written_as_a_clock(elapsed: str, seconds: int) -> None:
    assert columns(**NEEDED | {"Elapsed": elapsed}).runtime_us.tolist() == [seconds * SECOND]


@pytest.mark.parametrize(
    ("limit", "seconds"), [("01:00:00", 3600), ("1-00:00:00", 86_400), ("UNLIMITED", 60), ("", 60), ("INVALID", 60)]
)
def test_a_limit_may_be_written_as_a_clock(limit: str, seconds: int) -> None:
    assert columns(**NEEDED, Timelimit=limit).requested_us.tolist() == [seconds * SECOND]


def test_a_limit_in_minutes_stands_before_one_as_a_clock() -> None:
    assert columns(**NEEDED, Timelimit="01:00:00", TimelimitRaw="2").requested_us.tolist() == [120 * SECOND]
    assert columns(**NEEDED, Timelimit="01:00:00", TimelimitRaw="").requested_us.tolist() == [3600 * SECOND]


@pytest.mark.parametrize(
    ("given_", "cpus"),
    [
        pytest.param({"NCPUS": "4", "AllocCPUS": "2", "ReqCPUS": "1"}, 4, id="all three"),
        pytest.param({"AllocCPUS": "2", "ReqCPUS": "1"}, 2, id="had and asked for"),
        pytest.param({"ReqCPUS": "1"}, 1, id="asked for"),
        pytest.param({"NCPUS": "", "AllocCPUS": "2"}, 2, id="the first that says anything"),
    ],
)
def test_the_first_column_of_cpus_that_says_anything_counts(given_: dict[str, str], cpus: int) -> None:
    basis = {name: value for name, value in NEEDED.items() if name != "AllocCPUS"}
    assert columns(**basis, **given_).cpu_milli.tolist() == [1000 * cpus]


def test_resources_asked_for_stand_in_for_those_it_had() -> None:
    assert columns(**NEEDED, AllocTRES="", ReqTRES="gres/gpu=1,mem=2G").device_count.tolist() == [1]
    assert columns(**NEEDED, AllocTRES="mem=1G", ReqTRES="mem=2G").memory_bytes.tolist() == [GIB]


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        pytest.param("2026-01-01T00:00:00", "2026-01-01T00:00:05", 5, id="instants"),
        pytest.param("2025-12-31T23:59:59", "2026-01-01T00:00:01", 2, id="over the turn of a year"),
        pytest.param("1767225600", "1767225607", 7, id="seconds since the epoch"),
        pytest.param("1767225600", "2026-01-01T00:00:03", 3, id="one of each: instants are taken as UTC"),
    ],
)
def test_the_origin_is_the_first_submission(first: str, second: str, apart: int) -> None:
    trace = read(row(JobIDRaw="2", Submit=second), row(JobIDRaw="1", Submit=first))
    assert (trace.number.tolist(), trace.submitted_us.tolist()) == ([1, 2], [0, apart * SECOND])


@pytest.mark.parametrize(
    "given_",
    [
        pytest.param({"Start": "Unknown"}, id="it never began"),
        pytest.param({"Start": "None"}, id="as newer Slurm writes that"),
        pytest.param({"Start": ""}, id="its beginning is not told"),
        pytest.param({"End": "Unknown"}, id="it has not ended"),
        pytest.param({"State": "RUNNING"}, id="it runs"),
        pytest.param({"State": "PENDING"}, id="it waits"),
        pytest.param({"ElapsedRaw": "0"}, id="it took no time"),
        pytest.param({"NCPUS": "0"}, id="it had no cpus"),
    ],
)
def test_what_did_not_run_to_an_end_is_dropped_and_counted(given_: dict[str, str]) -> None:
    trace = read(row(JobIDRaw="1"), row(JobIDRaw="2", **given_))
    assert (trace.number.tolist(), trace.dropped) == ([1], 1)


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "TIMEOUT", "CANCELLED by 1000", "OUT_OF_MEMORY", "NODE_FAIL"])
def test_whatever_its_end_what_ran_counts(state: str) -> None:
    assert read(row(State=state)).runtime_us.tolist() == [60 * SECOND]


@pytest.mark.parametrize("step", ["7.batch", "7.extern", "7.0", "7.interactive"])
def test_steps_are_passed_over_and_not_counted(step: str) -> None:
    trace = read(row(), row(JobIDRaw=step, NCPUS="x", ElapsedRaw="y"))
    assert (trace.number.tolist(), trace.dropped) == ([7], 0)


def test_empty_lines_are_passed_over() -> None:
    assert read("", row(), "").number.tolist() == [7]


def test_a_header_alone_is_an_empty_trace() -> None:
    assert len(read()) == 0


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        pytest.param({"JobID"}, "no column JobIDRaw or JobID", id="the job's number"),
        pytest.param({"Submit"}, "no column Submit", id="its submission"),
        pytest.param({"Start"}, "no column Start", id="its start"),
        pytest.param({"Elapsed"}, "no column ElapsedRaw or Elapsed", id="its run time"),
        pytest.param({"AllocCPUS"}, "no column NCPUS or AllocCPUS or ReqCPUS", id="its cpus"),
        pytest.param({"Submit", "Start"}, "no column Submit", id="the first of two"),
    ],
)
def test_a_missing_column_is_named_with_what_prints_it(missing: set[str], said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        columns(**{name: value for name, value in NEEDED.items() if name not in missing})
    assert (caught.value.field, caught.value.detail) == ("lines.1", f"line 1: {said}")
    assert caught.value.hint == "sacct --parsable2 --format"


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_an_empty_text_lacks_the_first_column(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="no column JobIDRaw or JobID"):
        read_sacct(text)


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        pytest.param({"JobIDRaw": "7_3"}, "'7_3' is not a job's number", id="an element of an array"),
        pytest.param({"JobIDRaw": "7+1"}, "'7+1' is not a job's number", id="a part of a heterogeneous job"),
        pytest.param({"JobIDRaw": "x"}, "'x' is not a job's number", id="a word for a number"),
        pytest.param({"JobIDRaw": ""}, "'' is not a job's number", id="no number"),
        pytest.param({"ElapsedRaw": "x"}, "invalid literal for int() with base 10: 'x'", id="a word for a run time"),
        pytest.param({"NCPUS": "x"}, "invalid literal for int() with base 10: 'x'", id="a word for cpus"),
        pytest.param({"NCPUS": "1.5"}, "invalid literal for int() with base 10: '1.5'", id="part of a cpu"),
        pytest.param({"NNodes": "x"}, "invalid literal for int() with base 10: 'x'", id="a word for nodes"),
        pytest.param({"TimelimitRaw": "x"}, "invalid literal for int() with base 10: 'x'", id="a word for a limit"),
        pytest.param({"Submit": "yesterday"}, "Invalid isoformat string: 'yesterday'", id="a word for an instant"),
        pytest.param({"Submit": "Unknown"}, "Invalid isoformat string: 'Unknown'", id="an unknown submission"),
        pytest.param(
            {"AllocTRES": "gres/gpu=x"}, "invalid literal for int() with base 10: 'x'", id="a word for devices"
        ),
        pytest.param({"AllocTRES": "mem=lots"}, "'lots' is not an amount of memory", id="a word for memory it had"),
        pytest.param({"ReqMem": "lots"}, "'lots' is not an amount of memory", id="a word for memory asked for"),
        pytest.param({"ReqMem": "?"}, "'?' is not an amount of memory", id="memory that Slurm did not know"),
    ],
)
def test_a_damaged_line_is_named_with_what_is_wrong(given_: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(row(JobIDRaw="1"), row(**given_))
    assert caught.value.field == "lines.3"
    assert caught.value.detail.startswith(f"line 3: {said}")


@pytest.mark.parametrize(("line", "count"), [("1|2", 2), (row() + "|", 16), ("x", 1)])
def test_a_line_of_other_columns_is_named_with_how_many_it_has(line: str, count: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(row(), line)
    assert (caught.value.field, caught.value.detail) == ("lines.3", f"line 3: {count} columns, not 15")


@pytest.mark.parametrize(("elapsed", "said"), [("x", "'x' is not a duration"), ("1:2:3:4", "'1:2:3:4' is not")])
def test_a_clock_that_is_none_is_named(elapsed: str, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said) as caught:
        columns(**NEEDED | {"Elapsed": elapsed})
    assert caught.value.field == "lines.2"


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        pytest.param({"JobIDRaw": "1" * 30}, "number.0", id="a job's number"),
        pytest.param({"ElapsedRaw": "1" * 18}, "runtime_us.0", id="a run time"),
        pytest.param({"TimelimitRaw": "1" * 18}, "requested_us.0", id="a limit"),
        pytest.param({"TimelimitRaw": "-3"}, "requested_us.0", id="a limit below none"),
        pytest.param({"NCPUS": "1" * 18}, "cpu_milli.0", id="cpus"),
        pytest.param({"NNodes": "1" * 12}, "tasks.0", id="nodes"),
        pytest.param({"AllocTRES": "gres/gpu=-3"}, "tasks.0", id="devices below none"),
    ],
)
def test_an_impossible_amount_is_refused(given_: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(row(**given_))
    assert caught.value.field == field


AMOUNTS = st.tuples(st.integers(1, 10**6), st.integers(1, 4096), st.integers(1, 64), st.integers(0, 256))


@given(st.lists(AMOUNTS, max_size=10))
def test_a_job_is_shared_out_in_whole_equal_parts_that_hold_all_of_it(jobs: list[tuple[int, int, int, int]]) -> None:
    trace = read(
        *(
            row(JobIDRaw=str(n), ElapsedRaw=str(s), NCPUS=str(c), NNodes=str(k), AllocTRES=f"gres/gpu={g},mem={c}M")
            for n, (s, c, k, g) in enumerate(jobs)
        )
    )
    for place, (seconds, cpus, nodes, gpus) in enumerate(jobs):
        tasks = int(trace.tasks[place])
        assert trace.runtime_us[place] == seconds * SECOND
        assert tasks == (gpus if gpus % nodes else nodes)
        assert trace.device_count[place] * tasks == gpus
        assert 0 <= trace.cpu_milli[place] * tasks - cpus * 1000 < tasks
        assert 0 <= trace.memory_bytes[place] * tasks - cpus * MIB < tasks
