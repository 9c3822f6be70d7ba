"""Reading the Standard Workload Format: every rule of ours about it, damaged lines, and real logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.swf import from_swf_header, read_swf
from suanli.model.errors import InvalidRequestError

LOGS = Path(__file__).parents[4].parent / "shared" / "data" / "traces" / "swf"
SECOND = 1_000_000


def line(number: int = 1, **given: float) -> str:
    fields: dict[str, float] = dict.fromkeys(
        ("submit", "wait", "run", "used", "cpu", "used_kib", "procs", "time", "kib", "status"), -1
    )
    fields |= {"submit": 0, "run": 60, "used": 1} | given
    rest = [fields.get(name, -1) for name in ("user", "group", "application", "queue", "partition", "after", "think")]
    return " ".join(str(value) for value in [number, *list(fields.values())[:10], *rest])


def test_asked_for_stands_before_used_and_used_where_nothing_was_asked() -> None:
    trace = read_swf("\n".join([line(1, procs=8, used=4, time=90), line(2, submit=1, used=4)])).trace
    assert trace.tasks.tolist() == [8, 4]
    assert trace.requested_us.tolist() == [90 * SECOND, 60 * SECOND]
    assert trace.runtime_us.tolist() == [60 * SECOND, 60 * SECOND]


def test_a_run_beyond_its_limit_is_kept_as_it_was() -> None:
    trace = read_swf(line(run=100, time=60)).trace
    assert (trace.runtime_us[0], trace.requested_us[0]) == (100 * SECOND, 60 * SECOND)


def test_jobs_that_never_ran_are_dropped_and_counted() -> None:
    trace = read_swf("\n".join([line(1), line(2, run=0), line(3, run=-1), line(4, used=-1), line(5, used=0)])).trace
    assert trace.number.tolist() == [1]
    assert trace.dropped == 4


def test_memory_is_kibibytes_of_each_processor() -> None:
    trace = read_swf("\n".join([line(1, kib=2, used_kib=9), line(2, used_kib=3), line(3)])).trace
    assert trace.memory_bytes.tolist() == [2048, 3072, 0]


def test_what_was_used_is_told_as_the_mean_over_the_processors_held() -> None:
    trace = read_swf(
        "\n".join([line(1, procs=8, used=4, cpu=30, used_kib=2), line(2, procs=8, used=-1, cpu=1), line(3)])
    )
    assert trace.trace.used_cpu_us.tolist() == [120 * SECOND, 8 * SECOND, -1]
    assert trace.trace.used_memory_bytes.tolist() == [8192, -1, -1]


def test_fractions_are_cut_off() -> None:
    assert read_swf(line(run=60.9, cpu=1.5)).trace.runtime_us.tolist() == [60 * SECOND]


def test_the_header_says_what_the_machine_was() -> None:
    log = read_swf(f"; Computer: SP2\n; MaxNodes: 50\n; MaxProcs:  100\n;\n; Note: x\n\n{line()}\n; late: 1\n")
    assert (log.header.computer, log.header.max_procs, log.header.max_nodes) == ("SP2", 100, 50)
    center = from_swf_header(log.header)
    assert (center.nodes, center.cpu_milli) == (100, 100_000)


def test_a_log_that_names_no_machine_describes_no_center() -> None:
    with pytest.raises(InvalidRequestError, match="how many processors"):
        from_swf_header(read_swf(line()).header)


@pytest.mark.parametrize("damage", ["1 2 3", "1 " * 19, line().replace("60", "x"), line(run=float("inf"))])
def test_a_bad_line_is_named(damage: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_swf(f"; Version: 2.2\n{line()}\n{damage}\n")
    assert caught.value.field == "lines.3"


def test_a_number_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="twice"):
        read_swf(f"{line()}\n{line()}\n")


def test_an_empty_log_is_an_empty_trace() -> None:
    assert len(read_swf("; Version: 2.2\n").trace) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(1, 10**7), st.integers(1, 10**5), st.integers(-1, 50)), min_size=1
    )
)
def test_what_is_written_reads_back_in_the_order_of_submission(
    jobs: list[tuple[int, int, int, int]],
) -> None:
    text = "\n".join(line(n, submit=s, run=r, procs=p, user=u) for n, (s, r, p, u) in enumerate(jobs))
    trace = read_swf(text).trace
    assert trace.number.tolist() == sorted(range(len(jobs)), key=lambda n: (jobs[n][0], n))
    for row, number in enumerate(trace.number.tolist()):
        submit, run, procs, user = jobs[number]
        assert trace.submitted_us[row] == submit * SECOND
        assert trace.runtime_us[row] == run * SECOND
        assert trace.tasks[row] == procs
        assert trace.users[trace.user[row]] == ("" if user < 0 else str(user))


@pytest.mark.parametrize(
    ("name", "jobs", "processors"),
    [("KTH-SP2-filtered", 28_481, 100), ("hpc2n", 3_170, 240), ("lublin_256", 10_000, 0)],
)
def test_real_logs(name: str, jobs: int, processors: int) -> None:
    path = LOGS / f"{name}.swf"
    if not path.exists():
        pytest.skip(f"the log {name}.swf is not on this machine")
    log = read_swf(path.read_text())
    assert len(log.trace) + log.trace.dropped == jobs
    assert log.header.max_procs == processors
    assert np.all(log.trace.tasks <= (processors or log.header.max_nodes))
