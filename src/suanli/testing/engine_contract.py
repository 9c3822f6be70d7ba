"""The engine contract as tests: whoever writes an engine inherits `EngineContract` and gives it two things.

```python
class TestMyEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> Engine: ...  # with nothing accepted yet

    def reopened(self, engine: Engine) -> Engine: ...  # as a server sees it that was killed and started again
```

Tests of an optional ability are skipped where the engine lacks it. The nodes must have /bin/sh and the usual small
programs.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import pytest

from suanli.model.errors import NotFoundError
from suanli.model.ids import RunId, UserName, WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, NodeHold
from suanli.model.spec import Kind, Launcher, OutputArtifact, TaskResources
from suanli.model.workload import EndCause, StopCause
from suanli.ports.engine import (
    ChangesTimeLimit,
    Engine,
    Forgets,
    KeepsOutputs,
    Logs,
    Observation,
    ObservedState,
    RunOrder,
    Signals,
    Stream,
    Watches,
)

_PATIENCE_S = 60.0
_LOOK_AGAIN_S = 0.02
_MEMORY_BYTES = 256 << 20
_UNTIL_STOPPED = "while :; do sleep 0.05; done"
_FAREWELL = f"trap 'echo bye; exit 7' TERM; echo ready; {_UNTIL_STOPPED}"


def order(engine: Engine, *command: str, workload: int = 1, attempt: int = 1, **changes: Any) -> RunOrder:
    """An order for one task with a tenth of a processor on the engine's first node."""
    node = engine.describe().nodes[0]
    tasks = int(changes.get("tasks", 1))
    resources = TaskResources(cpu_milli=100, memory_bytes=_MEMORY_BYTES)
    hold = NodeHold(
        node=node.name, tasks=tasks, cpu_milli=tasks * resources.cpu_milli, memory_bytes=tasks * resources.memory_bytes
    )
    plain = RunOrder(
        run=run_id(WorkloadId(workload), attempt),
        workload=WorkloadId(workload),
        attempt=attempt,
        owner=UserName("ada"),
        account="",
        name="contract",
        kind=Kind.JOB,
        command=command,
        script="",
        tasks=tasks,
        resources=resources,
        allocation=Allocation(engine=engine.name, nodes=(hold,)),
        time_limit_s=0,
        launcher=Launcher.NONE,
        environment={},
        working_directory="",
    )
    return dataclasses.replace(plain, **changes)


def shell(engine: Engine, script: str, **changes: Any) -> RunOrder:
    """An order for a line of shell."""
    return order(engine, "/bin/sh", "-c", script, **changes)


def until(engine: Engine, run: RunId, state: ObservedState) -> Observation:
    """Look until the run is in this state.

    Raises:
        AssertionError: it is not within a minute.
    """
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        [seen] = engine.observe([run])
        if seen.state is state:
            return seen
        assert time.monotonic() < give_up, f"run {run} is {seen.state}, not {state}"
        time.sleep(_LOOK_AGAIN_S)


def until_printed(engine: Engine, run: RunId, text: bytes) -> bytes:
    """Follow the run's standard output until it holds this text.

    Raises:
        AssertionError: it does not within a minute.
    """
    if not isinstance(engine, Logs):
        pytest.skip("keeps no logs")
    give_up = time.monotonic() + _PATIENCE_S
    while text not in (printed := engine.log(run, Stream.STDOUT, 0, 1 << 20).data):
        assert time.monotonic() < give_up, f"run {run} printed {printed!r}"
        time.sleep(_LOOK_AGAIN_S)
    return printed


def run_to_end(engine: Engine, *orders: RunOrder) -> list[Observation]:
    """Submit and look until all have ended."""
    engine.submit(orders)
    return [until(engine, each.run, ObservedState.ENDED) for each in orders]


class EngineContract:
    """Every clause that an engine keeps."""

    @pytest.fixture
    def engine(self) -> Engine:
        """The engine under test, with nothing accepted yet."""
        raise NotImplementedError

    def reopened(self, engine: Engine) -> Engine:
        """The same engine as a server sees it that was killed and started again."""
        raise NotImplementedError

    def test_it_describes_nodes_that_can_hold_work(self, engine: Engine) -> None:
        nodes = engine.describe().nodes
        assert nodes
        assert len({node.name for node in nodes}) == len(nodes)
        assert all(node.cpu_milli > 0 and node.memory_bytes > 0 and node.engine == engine.name for node in nodes)
        assert all(node.disk_bytes >= 0 for node in nodes)

    def test_what_was_never_accepted_is_unknown(self, engine: Engine) -> None:
        assert [seen.state for seen in engine.observe([RunId("7.1"), RunId("8.2")])] == [ObservedState.UNKNOWN] * 2

    @pytest.mark.parametrize("code", [0, 3, 255])
    def test_it_tells_the_exit_code_and_the_times(self, engine: Engine, code: int) -> None:
        [seen] = run_to_end(engine, shell(engine, f"exit {code}"))
        assert (seen.cause, seen.exit_code, seen.signal) == (EndCause.EXITED, code, 0)
        assert 0 < seen.started_at <= seen.ended_at

    def test_a_failed_start_is_an_end_and_no_error(self, engine: Engine) -> None:
        [seen] = run_to_end(engine, order(engine, "/no/such/program"))
        assert (seen.cause, seen.exit_code) != (EndCause.EXITED, 0)

    def test_a_run_of_an_unknown_account_is_an_end_and_no_error(self, engine: Engine) -> None:
        good = order(engine, "true", workload=2)
        [refused, fine] = run_to_end(engine, order(engine, "true", account="nosuchaccount"), good)
        assert refused.cause is EndCause.LAUNCH_FAILED
        assert "nosuchaccount" in refused.detail
        assert fine.exit_code == 0

    def test_a_batch_is_observed_in_the_order_asked(self, engine: Engine) -> None:
        orders = [shell(engine, f"exit {number}", workload=number) for number in range(1, 21)]
        engine.submit(orders)
        asked = [each.run for each in reversed(orders)]
        for run in asked:
            until(engine, run, ObservedState.ENDED)
        seen = engine.observe(asked)
        assert [each.run for each in seen] == asked
        assert [each.exit_code for each in seen] == list(range(20, 0, -1))

    def test_submitting_again_changes_nothing(self, engine: Engine) -> None:
        running = shell(engine, f"echo once; {_UNTIL_STOPPED}", workload=1)
        over = shell(engine, "echo once; exit 4", workload=2)
        engine.submit([running, over])
        ended = until(engine, over.run, ObservedState.ENDED)
        started = until(engine, running.run, ObservedState.RUNNING)
        engine.submit([over, running])
        self.reopened(engine).submit([over, running])
        assert list(engine.observe([over.run, running.run])) == [ended, started]
        assert until_printed(engine, running.run, b"once") == b"once\n"
        assert until_printed(engine, over.run, b"once") == b"once\n"
        engine.cancel(running.run, StopCause.CANCELLED, 0)
        until(engine, running.run, ObservedState.ENDED)

    @pytest.mark.parametrize(
        ("cause", "end"),
        [
            (StopCause.CANCELLED, EndCause.CANCELLED),
            (StopCause.PREEMPTED, EndCause.PREEMPTED),
            (StopCause.REQUEUED, EndCause.REQUEUED),
        ],
    )
    def test_a_stop_asks_first_and_ends_with_its_cause(self, engine: Engine, cause: StopCause, end: EndCause) -> None:
        asked = shell(engine, _FAREWELL)
        engine.submit([asked])
        until_printed(engine, asked.run, b"ready")
        engine.cancel(asked.run, cause, 60)
        assert until(engine, asked.run, ObservedState.ENDED).cause is end
        assert until_printed(engine, asked.run, b"bye") == b"ready\nbye\n"

    def test_what_does_not_listen_is_killed_after_the_grace(self, engine: Engine) -> None:
        deaf = shell(engine, f"trap '' TERM; echo ready; {_UNTIL_STOPPED}")
        engine.submit([deaf])
        until_printed(engine, deaf.run, b"ready")
        engine.cancel(deaf.run, StopCause.CANCELLED, 1)
        assert until(engine, deaf.run, ObservedState.ENDED).cause is EndCause.CANCELLED

    def test_stopping_what_ended_or_never_was_does_nothing(self, engine: Engine) -> None:
        [ended] = run_to_end(engine, shell(engine, "exit 5"))
        engine.cancel(ended.run, StopCause.CANCELLED, 0)
        engine.cancel(RunId("999.1"), StopCause.CANCELLED, 0)
        assert [seen.state for seen in engine.observe([RunId("999.1")])] == [ObservedState.UNKNOWN]
        assert engine.observe([ended.run]) == [ended]

    def test_the_time_limit_holds(self, engine: Engine) -> None:
        [seen] = run_to_end(engine, shell(engine, _UNTIL_STOPPED, time_limit_s=1))
        assert seen.cause is EndCause.TIMEOUT
        assert seen.ended_at - seen.started_at >= 1_000_000

    def test_a_restarted_server_finds_running_and_ended(self, engine: Engine) -> None:
        slow = shell(engine, "sleep 1; exit 9", workload=1)
        quick = shell(engine, "exit 8", workload=2)
        engine.submit([slow, quick])
        again = self.reopened(engine)
        assert sorted(again.recover()) == [slow.run, quick.run]
        assert until(again, slow.run, ObservedState.ENDED).exit_code == 9
        assert until(again, quick.run, ObservedState.ENDED).exit_code == 8
        assert sorted(self.reopened(again).recover()) == [slow.run, quick.run]

    def test_use_is_measured(self, engine: Engine) -> None:
        [seen] = run_to_end(engine, shell(engine, "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"))
        assert 5_000 <= seen.usage.cpu_us <= 30_000_000
        assert seen.usage.memory_peak_bytes == 0 or seen.usage.memory_peak_bytes > 100_000

    def test_words_and_environment_arrive_untouched(self, engine: Engine) -> None:
        odd = "two words $HOME; `id` 'x' \\ 算力"
        asked = order(engine, "/bin/sh", "-c", 'printf "%s|%s|%s" "$1" "$ODD" "$SUANLI_RUN_ID"', "sh", odd)
        asked = dataclasses.replace(asked, environment={"ODD": odd, "SUANLI_RUN_ID": "forged"})
        run_to_end(engine, asked)
        assert until_printed(engine, asked.run, b"|1.1").decode() == f"{odd}|{odd}|1.1"

    def test_a_script_runs_by_its_first_line(self, engine: Engine) -> None:
        asked = order(engine, script="#!/bin/sh -e\necho $-\nfalse\necho never\n")
        [seen] = run_to_end(engine, asked)
        assert seen.exit_code == 1
        printed = until_printed(engine, asked.run, b"\n")
        assert b"e" in printed
        assert b"never" not in printed

    def test_an_array_element_knows_its_place(self, engine: Engine) -> None:
        say = "echo $SUANLI_ARRAY_ID $SUANLI_ARRAY_INDEX $SUANLI_ARRAY_SIZE"
        asked = shell(engine, say, workload=12, array_id=WorkloadId(10), array_index=40, array_size=3)
        run_to_end(engine, asked)
        assert until_printed(engine, asked.run, b"\n") == b"10 40 3\n"

    def test_ranks_meet_through_torchruns_names(self, engine: Engine) -> None:
        say = "echo $RANK/$WORLD_SIZE $LOCAL_RANK $MASTER_ADDR:${MASTER_PORT:?}"
        asked = shell(engine, say, tasks=3, launcher=Launcher.TORCHRUN)
        [seen] = run_to_end(engine, asked)
        assert seen.exit_code == 0
        lines = sorted(until_printed(engine, asked.run, b"2/3").decode().splitlines())
        assert [line.split()[0] for line in lines] == ["0/3", "1/3", "2/3"]
        assert len({line.split()[2] for line in lines}) == 1

    def test_a_failing_rank_ends_all_with_its_code(self, engine: Engine) -> None:
        script = f'[ "$SUANLI_RANK" = 1 ] && exit 11; {_UNTIL_STOPPED}'
        [seen] = run_to_end(engine, shell(engine, script, tasks=3))
        assert seen.exit_code == 11

    def test_each_run_has_a_scratch_folder_of_its_own(self, engine: Engine) -> None:
        script = "ls -A; touch left; pwd; echo $SUANLI_SCRATCH"
        first, second = shell(engine, script, workload=1), shell(engine, script, workload=2)
        run_to_end(engine, first)
        run_to_end(engine, second)
        places = [until_printed(engine, each.run, b"\n").decode().split() for each in (first, second)]
        assert [len(set(place)) for place in places] == [1, 1]
        assert places[0] != places[1]

    def test_a_watcher_hears_of_the_end(self, engine: Engine) -> None:
        if not isinstance(engine, Watches):
            pytest.skip("tells nothing by itself")
        asked = shell(engine, "exit 0")
        engine.submit([asked])
        give_up = time.monotonic() + _PATIENCE_S
        while engine.observe([asked.run])[0].state is not ObservedState.ENDED:
            engine.watch(1.0)
            assert time.monotonic() < give_up
        assert engine.watch(0.0) in ([asked.run], [])

    def test_a_signal_reaches_the_work(self, engine: Engine) -> None:
        if not isinstance(engine, Signals):
            pytest.skip("passes no signals")
        asked = shell(engine, f"trap 'echo got; exit 6' USR1; echo ready; {_UNTIL_STOPPED}")
        engine.submit([asked])
        until_printed(engine, asked.run, b"ready")
        engine.signal(asked.run, 10)
        assert until(engine, asked.run, ObservedState.ENDED).exit_code == 6
        engine.signal(asked.run, 10)
        engine.signal(RunId("999.1"), 10)

    def test_the_time_limit_moves(self, engine: Engine) -> None:
        if not isinstance(engine, ChangesTimeLimit):
            pytest.skip("moves no limits")
        longer = shell(engine, "echo ready; sleep 2; exit 2", workload=1, time_limit_s=1)
        shorter = shell(engine, f"echo ready; {_UNTIL_STOPPED}", workload=2, time_limit_s=3600)
        engine.submit([longer, shorter])
        until(engine, longer.run, ObservedState.RUNNING)
        engine.change_time_limit(longer.run, 0)
        until(engine, shorter.run, ObservedState.RUNNING)
        engine.change_time_limit(shorter.run, 1)
        assert until(engine, longer.run, ObservedState.ENDED).exit_code == 2
        assert until(engine, shorter.run, ObservedState.ENDED).cause is EndCause.TIMEOUT
        engine.change_time_limit(longer.run, 1)

    def test_logs_are_read_from_anywhere(self, engine: Engine) -> None:
        if not isinstance(engine, Logs):
            pytest.skip("keeps no logs")
        asked = shell(engine, "printf 0123456789; printf oops >&2")
        run_to_end(engine, asked)
        cases: Sequence[tuple[int, int, bytes, int]] = [
            (0, 100, b"0123456789", 0),
            (3, 4, b"3456", 3),
            (-4, 100, b"6789", 6),
            (-40, 2, b"01", 0),
            (10, 5, b"", 10),
            (99, 5, b"", 10),
        ]
        for offset, limit, data, begin in cases:
            chunk = engine.log(asked.run, Stream.STDOUT, offset, limit)
            assert (chunk.data, chunk.offset, chunk.size) == (data, begin, 10)
        assert engine.log(asked.run, Stream.STDERR, 0, 100).data == b"oops"
        with pytest.raises(NotFoundError):
            engine.log(RunId("999.1"), Stream.STDOUT, 0, 1)

    def test_declared_outputs_that_exist_are_offered(self, engine: Engine) -> None:
        if not isinstance(engine, KeepsOutputs):
            pytest.skip("keeps no outputs")
        declared = (
            OutputArtifact(name="table", path="out/table.csv"),
            OutputArtifact(name="absent", path="absent"),
            OutputArtifact(name="folder", path="out"),
        )
        asked = shell(engine, "mkdir out; printf a,b > out/table.csv", outputs=declared)
        run_to_end(engine, asked)
        assert [(file.name, file.size_bytes) for file in engine.outputs(asked.run)] == [("table", 3)]
        assert engine.output(asked.run, "table", -1, 9).data == b"b"
        for run, name in ((asked.run, "absent"), (asked.run, "folder"), (asked.run, "other"), (RunId("9.9"), "table")):
            with pytest.raises(NotFoundError):
                engine.output(run, name, 0, 1)

    def test_only_ended_runs_are_forgotten(self, engine: Engine) -> None:
        if not isinstance(engine, Forgets):
            pytest.skip("never forgets")
        running = shell(engine, _UNTIL_STOPPED, workload=1)
        over = shell(engine, "touch left", workload=2)
        engine.submit([running, over])
        ended = until(engine, over.run, ObservedState.ENDED)
        assert list(engine.forget(ended.ended_at)) == []
        assert list(engine.forget(Instant(ended.ended_at + 3600 * 1_000_000))) == [over.run]
        assert [seen.state for seen in engine.observe([over.run])] == [ObservedState.UNKNOWN]
        assert list(engine.recover()) == [running.run]
        engine.cancel(running.run, StopCause.CANCELLED, 0)
        until(engine, running.run, ObservedState.ENDED)
