"""A log of the standard format as archives have them, column by column; and amounts that only look like numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.swf import SwfHeader, from_swf_header, read_swf
from suanli.kernel.replay.trace import UNKNOWN, Trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError
from tests.unit.kernel.replay.formats.test_swf import line

SECOND, KIB = 1_000_000, 1024
MOST_SECONDS = NEVER // SECOND
LOG = """\
; Version: 2.2
; Computer: Abacus
; MaxNodes: 4
; MaxProcs: 16
; UnixStartTime: 86400
1 0 5 60 4 50 1000 4 120 2000 1 7 3 2 1 1 -1 -1
2 30 0 10 2 -1 -1 8 -1 -1 0 9 3 -1 0 1 -1 -1
3 30 0 -1 -1 -1 -1 8 600 -1 5 9 3 -1 0 1 -1 -1
5 45 9 3600 1 3500 512 -1 1800 -1 1 7 4 2 1 1 1 60
4 45 1 1 16 0 0 0 0 0 1 -1 -1 -1 -1 -1 -1 -1
"""


def test_every_column_of_a_log_becomes_what_the_format_means_by_it() -> None:
    """Four ran; the third was cancelled before it began, and the last two come at one instant, by number."""
    trace = read_swf(LOG).trace
    assert trace.number.tolist() == [1, 2, 4, 5]
    assert trace.dropped == 1
    assert (trace.submitted_us // SECOND).tolist() == [0, 30, 45, 45]
    assert (trace.runtime_us // SECOND).tolist() == [60, 10, 1, 3600]
    # Asked for: 120 s; nothing, hence what it ran; nothing; half of what it then ran.
    assert (trace.requested_us // SECOND).tolist() == [120, 10, 1, 1800]
    # Asked for: 4 and 8, though the second had 2; the others said nothing and had 16 and 1.
    assert trace.tasks.tolist() == [4, 8, 16, 1]
    # Of each processor: what was asked for, nothing known, nothing known, what was used.
    assert (trace.memory_bytes // KIB).tolist() == [2000, 0, 0, 512]
    assert [trace.users[code] for code in trace.user.tolist()] == ["7", "9", "", "7"]
    assert [trace.projects[code] for code in trace.project.tolist()] == ["3", "3", "", "4"]
    assert [trace.applications[code] for code in trace.application.tolist()] == ["2", "", "", "2"]
    assert [trace.queues[code] for code in trace.queue.tolist()] == ["1", "0", "", "1"]


def test_what_was_used_is_the_mean_of_a_processor_times_those_held() -> None:
    trace = read_swf(LOG).trace
    assert trace.used_cpu_us.tolist() == [50 * 4 * SECOND, UNKNOWN, UNKNOWN, 3500 * SECOND]
    assert trace.used_memory_bytes.tolist() == [1000 * 4 * KIB, UNKNOWN, UNKNOWN, 512 * KIB]


def test_the_machine_of_the_log_is_told_by_its_header() -> None:
    header = read_swf(LOG).header
    assert header == SwfHeader(computer="Abacus", max_nodes=4, max_procs=16, unix_start_time=86_400)
    assert from_swf_header(header).cpu_milli == 16_000


@pytest.mark.parametrize(
    ("used", "asked", "held"),
    [
        pytest.param(12, 16, 12, id="those used, where both are told"),
        pytest.param(0, 16, 16, id="those asked for, where none were used"),
        pytest.param(-1, 16, 16, id="or where that is not known"),
        pytest.param(5, 1, 5, id="more than were asked for"),
    ],
)
def test_use_is_of_the_processors_held(used: int, asked: int, held: int) -> None:
    trace = read_swf(line(used=used, procs=asked, cpu=7, used_kib=3)).trace
    assert trace.tasks.tolist() == [asked]
    assert trace.used_cpu_us.tolist() == [7 * held * SECOND]
    assert trace.used_memory_bytes.tolist() == [3 * held * KIB]


@pytest.mark.parametrize("column", ["cpu", "used_kib"])
@pytest.mark.parametrize("value", [0, -1, -7])
def test_no_use_is_not_known_use(column: str, value: int) -> None:
    trace = read_swf(line(**{column: value})).trace
    assert (trace.used_cpu_us.tolist(), trace.used_memory_bytes.tolist()) == ([UNKNOWN], [UNKNOWN])


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        # 2**20 processors of 2**44 s: the microseconds are 0 modulo 2**64, and would be told as no use at all.
        pytest.param({"used": 2**20, "cpu": 2**44}, "used_cpu_us.0", id="processor time that would wrap to nothing"),
        pytest.param({"used": 2, "cpu": MOST_SECONDS}, "used_cpu_us.0", id="twice the most"),
        pytest.param({"used": 2**20, "used_kib": 2**50, "kib": 1}, "used_memory_bytes.0", id="memory that would wrap"),
        pytest.param({"used": 3, "used_kib": 2**52 // 3 + 1, "kib": 1}, "used_memory_bytes.0", id="just too much"),
    ],
)
def test_use_beyond_all_measure_is_refused_and_never_wrapped(given_: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(line(**given_))
    assert caught.value.field == field
    assert caught.value.detail == f"{given_.get('cpu', given_.get('used_kib'))} is more than can be counted"


def test_the_most_that_can_be_counted_was_used() -> None:
    trace = read_swf(line(used=2, cpu=MOST_SECONDS // 2, used_kib=2**51, kib=1)).trace
    assert trace.used_cpu_us.tolist() == [MOST_SECONDS // 2 * 2 * SECOND]
    assert trace.used_memory_bytes.tolist() == [2**62]


def test_a_time_is_counted_up_to_the_end_of_all_time_and_no_further() -> None:
    assert read_swf(line(run=MOST_SECONDS)).trace.runtime_us.tolist() == [MOST_SECONDS * SECOND]
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(f"{line()}\n{line(number=2, run=MOST_SECONDS + 1)}")
    assert (caught.value.field, caught.value.detail) == (
        "runtime_us.1",
        f"{MOST_SECONDS + 1} is more than can be counted",
    )


@pytest.mark.parametrize("digits", [18, 19, 4301, 9000])
def test_a_header_of_too_many_digits_tells_nothing(digits: int) -> None:
    """Beyond 64 bits it is no machine; beyond some thousands of digits Python would refuse to read it at all."""
    header = read_swf(f"; MaxProcs: {'9' * digits}\n; MaxNodes: 7\n{line()}").header
    assert header.max_procs == (int("9" * digits) if digits == 18 else 0)
    assert header.max_nodes == 7


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        pytest.param(line() + " ; it failed", "21 columns, not 18", id="a remark behind a job"),
        pytest.param(line(run="60\0"), "could not convert string to float: '60\\x00'", id="a byte that is none"),
        pytest.param(line(run="\N{SUPERSCRIPT TWO}"), "could not convert string to float: '²'", id="a raised digit"),
        pytest.param(line(think=10**30), "a number is too large", id="a number that is not even looked at"),
        pytest.param(line(run="0x3c"), "could not convert string to float: '0x3c'", id="another base"),
    ],
)
def test_what_only_looks_like_a_job_is_named(damaged: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(f"{line(number=5)}\n{damaged}")
    assert (caught.value.field, caught.value.detail) == ("lines.2", f"line 2: {said}")


def test_a_job_that_is_there_twice_is_refused_and_one_submitted_again_is_not() -> None:
    assert read_swf(f"{line()}\n{line(submit=9)}").trace.number.tolist() == [1, 1]
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(f"{line(number=3)}\n{line()}\n{line()}")
    assert caught.value.field == "number.1"
    assert "a number is there twice" in caught.value.detail


ROWS = st.lists(st.lists(st.integers(-1, 10**5), min_size=17, max_size=17), max_size=12)


def columns(trace: Trace) -> list[object]:
    return [
        getattr(trace, name).tolist() for name in Trace.__dataclass_fields__ if hasattr(getattr(trace, name), "tolist")
    ]


@given(ROWS, st.data())
def test_however_numbers_are_written_and_remarked_upon_the_log_is_the_same(
    rows: list[list[int]], data: st.DataObject
) -> None:
    """One reader takes a block of plain numbers at once, the other any line by itself: nobody may notice which."""
    plain = [" ".join(map(str, [number, *row])) for number, row in enumerate(rows)]
    odd = []
    for text in plain:
        words = text.split()
        place = data.draw(st.integers(0, 17))
        words[place] += data.draw(st.sampled_from(["", ".0", ".75" if int(words[place]) >= 0 else "", "e0"]))
        odd += [
            data.draw(st.sampled_from(["; a remark", "", "  "])),
            data.draw(st.sampled_from([" ", "\t"])).join(words),
        ]
    one, other = read_swf("\n".join(plain)), read_swf("\n".join(odd))
    assert columns(one.trace) == columns(other.trace)
    assert one.trace.users == other.trace.users
    assert one.trace.dropped == other.trace.dropped == len(rows) - len(one.trace)
