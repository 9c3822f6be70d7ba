"""From a log to a report, with a replayer so plain that its outcome can be checked by eye."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import summary
from suanli.kernel.replay.outcome import Outcome, Progress
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.facts import NodeRegistered
from suanli.model.ids import EngineName, NodeName, UserName
from suanli.model.resources import Node
from suanli.wiring.build import build_store
from suanli.wiring.replay import Work, replay_all, table, write
from suanli.wiring.settings import Settings
from suanli.wiring.traces import Source, read

LOG = """; MaxProcs: 4
1 0 -1 100 2 -1 -1 2 100 -1 1 1 1 -1 -1 -1 -1 -1
2 0 -1 100 4 -1 -1 4 100 -1 1 2 1 -1 -1 -1 -1 -1
3 0 -1  50 2 -1 -1 2 50 -1 1 1 1 -1 -1 -1 -1 -1
"""


def in_order(trace: Trace, center: CenterDescription, policy: str, seed: int, progress: Progress | None) -> Outcome:
    """First come (or last come, by the policy) first served, on counts of processors."""
    if progress is not None:
        progress(len(trace), len(trace))
    rows = list(range(len(trace)))
    if policy == "last":
        rows.reverse()
    started, ended = np.zeros(len(trace), np.int64), np.zeros(len(trace), np.int64)
    now = 0
    for row in rows:
        now = max(now, int(trace.submitted_us[row]))
        while held_at(now, trace, started, ended) + trace.cpu_milli_total[row] > center.cpu_milli:
            now = int(min(end for end in ended if end > now))
        started[row], ended[row] = now, now + trace.runtime_us[row]
    times = np.unique(np.concatenate([started, ended]))
    count = [(started <= at) & (ended > at) for at in times]
    waits = [(trace.submitted_us <= at) & (started > at) for at in times]
    return Outcome(
        started_us=started,
        ended_us=ended,
        time_us=times,
        cpu_milli=np.array([trace.cpu_milli_total[rows].sum() for rows in count], np.int64),
        device_share=np.zeros(times.size, np.int64),
        waiting=np.array([rows.sum() for rows in waits], np.int64),
        running=np.array([rows.sum() for rows in count], np.int64),
        waiting_cpu_milli=np.array([trace.cpu_milli_total[rows].sum() for rows in waits], np.int64),
    )


def held_at(now: int, trace: Trace, started: np.ndarray, ended: np.ndarray) -> int:
    return int(trace.cpu_milli_total[(started <= now) & (ended > now)].sum())


@pytest.fixture
def work(tmp_path: Path) -> Work[str]:
    (tmp_path / "log.swf").write_text(LOG)
    trace, center = read(Source(trace=tmp_path / "log.swf"))
    return Work(
        title="log", trace=trace, center=center, policies={"first": "first", "last": "last"}, seed=1, processes=1
    )


def test_policies_stand_side_by_side(work: Work[str], tmp_path: Path) -> None:
    outcomes = replay_all(work, in_order)
    summaries = {name: summary(work.trace, outcome, work.center) for name, outcome in outcomes.items()}
    lines = table(summaries).splitlines()
    # First: starts 0, 100, 200, so slowdowns of 1, 2 and 5; means by user of 3 and 2.
    # Last: the third at 0, the second at 50, the first at 150.
    assert lines[1].split() == ["first", "2.67", "2.00", "4.94", "5.00", "100.00", "70.00", "250", "0.962"]
    assert lines[2].split()[5] == f"{(150 + 50 + 0) / 3:.2f}"
    page = write(work, outcomes, summaries, tmp_path / "out").read_text()
    assert "first" in page
    assert {path.name for path in (tmp_path / "out" / "last").iterdir()} == {"jobs.parquet", "intervals.parquet"}


@pytest.mark.parametrize("power", ["", ", power: {idle_w: 100, max_w: 180}"])
def test_energy_and_draw_are_told_where_the_center_says_what_it_draws(tmp_path: Path, power: str) -> None:
    (tmp_path / "log.swf").write_text(LOG)
    (tmp_path / "center.yaml").write_text(f"nodes: [{{count: 1, cpus: 8, memory: 1GiB{power}}}]")
    trace, center = read(Source(trace=tmp_path / "log.swf", center=tmp_path / "center.yaml"))
    work = Work(title="log", trace=trace, center=center, policies={"easy": POLICIES["easy"]}, seed=1, processes=1)
    outcomes = replay_all(work, replay)
    summaries = {name: summary(trace, outcome, center) for name, outcome in outcomes.items()}
    page = write(work, outcomes, summaries, tmp_path / "out").read_text()
    assert [word in page for word in ("Energy (model)", "beyond idling")] == [bool(power)] * 2
    assert (tmp_path / "out" / "draw-over-time.png").exists() is bool(power)
    columns = pq.read_table(tmp_path / "out" / "easy" / "intervals.parquet").column_names
    assert ("draw_mw" in columns) is bool(power)


def test_a_center_in_yaml_stands_before_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.swf").write_text(LOG)
    (tmp_path / "center.yaml").write_text("nodes: [{count: 2, cpus: 8, memory: 1GiB}]")
    assert read(Source(trace=tmp_path / "log.swf", center=tmp_path / "center.yaml"))[1].cpu_milli == 16_000


@pytest.mark.parametrize("center", ["nodes: [", "nodes: 3"])
def test_a_damaged_center_is_refused(tmp_path: Path, center: str) -> None:
    (tmp_path / "log.swf").write_text(LOG)
    (tmp_path / "center.yaml").write_text(center)
    with pytest.raises(InvalidRequestError):
        read(Source(trace=tmp_path / "log.swf", center=tmp_path / "center.yaml"))


def test_a_file_that_is_not_there_and_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read(Source(trace=tmp_path / "none.swf"))
    (tmp_path / "log.swf").write_text(LOG)
    with pytest.raises(InvalidRequestError, match="not a format"):
        read(Source(trace=tmp_path / "log.swf", format="tape"))


def test_policies_in_processes_of_their_own_give_the_same_and_tell_how_far_they_are(work: Work[str]) -> None:
    alone: list[float] = []
    one_by_one = replay_all(work, in_order, alone.append)
    together: list[float] = []
    at_once = replay_all(replace(work, processes=2), in_order, together.append)
    assert alone == together == [0.5, 1.0]
    assert list(at_once) == list(one_by_one)
    for name, outcome in at_once.items():
        assert all((getattr(outcome, of) == getattr(one_by_one[name], of)).all() for of in ("started_us", "ended_us"))


def test_a_gavel_trace_takes_its_seconds_from_measured_rates(tmp_path: Path) -> None:
    columns = ["resnet", "run", ".", "-n", "0", "300", "2", "1", "-1", "5"]
    (tmp_path / "jobs.trace").write_text("\t".join(columns) + "\n")
    (tmp_path / "rates.json").write_text(json.dumps({"v100": {"('resnet', 2)": {"null": 3.0}}}))
    (tmp_path / "center.yaml").write_text(
        "nodes: [{count: 2, cpus: 8, memory: 1GiB, devices: [{model: v100, count: 1}]}]"
    )
    source = Source(trace=tmp_path / "jobs.trace", center=tmp_path / "center.yaml", model="v100")
    trace, _ = read(replace(source, throughputs=tmp_path / "rates.json"))
    assert (trace.runtime_us.tolist(), trace.tasks.tolist()) == ([100_000_000], [2])
    with pytest.raises(InvalidRequestError, match="steps"):
        read(source)


def test_what_a_center_lived_through_is_a_trace_on_its_own_nodes(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read(Source(trace=tmp_path))
    store = build_store(Settings(home=tmp_path))
    one = Node(name=NodeName("n1"), engine=EngineName("local"), cpu_milli=4000, memory_bytes=1 << 30)
    store.transact(lambda tx: tx.append(NodeRegistered(node=one), actor=UserName("suanli")))
    store.close()
    trace, center = read(Source(trace=tmp_path))
    assert (len(trace), center.nodes, center.cpu_milli) == (0, 1, 4000)
