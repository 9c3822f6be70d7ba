"""The Standard Workload Format: each column, each field of the header, and each way in which a log may be damaged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.center import UNKNOWN_MEMORY_BYTES
from suanli.kernel.replay.formats.swf import SwfHeader, from_swf_header, read_swf
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError

SECOND = 1_000_000
COLUMNS = (
    "number",
    "submit",
    "wait",
    "run",
    "used",
    "cpu",
    "used_kib",
    "procs",
    "time",
    "kib",
    "status",
    "user",
    "group",
    "application",
    "queue",
    "partition",
    "after",
    "think",
)
RAN = {"number": 1, "submit": 0, "run": 60, "used": 1}


def line(**given_: object) -> str:
    """A job that ran for a minute on one processor, all else unknown."""
    fields = dict.fromkeys(COLUMNS, -1) | RAN | given_
    assert len(fields) == 18
    return " ".join(map(str, fields.values()))


def one(**given_: object) -> Trace:
    trace = read_swf(line(**given_)).trace
    assert len(trace) == 1
    return trace


@pytest.mark.parametrize(
    ("given_", "column", "expected"),
    [
        pytest.param({"number": 17}, "number", 17, id="the job's number is kept"),
        pytest.param({"submit": 5}, "submitted_us", 5 * SECOND, id="submission is seconds from the log's start"),
        pytest.param({"submit": 0}, "submitted_us", 0, id="the first may come at the very start"),
        pytest.param({"run": 7}, "runtime_us", 7 * SECOND, id="run time is seconds"),
        pytest.param({"wait": 99}, "submitted_us", 0, id="how long it waited is not looked at"),
        pytest.param({"used": 12}, "tasks", 12, id="processors used stand where none were asked for"),
        pytest.param({"used": 12, "procs": 16}, "tasks", 16, id="processors asked for stand before those used"),
        pytest.param({"used": 12, "procs": 0}, "tasks", 12, id="none asked for is as good as unknown"),
        pytest.param({"used": -1, "procs": 3}, "tasks", 3, id="processors asked for are enough"),
        pytest.param({"time": 90}, "requested_us", 90 * SECOND, id="the time asked for is the limit"),
        pytest.param({"time": 1}, "requested_us", SECOND, id="also one of a second"),
        pytest.param({"used": 1, "procs": 1}, "tasks", 1, id="one processor is one task"),
        pytest.param({"run": 1}, "runtime_us", SECOND, id="a run of a second ran"),
        pytest.param({"kib": 1, "used_kib": 9}, "memory_bytes", 1024, id="a kibibyte asked for is memory"),
        pytest.param({"time": -1}, "requested_us", 60 * SECOND, id="else the run time is"),
        pytest.param({"time": 0}, "requested_us", 60 * SECOND, id="no time asked for is as good as unknown"),
        pytest.param({"time": 30}, "requested_us", 30 * SECOND, id="a limit below the run time is kept"),
        pytest.param({"time": 30}, "runtime_us", 60 * SECOND, id="and the run time beyond it as well"),
        pytest.param({"kib": 4}, "memory_bytes", 4096, id="memory is kibibytes of each processor"),
        pytest.param({"kib": 4, "used_kib": 9}, "memory_bytes", 4096, id="memory asked for stands before memory used"),
        pytest.param({"kib": 0, "used_kib": 9}, "memory_bytes", 9216, id="no memory asked for is as good as unknown"),
        pytest.param({"kib": -1, "used_kib": -1}, "memory_bytes", 0, id="unknown memory is none"),
        pytest.param({"cpu": 3}, "cpu_milli", 1000, id="each processor is one task of one cpu"),
        pytest.param({"status": 0}, "runtime_us", 60 * SECOND, id="a job that failed ran all the same"),
        pytest.param({"status": 5}, "runtime_us", 60 * SECOND, id="and one that was cancelled while it ran"),
    ],
)
def test_what_each_column_becomes(given_: dict[str, int], column: str, expected: int) -> None:
    assert getattr(one(**given_), column).tolist() == [expected]


@pytest.mark.parametrize(
    ("field", "codes", "names"),
    [
        ("user", "user", "users"),
        ("group", "project", "projects"),
        ("application", "application", "applications"),
        ("queue", "queue", "queues"),
    ],
)
def test_identifiers_become_names_and_the_unknown_the_empty_name(field: str, codes: str, names: str) -> None:
    rows = [line(number=place, **{field: value}) for place, value in enumerate([7, -1, 0, 7])]
    trace = read_swf("\n".join(rows)).trace
    of = getattr(trace, names)
    assert [of[code] for code in getattr(trace, codes).tolist()] == ["7", "", "0", "7"]
    assert len(of) == 3


@pytest.mark.parametrize(
    "given_",
    [
        pytest.param({"run": 0}, id="it took no time"),
        pytest.param({"run": -1}, id="its run time is unknown"),
        pytest.param({"used": -1}, id="its processors are unknown"),
        pytest.param({"used": 0}, id="it had no processors"),
        pytest.param({"used": 0, "procs": 0}, id="it asked for none and had none"),
        pytest.param({"run": 0, "status": 5}, id="it was cancelled before it ran"),
    ],
)
def test_what_never_ran_is_dropped_and_counted(given_: dict[str, int]) -> None:
    trace = read_swf(f"{line(number=1)}\n{line(number=2, **given_)}\n{line(number=3)}").trace
    assert (trace.number.tolist(), trace.dropped) == ([1, 3], 1)


def test_a_log_of_jobs_that_never_ran_is_an_empty_trace() -> None:
    trace = read_swf(f"{line(run=0)}\n{line(number=2, used=0)}\n").trace
    assert (len(trace), trace.dropped) == (0, 2)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param("", [], id="nothing at all"),
        pytest.param("\n\n", [], id="empty lines"),
        pytest.param("; Version: 2.2\n", [], id="a header only"),
        pytest.param(f"{line(number=1)}\n\n{line(number=2)}\n", [1, 2], id="an empty line between jobs"),
        pytest.param(f"{line(number=1)}\n; a note\n{line(number=2)}", [1, 2], id="a comment between jobs"),
        pytest.param(f"  {line(number=1)}  \n\t{line(number=2)}", [1, 2], id="blanks and tabs around"),
        pytest.param(line(number=1).replace(" ", "\t"), [1], id="tabs between columns"),
        pytest.param(line(number=1).replace(" ", "   "), [1], id="several blanks between columns"),
        pytest.param(f"{line(number=1)}\r\n{line(number=2)}\r\n", [1, 2], id="lines that end as on Windows"),
        pytest.param(f"{line(number=2)}\n{line(number=1)}", [1, 2], id="equal submissions go by number"),
        pytest.param(f"{line(number=1, submit=9)}\n{line(number=2, submit=3)}", [2, 1], id="others by submission"),
    ],
)
def test_lines_that_are_read(text: str, numbers: list[int]) -> None:
    assert read_swf(text).trace.number.tolist() == numbers


@pytest.mark.parametrize(
    ("value", "seconds"), [("60.0", 60), ("60.999", 60), ("6e1", 60), ("0060", 60), ("+60", 60), ("1e3", 1000)]
)
def test_fractions_are_cut_off_and_other_ways_to_write_a_number_are_read(value: str, seconds: int) -> None:
    assert one(run=value).runtime_us.tolist() == [seconds * SECOND]


def test_a_job_with_a_fraction_reads_the_others_alike() -> None:
    plain = read_swf(f"{line(number=1, user=5)}\n{line(number=2, submit=4, procs=9)}").trace
    mixed = read_swf(f"{line(number=1, user=5, cpu=1.5)}\n{line(number=2, submit=4, procs=9)}").trace
    for column in ("number", "submitted_us", "runtime_us", "requested_us", "tasks", "memory_bytes", "user"):
        assert getattr(plain, column).tolist() == getattr(mixed, column).tolist()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param("1 2 3", "3 columns, not 18", id="too few columns"),
        pytest.param("1 " * 19, "19 columns, not 18", id="too many columns"),
        pytest.param(line(run="x"), "could not convert string to float: 'x'", id="a word for a number"),
        pytest.param(line(run="6O"), "could not convert string to float: '6O'", id="a letter in a number"),
        pytest.param(line(run="nan"), "cannot convert float NaN to integer", id="no number"),
        pytest.param(line(run="inf"), "cannot convert float infinity to integer", id="infinity"),
        pytest.param(line(run="1e30"), "a number is too large", id="a number beyond 64 bits, written short"),
        pytest.param(line(run="1" * 25), "a number is too large", id="a number beyond 64 bits, written out"),
        pytest.param(line(submit="-" + "1" * 25), "a number is too large", id="one as far below"),
        pytest.param(line(run=2**63), "a number is too large", id="the first number beyond 64 bits"),
        pytest.param(line(run="1,000"), "could not convert string to float: '1,000'", id="a comma"),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 4])
def test_a_damaged_line_is_named_with_what_is_wrong(damage: str, said: str, before: int) -> None:
    sound = "".join(f"{line(number=number)}\n" for number in range(10, 10 + before))
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(f"; Version: 2.2\n{sound}{damage}\n{line(number=99)}\n")
    place = before + 2
    assert caught.value.field == f"lines.{place}"
    assert caught.value.detail == f"line {place}: {said}"
    assert caught.value.hint == "a job is 18 numbers on one line"
    assert caught.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        pytest.param({"procs": 2**32 + 1}, "tasks.0", id="processors that 32 bits would wrap to one"),
        pytest.param({"procs": 2**31}, "tasks.0", id="the first number of processors that 32 bits do not hold"),
        pytest.param({"submit": 10**15}, "submitted_us.0", id="a submission whose microseconds would wrap"),
        pytest.param({"run": 10**13}, "runtime_us.0", id="a run time whose microseconds would wrap"),
        pytest.param({"time": 10**13}, "requested_us.0", id="a limit whose microseconds would wrap"),
        pytest.param({"kib": 2**60}, "memory_bytes.0", id="memory whose bytes would wrap to none"),
        pytest.param({"used_kib": 2**54}, "memory_bytes.0", id="memory used whose bytes would wrap"),
    ],
)
def test_an_amount_beyond_all_measure_is_refused_and_never_wrapped(given_: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(line(**given_))
    assert caught.value.field == field


def test_the_largest_amounts_that_can_be_counted_are_read() -> None:
    trace = one(procs=2**31 - 1, run=4 * 10**12, time=4 * 10**12, kib=2**51)
    assert trace.tasks.tolist() == [2**31 - 1]
    assert trace.runtime_us.tolist() == trace.requested_us.tolist() == [4 * 10**18]
    assert trace.memory_bytes.tolist() == [2**61]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        pytest.param("; Computer: IBM SP2", {"computer": "IBM SP2"}, id="the machine"),
        pytest.param("; Installation: KTH", {"installation": "KTH"}, id="where it stood"),
        pytest.param("; MaxProcs: 100", {"max_procs": 100}, id="processors"),
        pytest.param(";MaxProcs:100", {"max_procs": 100}, id="without blanks"),
        pytest.param(";   MaxProcs:    100   ", {"max_procs": 100}, id="with many"),
        pytest.param("; MaxNodes: 50", {"max_nodes": 50}, id="nodes"),
        pytest.param("; UnixStartTime: 843400000", {"unix_start_time": 843_400_000}, id="when the log begins"),
        pytest.param("; MaxProcs: many", {}, id="an amount that is none is not known"),
        pytest.param("; MaxProcs: -1", {}, id="as the format writes the unknown"),
        pytest.param("; MaxProcs:", {}, id="an empty amount"),
        pytest.param("; Maxprocs: 100", {}, id="names are spelled as the format has them"),
        pytest.param("; MaxProcs: 100\n; MaxProcs: 7", {"max_procs": 100}, id="the first of two stands"),
        pytest.param("; Note: of MaxProcs: 7", {}, id="a field within another"),
        pytest.param("; Computer: a: b", {"computer": "a: b"}, id="a colon within a text"),
        pytest.param(";", {}, id="an empty comment"),
    ],
)
def test_each_field_of_the_header(header: str, found: dict[str, object]) -> None:
    assert read_swf(f"{header}\n{line()}\n").header == replace(SwfHeader(), **found)  # type: ignore[arg-type]


def test_the_header_ends_with_the_first_job() -> None:
    assert read_swf(f"; MaxNodes: 5\n{line()}\n; MaxProcs: 7\n").header == SwfHeader(max_nodes=5)


@pytest.mark.parametrize(
    ("header", "processors"),
    [
        pytest.param(SwfHeader(max_procs=100, max_nodes=50), 100, id="processors stand before nodes"),
        pytest.param(SwfHeader(max_nodes=50), 50, id="nodes where processors are not known"),
        pytest.param(SwfHeader(max_procs=1), 1, id="a machine of one"),
    ],
)
def test_the_machine_is_nodes_of_one_processor_whose_memory_is_no_limit(header: SwfHeader, processors: int) -> None:
    (group,) = from_swf_header(header).groups
    assert (group.prefix, group.count, group.cpu_milli) == ("cpu", processors, 1000)
    assert group.memory_bytes == UNKNOWN_MEMORY_BYTES
    assert group.devices == ()


def test_a_header_that_names_no_machine_is_told_what_to_give() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        from_swf_header(SwfHeader(computer="SP2"))
    assert (caught.value.field, caught.value.hint) == ("MaxProcs", "give --center")
    assert caught.value.detail == "the log does not say how many processors there were"


AMOUNT = st.integers(-1, 10**6)


@given(
    st.lists(
        st.fixed_dictionaries({name: AMOUNT for name in COLUMNS if name != "number"}),
        max_size=20,
    )
)
def test_any_log_reads_as_a_plain_reader_reads_it(rows: list[dict[str, int]]) -> None:
    def known(row: dict[str, int], first: str, second: str) -> int:
        return row[first] if row[first] > 0 else row[second]

    ran = [
        (row["submit"], number, row)
        for number, row in enumerate(rows)
        if row["run"] > 0 and known(row, "procs", "used") > 0
    ]
    trace = read_swf("\n".join(line(number=number, **row) for number, row in enumerate(rows))).trace
    assert trace.dropped == len(rows) - len(ran)
    found = zip(
        trace.submitted_us.tolist(),
        trace.number.tolist(),
        trace.tasks.tolist(),
        trace.requested_us.tolist(),
        trace.memory_bytes.tolist(),
        strict=True,
    )
    assert list(found) == [
        (
            submit * SECOND,
            number,
            known(row, "procs", "used"),
            known(row, "time", "run") * SECOND,
            max(0, known(row, "kib", "used_kib")) * 1024,
        )
        for submit, number, row in sorted(ran, key=lambda entry: entry[:2])
    ]
