"""Reading what was accounted: Slurm's sacct, and our own facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.model.devices import DeviceRequest
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import SYSTEM, Fact, RecordedFact, RunEnded, RunStarted, WorkloadSubmitted
from suanli.model.ids import FactSeq, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import EndCause, Usage

SECOND = 1_000_000
GIB = 1024**3
HEADER = "JobIDRaw|User|Account|Partition|Submit|Start|End|ElapsedRaw|TimelimitRaw|NCPUS|NNodes|ReqMem|AllocTRES|State"
SUBMIT = "2026-01-01T00:00:00"


def job(
    number: str = "7", start: str = SUBMIT, elapsed: str = "60", cpus: str = "8", nodes: str = "2", **given: str
) -> str:
    memory, resources, limit = given.get("memory", ""), given.get("resources", ""), given.get("limit", "5")
    state = given.get("state", "COMPLETED")
    end = given.get("end", "2026-01-01T01:00:00")
    return f"{number}|ada|lab|gpu|{SUBMIT}|{start}|{end}|{elapsed}|{limit}|{cpus}|{nodes}|{memory}|{resources}|{state}"


def test_a_job_is_shared_out_over_its_nodes() -> None:
    trace = read_sacct(f"{HEADER}\n{job(resources='cpu=8,mem=16G,node=2,gres/gpu=4,gres/gpu:a100=4')}\n")
    assert (trace.tasks[0], trace.cpu_milli[0], trace.memory_bytes[0], trace.device_count[0]) == (2, 4000, 8 * GIB, 2)
    assert (trace.runtime_us[0], trace.requested_us[0], trace.submitted_us[0]) == (60 * SECOND, 300 * SECOND, 0)
    assert (trace.users, trace.projects, trace.queues) == (("ada",), ("lab",), ("gpu",))


def test_devices_that_do_not_divide_make_a_task_each() -> None:
    trace = read_sacct(f"{HEADER}\n{job(resources='gres/gpu=3')}\n")
    assert (trace.tasks[0], trace.cpu_milli[0], trace.device_count[0]) == (3, 2667, 1)


@pytest.mark.parametrize(("memory", "whole"), [("1Gc", 8 * GIB), ("1Gn", 2 * GIB), ("1G", GIB), ("", 0)])
def test_memory_by_cpu_by_node_and_in_all(memory: str, whole: int) -> None:
    assert read_sacct(f"{HEADER}\n{job(memory=memory)}\n").memory_bytes[0] == whole // 2


def test_steps_are_skipped_and_jobs_that_did_not_run_are_counted() -> None:
    lines = [HEADER, job("1"), job("1.batch"), job("1.0"), job("2", start="Unknown"), job("3", elapsed="0")]
    trace = read_sacct("\n".join([*lines, job("4", end="Unknown", state="RUNNING")]))
    assert trace.number.tolist() == [1]
    assert trace.dropped == 3


def test_columns_in_another_order_with_texts_for_times() -> None:
    text = "Elapsed|AllocCPUS|Start|Submit|JobID|Timelimit\n1-00:00:01|1|1700000000|1700000000|5|2-00:00:00\n"
    trace = read_sacct(text)
    assert (trace.runtime_us[0], trace.requested_us[0]) == (86_401 * SECOND, 172_800 * SECOND)


def test_processor_time_is_the_jobs_and_memory_that_of_its_largest_step() -> None:
    lines = [
        "JobID|Submit|Start|Elapsed|AllocCPUS|TotalCPU|MaxRSS|NTasks",
        "7|0|0|100|4|1-02:00:30.250||",
        "7.batch|0|0|100|4|00:10|900K|1",
        "7.0|0|0|100|4|02:03.5|1M|3",
        "8|0|0|100|4|00:00:00||",
        "8.batch|0|0|100|4|||",
    ]
    trace = read_sacct("\n".join(lines))
    assert trace.used_cpu_us.tolist() == [(26 * 3600 + 30) * SECOND + 250_000, -1]
    assert trace.used_memory_bytes.tolist() == [3 * 1024**2, -1]
    with pytest.raises(InvalidRequestError, match="'much' is not a time"):
        read_sacct("\n".join([lines[0], "7|0|0|100|4|much||"]))


@pytest.mark.parametrize("damage", ["1|2", job(elapsed="x"), job("7_3"), job(cpus="many"), job(memory="lots")])
def test_a_damaged_line_is_named(damage: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_sacct(f"{HEADER}\n{job('1')}\n{damage}\n")
    assert caught.value.field == "lines.3"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="no column Submit"):
        read_sacct("JobID|Start\n")


@given(st.integers(1, 10**7), st.integers(1, 5000), st.integers(1, 100))
def test_the_tasks_hold_at_least_the_job_and_less_than_a_milli_cpu_each_beyond(
    elapsed: int, cpus: int, nodes: int
) -> None:
    trace = read_sacct(f"{HEADER}\n{job(elapsed=str(elapsed), cpus=str(cpus), nodes=str(nodes), limit='')}\n")
    assert 0 <= trace.cpu_milli_total[0] - cpus * 1000 < nodes
    assert trace.runtime_us[0] == trace.requested_us[0] == elapsed * SECOND


def recorded(*facts: tuple[int, Fact]) -> list[RecordedFact]:
    return [
        RecordedFact(seq=FactSeq(seq), at=Instant(at * SECOND), actor=SYSTEM, fact=fact)
        for seq, (at, fact) in enumerate(facts, start=1)
    ]


def started(workload: int, attempt: int, at: int) -> tuple[int, Fact]:
    one = WorkloadId(workload)
    return at, RunStarted(workload=one, run=run_id(one, attempt), started_at=Instant(at * SECOND))


def ended(workload: int, attempt: int, at: int) -> tuple[int, Fact]:
    one = WorkloadId(workload)
    used = Usage(cpu_us=90 * SECOND, memory_peak_bytes=GIB)
    end = Instant(at * SECOND)
    return at, RunEnded(workload=one, run=run_id(one, attempt), cause=EndCause.EXITED, ended_at=end, usage=used)


def test_facts_give_the_last_run_of_each_workload() -> None:
    spec = WorkloadSpec(
        command=("x",),
        tasks=3,
        time_limit_s=600,
        resources=TaskResources(cpu_milli=500, memory_bytes=GIB, devices=DeviceRequest(model="A100", share=250)),
    )
    submit = WorkloadSubmitted(first=WorkloadId(5), count=3, owner=UserName("ada"), spec=spec)
    log = recorded((100, submit), started(5, 1, 110), ended(5, 1, 120), started(5, 2, 130), ended(5, 2, 170))
    trace = read_facts(log)
    assert (trace.used_cpu_us[0], trace.used_memory_bytes[0]) == (90 * SECOND, GIB)
    assert (trace.number.tolist(), trace.dropped) == ([5], 2)
    assert (trace.submitted_us[0], trace.runtime_us[0], trace.requested_us[0]) == (0, 40 * SECOND, 600 * SECOND)
    assert (trace.tasks[0], trace.cpu_milli[0], trace.memory_bytes[0]) == (3, 500, GIB)
    assert (trace.device_count[0], trace.device_share[0], trace.device_models[0]) == (1, 250, 1)
    assert (trace.models, trace.users) == (("A100",), ("ada",))


def test_no_facts_are_an_empty_trace() -> None:
    assert len(read_facts([])) == 0
