"""What ``sacct`` prints besides the usual: columns left empty, jobs that came back, and texts that are no amounts."""

from __future__ import annotations

from typing import Any

import pytest

from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.trace import UNKNOWN, Trace
from suanli.model.errors import InvalidRequestError

SECOND, MIB = 1_000_000, 1024**2
PLAIN = {"JobIDRaw": "7", "Submit": "100", "Start": "110", "ElapsedRaw": "60", "NCPUS": "4"}


def accounts(*rows: dict[str, Any]) -> str:
    """A header of all columns that any row has, and the rows."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["|".join(str(row.get(name, "")) for name in names) for row in rows]
    return "\n".join(["|".join(names), *lines])


def read(*rows: dict[str, Any]) -> Trace:
    return read_sacct(accounts(*(PLAIN | row for row in rows)))


def refused(*rows: dict[str, Any]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        read(*rows)
    return caught.value


def test_a_day_of_accounts_by_hand() -> None:
    """The origin is 100 s; the fourth never began; the array's second element has what its steps say of memory."""
    day = [
        {"JobIDRaw": "12", "Submit": "160", "User": "eve", "Account": "physics", "Reservation": "course"},
        {"JobIDRaw": "11", "TimelimitRaw": "2", "AllocTRES": "cpu=4,mem=6M,node=2", "NNodes": "2", "User": "ann"},
        {"JobIDRaw": "11.batch", "MaxRSS": "1M", "NTasks": "1"},
        {"JobIDRaw": "11.0", "MaxRSS": "2M", "NTasks": "2"},
        {"JobIDRaw": "13", "Start": "Unknown", "State": "CANCELLED by 7", "User": "bob"},
        {"JobIDRaw": "14", "Submit": "130", "TotalCPU": "03:20.5", "AllocTRES": "gres/gpu=3", "NNodes": "2"},
    ]
    trace = read(*day)
    assert (trace.number.tolist(), trace.dropped) == ([11, 14, 12], 1)
    assert (trace.submitted_us // SECOND).tolist() == [0, 30, 60]
    assert (trace.requested_us // SECOND).tolist() == [120, 60, 60]
    # Two nodes of two cpus; three devices do not divide by two nodes, so a task each; four cpus on one node.
    assert (trace.tasks.tolist(), trace.cpu_milli.tolist()) == ([2, 3, 1], [2000, 1334, 4000])
    assert trace.device_count.tolist() == [0, 1, 0]
    assert trace.memory_bytes.tolist() == [3 * MIB, 0, 0]
    assert trace.used_memory_bytes.tolist() == [4 * MIB, UNKNOWN, UNKNOWN]
    assert trace.used_cpu_us.tolist() == [UNKNOWN, 200_500_000, UNKNOWN]
    assert [trace.users[code] for code in trace.user.tolist()] == ["ann", "", "eve"]
    assert [trace.projects[code] for code in trace.project.tolist()] == ["", "", "physics"]
    assert [trace.reservations[code] for code in trace.reservation.tolist()] == ["", "", "course"]


def test_an_elapsed_time_that_is_left_empty_is_named_and_no_accident() -> None:
    error = refused({}, {"JobIDRaw": "8", "ElapsedRaw": ""})
    assert (error.field, error.detail) == ("lines.3", "line 3: '' is not a duration")


def test_where_there_are_both_the_raw_time_stands_and_the_other_fills_in() -> None:
    trace = read({"Elapsed": "00:01:30"}, {"JobIDRaw": "8", "ElapsedRaw": "", "Elapsed": "1-00:00:01"})
    assert (trace.runtime_us // SECOND).tolist() == [60, 86_401]


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        pytest.param("00:01", SECOND, id="a second"),
        pytest.param("02:03", 123 * SECOND, id="minutes and seconds"),
        pytest.param("1:02:03", 3723 * SECOND, id="hours"),
        pytest.param("2-01:02:03", (2 * 86_400 + 3723) * SECOND, id="days"),
        pytest.param("00:01.5", 1_500_000, id="half a second"),
        pytest.param("00:00.000001", 1, id="a microsecond"),
        pytest.param("00:00.0000019", 1, id="what lies beyond microseconds is cut off"),
        pytest.param("00:02.123456", 2_123_456, id="six digits"),
        pytest.param("00:00", UNKNOWN, id="nothing was measured"),
        pytest.param("00:00.000", UNKNOWN, id="nor here"),
        pytest.param("", UNKNOWN, id="nothing is told"),
        pytest.param("INVALID", UNKNOWN, id="Slurm could not tell"),
    ],
)
def test_processor_time(text: str, micros: int) -> None:
    assert read({"TotalCPU": text}).used_cpu_us.tolist() == [micros]


@pytest.mark.parametrize("text", ["1", "1:2:3:4", "a:b", "-1:00", "1.5", "00:01,5", "1-1-00:00"])
def test_processor_time_that_is_none_is_named_with_how_it_is_written(text: str) -> None:
    error = refused({"TotalCPU": text})
    assert (error.field, error.code) == ("lines.2", "invalid_request")
    assert error.detail == f"line 2: {text!r} is not a time"


@pytest.mark.parametrize("number", ["7_1", "7+0", "7_[1-3]", "x", "-7", "7 ", "\N{ARABIC-INDIC DIGIT SEVEN}"])
def test_what_is_no_number_of_a_job_is_named(number: str) -> None:
    error = refused({"JobIDRaw": number})
    assert (error.field, error.detail) == ("lines.2", f"line 2: {number!r} is not a job's number")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"NCPUS": "four"}, "invalid literal for int() with base 10: 'four'", id="cpus"),
        pytest.param({"NCPUS": "4.5"}, "invalid literal for int() with base 10: '4.5'", id="parts of a cpu"),
        pytest.param({"NNodes": "1K"}, "invalid literal for int() with base 10: '1K'", id="nodes"),
        pytest.param({"AllocTRES": "gres/gpu=two"}, "invalid literal for int() with base 10: 'two'", id="devices"),
        pytest.param({"AllocTRES": "mem=lots"}, "'lots' is not an amount of memory", id="memory"),
        pytest.param({"ReqMem": "-5Gn"}, "'-5G' is not an amount of memory", id="memory below none"),
        pytest.param({"Submit": "yesterday"}, "Invalid isoformat string: 'yesterday'", id="an instant"),
        pytest.param({"Submit": "2024-13-01T00:00:00"}, "month must be in 1..12", id="a month that is none"),
        pytest.param({"TimelimitRaw": "2h"}, "invalid literal for int() with base 10: '2h'", id="a raw limit"),
        pytest.param({"Timelimit": "soon"}, "'soon' is not a duration", id="a limit"),
        pytest.param({"ElapsedRaw": "9" * 5000}, "Exceeds the limit (4300 digits)", id="very many digits"),
    ],
)
def test_what_is_no_amount_is_named_with_its_line(changed: dict[str, str], said: str) -> None:
    error = refused({}, {"JobIDRaw": "8"} | changed)
    assert error.field == "lines.3"
    assert error.detail.startswith(f"line 3: {said}")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        pytest.param({"NCPUS": "9" * 40}, "cpu_milli.0", id="cpus beyond 64 bits"),
        pytest.param({"AllocTRES": "gres/gpu=-2"}, "device_count.0", id="devices below none"),
        pytest.param({"TimelimitRaw": "-1"}, "requested_us.0", id="a limit below none"),
        pytest.param({"ElapsedRaw": "9" * 14}, "runtime_us.0", id="a run time beyond all measure"),
        pytest.param({"NNodes": "9999999999"}, "tasks.0", id="more nodes than can be counted"),
    ],
)
def test_an_amount_that_cannot_be_counted_is_refused_by_its_column(changed: dict[str, str], field: str) -> None:
    assert refused(changed).field == field


@pytest.mark.parametrize(
    ("changed", "dropped"),
    [
        pytest.param({"Start": "None"}, 1, id="it never began"),
        pytest.param({"Start": ""}, 1, id="nobody knows when"),
        pytest.param({"End": "Unknown"}, 1, id="it has not ended"),
        pytest.param({"End": "2024-01-01T00:00:00"}, 0, id="it has"),
        pytest.param({"State": "RUNNING"}, 1, id="it runs"),
        pytest.param({"State": "PENDING"}, 1, id="it waits"),
        pytest.param({"State": "TIMEOUT"}, 0, id="it took too long"),
        pytest.param({"ElapsedRaw": "0"}, 1, id="it took no time"),
        pytest.param({"NCPUS": "0"}, 1, id="it had no cpus"),
        pytest.param({"NCPUS": ""}, 1, id="nobody knows how many it had"),
        pytest.param({"ElapsedRaw": "1", "NCPUS": "1"}, 0, id="the least that is a job"),
    ],
)
def test_who_did_not_run_to_an_end_is_dropped_and_counted(changed: dict[str, str], dropped: int) -> None:
    trace = read(changed)
    assert (len(trace), trace.dropped) == (1 - dropped, dropped)


def test_only_jobs_that_never_ran_are_an_empty_trace() -> None:
    trace = read({"Start": "Unknown"}, {"JobIDRaw": "8", "State": "PENDING"})
    assert (len(trace), trace.dropped) == (0, 2)
    empty = read_sacct("|".join(PLAIN))
    assert (len(empty), empty.dropped) == (0, 0)


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        pytest.param([("7.0", "2M", "3")], 6 * MIB, id="its tasks are as large as the largest"),
        pytest.param([("7.0", "2M", "")], 2 * MIB, id="one task where their number is not told"),
        pytest.param([("7.0", "2M", "1"), ("7.1", "5M", "1")], 5 * MIB, id="the largest step"),
        pytest.param([("7.1", "5M", "1"), ("7.0", "2M", "1")], 5 * MIB, id="in any order"),
        pytest.param([("7.extern", "", "1")], UNKNOWN, id="a step that is not told of"),
        pytest.param([("8.0", "5M", "1")], UNKNOWN, id="a step of nobody"),
        pytest.param([("77.0", "5M", "1")], UNKNOWN, id="a step of a longer number"),
    ],
)
def test_memory_is_that_of_the_largest_step(steps: list[tuple[str, str, str]], known: int) -> None:
    rows = [{"JobIDRaw": step, "MaxRSS": size, "NTasks": tasks} for step, size, tasks in steps]
    assert read({}, *rows).used_memory_bytes.tolist() == [known]
    # Steps may be listed before their job as well.
    assert read(*rows, {}).used_memory_bytes.tolist() == [known]


def test_a_job_that_was_requeued_is_there_once_for_each_submission() -> None:
    assert read({}, {"Submit": "300"}).number.tolist() == [7, 7]
    error = refused({}, {})
    assert error.field == "number.1"
    assert "a number is there twice" in error.detail


@pytest.mark.parametrize("missing", PLAIN)
def test_each_column_that_is_needed_is_asked_for(missing: str) -> None:
    row = {name: value for name, value in PLAIN.items() if name != missing}
    with pytest.raises(InvalidRequestError) as caught:
        read_sacct(accounts(row))
    choices = {"JobIDRaw": "JobIDRaw or JobID", "ElapsedRaw": "ElapsedRaw or Elapsed"}
    choices["NCPUS"] = "NCPUS or AllocCPUS or ReqCPUS"
    assert (caught.value.field, caught.value.hint) == ("lines.1", "sacct --parsable2 --format")
    assert caught.value.detail == f"line 1: no column {choices.get(missing, missing)}"


def test_names_in_any_script_are_kept_as_they_are() -> None:
    names = {"User": "Zoë", "Account": "物理", "Partition": "gpu λ", "JobName": "train=1,b=2"}
    trace = read(names)
    assert (trace.users, trace.projects, trace.queues) == (("Zoë",), ("物理",), ("gpu λ",))
    assert trace.applications == ("train=1,b=2",)
