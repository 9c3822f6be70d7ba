"""The local engine: the contract under each kind of separation and bounds, and what is its own."""

from __future__ import annotations

import dataclasses
import errno
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suanli.adapters.clock import SystemClock
from suanli.adapters.devices.machine import MachineDevices
from suanli.adapters.engines.local import records
from suanli.adapters.engines.local.bell import Bell
from suanli.adapters.engines.local.cgroups import NO_CGROUPS, Cgroups, find_cgroups
from suanli.adapters.engines.local.engine import LocalEngine, LocalSettings
from suanli.adapters.engines.local.isolation import Sandbox, find_isolation
from suanli.model.errors import EngineUnavailableError, NotFoundError
from suanli.model.ids import RunId
from suanli.model.quantities import Instant
from suanli.model.resources import Allocation, NodeHold
from suanli.model.spec import InputArtifact, Launcher, OutputArtifact
from suanli.model.workload import EndCause, StopCause
from suanli.ports.engine import (
    DiskBinding,
    Engine,
    Isolation,
    ObservedState,
    RunOrder,
    Stream,
)
from suanli.testing.engine_contract import EngineContract, order, run_to_end, shell, until, until_printed

Opener = Callable[[], LocalEngine]
BARE = Sandbox(kind=Isolation.NONE)
NO_DEVICES = MachineDevices(vendors=())
FOREVER = "while :; do sleep 0.05; done"
PATIENCE_S = 30.0


@pytest.fixture
def root() -> Iterator[Path]:
    """A center's folder that every account can pass through, as one of root's must be."""
    folder = Path(tempfile.mkdtemp(prefix="suanli-"))
    folder.chmod(0o755)
    yield folder / "center"
    shutil.rmtree(folder)


@pytest.fixture
def bounds(request: pytest.FixtureRequest) -> Iterator[Cgroups]:
    if getattr(request, "param", "") != "cgroups":
        yield NO_CGROUPS
        return
    found = find_cgroups(f"suanli-test-{os.getpid()}")
    if found is NO_CGROUPS:
        pytest.skip("no control groups can be made here")
    yield found
    assert not any(parent.exists() for parent in found.parents.values())


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if getattr(request, "param", "") != "namespaces":
        return BARE
    found = find_isolation(namespaces=True)
    if found.kind is not Isolation.NAMESPACES:
        pytest.skip("the kernel lets nobody here make namespaces")
    return found


@pytest.fixture
def opener(root: Path, sandbox: Sandbox, bounds: Cgroups) -> Iterator[Opener]:
    """Opens the engine over the same folder as often as asked; in the end ends what still runs."""
    opened: list[LocalEngine] = []

    def opens() -> LocalEngine:
        settings = LocalSettings(root=root / "local", hidden=root, sandbox=sandbox, cgroups=bounds)
        opened.append(LocalEngine(settings, SystemClock(), NO_DEVICES))
        return opened[-1]

    root.mkdir(mode=0o711)
    yield opens
    engine = opens()
    for run in engine.recover():
        engine.cancel(run, StopCause.CANCELLED, 0)
        until(engine, run, ObservedState.ENDED)
    for each in opened:
        each.close()


@pytest.fixture
def engine(opener: Opener) -> LocalEngine:
    return opener()


@pytest.mark.parametrize(
    ("sandbox", "bounds"),
    [("bare", "limits"), ("namespaces", "limits"), ("bare", "cgroups"), ("namespaces", "cgroups")],
    indirect=True,
)
class TestContract(EngineContract):
    @pytest.fixture
    def engine(self, opener: Opener) -> Engine:
        self.opener = opener
        return opener()

    def reopened(self, engine: Engine) -> Engine:
        return self.opener()


def directory(root: Path, run: RunId) -> Path:
    return root / "local" / "runs" / run


def supervisor(root: Path, run: RunId) -> int:
    started = records.read_started(directory(root, run))
    assert started is not None
    return started.supervisor


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_nothing(root: Path, opener: Opener) -> None:
    engine = opener()
    asked = shell(engine, f"setsid sh -c 'echo $$; {FOREVER}' & wait")
    engine.submit([asked])
    orphan = int(until_printed(engine, asked.run, b"\n"))
    os.kill(supervisor(root, asked.run), signal.SIGKILL)
    again = opener()
    seen = until(again, asked.run, ObservedState.ENDED)
    assert (seen.cause, seen.exit_code) == (EndCause.LOST, -1)
    assert 0 < seen.started_at <= seen.ended_at
    assert not alive(orphan)
    again.submit([asked])
    assert again.observe([asked.run]) == [seen]


def test_a_run_accepted_but_not_started_is_started_by_recovery(root: Path, opener: Opener) -> None:
    """The server died between the acceptance and the supervisor's start."""
    broken = LocalEngine(
        LocalSettings(root=root / "local", hidden=root, sandbox=BARE, supervisor=Path("/no/such/program")),
        SystemClock(),
        NO_DEVICES,
    )
    asked = shell(broken, "exit 3")
    with pytest.raises(EngineUnavailableError):
        broken.submit([asked])
    assert broken.observe([asked.run])[0].state is ObservedState.ACCEPTED
    broken.close()
    engine = opener()
    assert list(engine.recover()) == [asked.run]
    assert until(engine, asked.run, ObservedState.ENDED).exit_code == 3


@pytest.mark.parametrize("left", [b"", b"version=1\0direc"])
def test_a_plan_cut_short_by_a_power_failure_is_no_acceptance(root: Path, engine: LocalEngine, left: bytes) -> None:
    asked = shell(engine, "exit 3")
    directory(root, asked.run).mkdir(mode=0o700)
    (directory(root, asked.run) / "plan").write_bytes(left)
    assert list(engine.recover()) == []
    assert engine.observe([asked.run])[0].state is ObservedState.UNKNOWN
    [seen] = run_to_end(engine, asked)
    assert seen.exit_code == 3


def test_a_run_cancelled_before_its_start_never_starts(root: Path, opener: Opener) -> None:
    broken = LocalEngine(
        LocalSettings(root=root / "local", hidden=root, sandbox=BARE, supervisor=Path("/no/such/program")),
        SystemClock(),
        NO_DEVICES,
    )
    asked = shell(broken, "echo ran")
    with pytest.raises(EngineUnavailableError):
        broken.submit([asked])
    broken.cancel(asked.run, StopCause.PREEMPTED, 10)
    assert list(broken.watch(0.0)) == [asked.run]
    broken.close()
    engine = opener()
    engine.submit([asked])
    engine.recover()
    [seen] = engine.observe([asked.run])
    assert (seen.state, seen.cause, seen.started_at) == (ObservedState.ENDED, EndCause.PREEMPTED, 0)
    assert engine.log(asked.run, Stream.STDOUT, 0, 9).data == b""


def test_a_failed_launch_names_its_reason(engine: LocalEngine) -> None:
    [seen] = run_to_end(engine, order(engine, "/no/such/program"))
    assert (seen.cause, seen.started_at) == (EndCause.LAUNCH_FAILED, 0)
    assert seen.detail == f"exec /no/such/program: {os.strerror(errno.ENOENT)}"


def test_a_working_directory_that_is_not_there_is_a_failed_launch(engine: LocalEngine) -> None:
    [seen] = run_to_end(engine, order(engine, "true", working_directory="/no/such/folder"))
    assert seen.cause is EndCause.LAUNCH_FAILED
    assert "/no/such/folder" in seen.detail


def test_the_environment_is_clean(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SECRET", "hush")
    asked = order(engine, "env", environment={"MINE": "1", "OMP_NUM_THREADS": "7"}, alternative=2)
    run_to_end(engine, asked)
    lines = engine.log(asked.run, Stream.STDOUT, 0, 1 << 20).data.decode().splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    assert (seen.pop("MINE"), seen.pop("OMP_NUM_THREADS")) == ("1", "7")
    assert (seen["SUANLI_TASKS"], seen["SUANLI_ALTERNATIVE"], seen["SUANLI_DISK_BYTES"]) == ("1", "2", "0")
    own = {name for name in seen if not name.startswith("SUANLI_")}
    assert own == {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"}


def test_inputs_are_placed_and_a_missing_one_ends_the_run(engine: LocalEngine, tmp_path: Path) -> None:
    source = tmp_path / "data file"
    source.write_text("42")
    inputs = (
        InputArtifact(source=str(source), target="in/deep/data"),
        InputArtifact(source=str(tmp_path), target="-rf"),
        InputArtifact(source=str(source), target="--"),
    )
    good = shell(engine, "cat in/deep/data; cat ./-rf/data*; cat ./--", workload=1, inputs=inputs, tasks=4)
    missing = InputArtifact(source=str(tmp_path / "absent"), target="x")
    bad = shell(engine, "echo never", workload=2, inputs=(missing,))
    fine, refused = run_to_end(engine, good, bad)
    assert fine.exit_code == 0
    assert engine.log(good.run, Stream.STDOUT, 0, 99).data == b"424242" * 4
    assert refused.exit_code == 125
    assert engine.log(bad.run, Stream.STDOUT, 0, 99).data == b""
    assert b"absent is not there" in engine.log(bad.run, Stream.STDERR, 0, 999).data


def test_an_output_is_no_way_to_read_what_is_not_the_accounts_own(engine: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("secret")
    script = f"ln -s {tmp_path}/theirs link; ln -s {tmp_path} folder; mkfifo fifo; echo ok > mine"
    paths = {"link": "link", "through": "folder/theirs", "fifo": "fifo", "mine": "mine"}
    declared = tuple(OutputArtifact(name=name, path=path) for name, path in paths.items())
    asked = shell(engine, script, outputs=declared)
    run_to_end(engine, asked)
    assert [file.name for file in engine.outputs(asked.run)] == ["mine"]
    for name in ("link", "through", "fifo"):
        with pytest.raises(NotFoundError):
            engine.output(asked.run, name, 0, 9)


def whole(engine: LocalEngine, script: str, workload: int, cpus: int) -> RunOrder:
    plain = shell(engine, script, workload=workload)
    [hold] = plain.allocation.nodes
    hold = dataclasses.replace(hold, cpu_milli=cpus * 1000)
    return dataclasses.replace(plain, allocation=Allocation(engine=engine.name, nodes=(hold,)))


def test_whole_processors_belong_to_one_run_at_a_time(opener: Opener) -> None:
    engine = opener()
    count = len(os.sched_getaffinity(0))
    holders = [whole(engine, f"grep Cpus_allowed_list /proc/self/status; {FOREVER}", n, 1) for n in range(1, count + 2)]
    engine.submit(holders[:1])
    engine = opener()
    engine.submit(holders[1:])
    lists = [until_printed(engine, each.run, b"\n").split()[1].decode() for each in holders]
    assert len(set(lists[:count])) == count
    assert all(text.isdecimal() for text in lists[:count])
    assert lists[count] not in lists[:count] or count == 1
    engine.cancel(holders[0].run, StopCause.CANCELLED, 0)
    until(engine, holders[0].run, ObservedState.ENDED)
    late = whole(engine, "grep Cpus_allowed_list /proc/self/status", 99, 1)
    run_to_end(engine, late)
    assert until_printed(engine, late.run, b"\n").split()[1].decode() == lists[0]


def test_output_past_the_cap_is_dropped_and_said(root: Path) -> None:
    settings = LocalSettings(root=root / "local", hidden=root, sandbox=BARE, output_cap_bytes=1000)
    engine = LocalEngine(settings, SystemClock(), NO_DEVICES)
    asked = shell(engine, "head -c 5000 /dev/zero; exit 2")
    [seen] = run_to_end(engine, asked)
    engine.close()
    assert (seen.exit_code, seen.truncated) == (2, True)
    assert engine.log(asked.run, Stream.STDOUT, 0, 9999).data == bytes(1000)


def test_forgetting_takes_the_files_too(root: Path, engine: LocalEngine) -> None:
    asked = shell(engine, "mkdir locked; touch locked/file; chmod 0 locked")
    [seen] = run_to_end(engine, asked)
    assert list(engine.forget(Instant(seen.ended_at + 1))) == [asked.run]
    assert [entry.name for entry in (root / "local").rglob(f"*{asked.run}*")] == []
    with pytest.raises(NotFoundError):
        engine.log(asked.run, Stream.STDOUT, 0, 1)
    with pytest.raises(NotFoundError):
        engine.outputs(asked.run)


def test_a_removal_that_was_cut_short_is_finished_by_the_next(root: Path, engine: LocalEngine) -> None:
    asked = shell(engine, "touch left")
    [seen] = run_to_end(engine, asked)
    directory(root, asked.run).rename(root / "local" / "gone" / asked.run)
    assert engine.observe([asked.run])[0].state is ObservedState.UNKNOWN
    assert list(engine.forget(Instant(seen.ended_at))) == []
    assert list((root / "local").rglob(f"*{asked.run}*")) == []


def test_a_long_folder_name_does_not_silence_the_bell(root: Path) -> None:
    deep = root / ("d" * 100) / ("e" * 100)
    engine = LocalEngine(LocalSettings(root=deep, hidden=root, sandbox=BARE), SystemClock(), NO_DEVICES)
    asked = shell(engine, "exit 0")
    engine.submit([asked])
    rang = list(engine.watch(PATIENCE_S))
    until(engine, asked.run, ObservedState.ENDED)
    engine.close()
    assert rang == [asked.run]


def test_a_start_is_told_only_where_no_end_follows(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    with (tmp_path / "bell").open("wb", buffering=0) as pipe:
        pipe.write(b"1.1 started\n1.1 ended\n2.1 started\n")
    assert bell.wait(0.0) == ["1.1"]
    assert bell.wait(PATIENCE_S) == ["2.1"]
    assert bell.wait(0.0) == []
    bell.close()


def test_output_belongs_to_the_run_directory_from_its_first_byte(root: Path, engine: LocalEngine) -> None:
    asked = shell(engine, "echo said")
    run_to_end(engine, asked)
    assert (directory(root, asked.run) / "stdout").read_bytes() == b"said\n"
    assert not (directory(root, asked.run) / "stderr").exists()
    assert engine.log(asked.run, Stream.STDERR, 0, 9).data == b""
    with pytest.raises(NotFoundError):
        engine.log(RunId("99.1"), Stream.STDERR, 0, 9)


@pytest.mark.parametrize("sandbox", ["namespaces"], indirect=True)
def test_an_isolated_run_sees_neither_the_center_nor_other_peoples_tmp(root: Path, engine: LocalEngine) -> None:
    (root / "token").write_text("secret")
    # The center's folder lies in /tmp, so it alone may show up there, and of it the run's own part alone.
    look = f"ls -A /tmp; echo --; ls -A {root} {root}/local; echo --; ls {root}/local/runs {root}/local/runs/*"
    asked = shell(engine, f"touch /tmp/private; {look}; ls /proc | grep -c '^[0-9]'; id -u")
    [seen] = run_to_end(engine, asked)
    assert seen.exit_code == 0
    tmp, center, rest = until_printed(engine, asked.run, b"\n").decode().split("--\n")
    assert set(tmp.split()) == {root.parent.name, "private"}
    assert "token" not in center
    assert "gone" not in center
    *own, processes, uid = rest.split()
    runs = f"{root}/local/runs"
    assert own == [f"{runs}:", asked.run, f"{runs}/{asked.run}:", "scratch"]
    assert int(processes) < 10
    assert int(uid) == os.getuid()
    assert not Path("/tmp/private").exists()


@pytest.mark.parametrize("sandbox", ["namespaces"], indirect=True)
def test_an_isolated_run_still_reaches_what_was_asked_for(root: Path, engine: LocalEngine) -> None:
    shared = Path(tempfile.mkdtemp(prefix="suanli-shared-"))
    (shared / "data").write_text("7")
    inputs = (InputArtifact(source=str(shared / "data"), target="data"),)
    asked = shell(engine, "cat data; echo done > result", working_directory=str(shared), inputs=inputs)
    through = shell(engine, "ls token", workload=2, working_directory=str(root))
    (root / "token").write_text("secret")
    good, bad = run_to_end(engine, asked, through)
    assert good.exit_code == 0
    assert (shared / "result").read_text() == "done\n"
    shutil.rmtree(shared)
    assert bad.exit_code != 0


@pytest.mark.parametrize("sandbox", ["namespaces"], indirect=True)
def test_an_isolated_run_sees_its_own_home(engine: LocalEngine) -> None:
    with tempfile.NamedTemporaryFile(dir=pwd.getpwuid(os.geteuid()).pw_dir) as file:
        [seen] = run_to_end(engine, shell(engine, f"cd && ls -d {file.name} {Path(file.name).name}"))
    assert seen.exit_code == 0


@pytest.mark.parametrize("sandbox", ["namespaces"], indirect=True)
def test_a_signalled_death_inside_the_sandbox_is_told_by_code(engine: LocalEngine) -> None:
    [seen] = run_to_end(engine, shell(engine, "kill -KILL $$"))
    assert (seen.cause, seen.exit_code) == (EndCause.EXITED, 128 + signal.SIGKILL)


@pytest.mark.parametrize("bounds", ["cgroups"], indirect=True)
def test_memory_is_bounded_for_the_run_as_a_whole(engine: LocalEngine, bounds: Cgroups) -> None:
    """Two processes of 60 MB each fit their own limits, but not the run's."""
    program = "import os, sys, time; child = os.fork(); b = bytearray(60_000_000); b[::4096] = b[::4096]; "
    program += "time.sleep(1) if not child else sys.exit(os.wait()[1] != 0)"
    asked = order(engine, sys.executable, "-c", program)
    small = NodeHold(node=engine.describe().nodes[0].name, tasks=1, cpu_milli=500, memory_bytes=100 << 20)
    asked = dataclasses.replace(asked, allocation=Allocation(engine=engine.name, nodes=(small,)))
    [seen] = run_to_end(engine, asked)
    assert seen.cause is EndCause.OUT_OF_MEMORY
    assert 90 << 20 <= seen.usage.memory_peak_bytes <= 110 << 20
    assert not any((parent / asked.run).exists() for parent in bounds.parents.values())


@pytest.mark.parametrize("bounds", ["cgroups"], indirect=True)
def test_processor_time_is_bounded_for_the_run_as_a_whole(engine: LocalEngine) -> None:
    spin = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
    asked = shell(engine, f"({spin}) & ({spin}) & wait")
    small = NodeHold(node=engine.describe().nodes[0].name, tasks=1, cpu_milli=200, memory_bytes=100 << 20)
    [seen] = run_to_end(engine, dataclasses.replace(asked, allocation=Allocation(engine=engine.name, nodes=(small,))))
    share = seen.usage.cpu_us / (seen.ended_at - seen.started_at)
    assert seen.exit_code == 0
    assert share <= 0.35


@pytest.mark.root
@pytest.mark.parametrize("sandbox", ["bare", "namespaces"], indirect=True)
def test_as_root_work_belongs_to_the_account(root: Path, engine: LocalEngine) -> None:
    nobody = pwd.getpwnam("nobody")
    (root / "token").touch(0o600)
    declared = tuple(OutputArtifact(name=name, path=name) for name in ("mine", "stolen"))
    script = f"id -u; id -g; umask; echo $HOME $USER; echo x > mine; ln -s /etc/shadow stolen; cat {root}/token; exit 3"
    asked = order(engine, script=f"#!/bin/sh\n{script}\n", account="nobody", outputs=declared)
    [seen] = run_to_end(engine, asked)
    assert seen.exit_code == 3
    printed = engine.log(asked.run, Stream.STDOUT, 0, 999).data.decode().split()
    assert printed == [str(nobody.pw_uid), str(nobody.pw_gid), "0077", nobody.pw_dir, "nobody"]
    assert b"token" in engine.log(asked.run, Stream.STDERR, 0, 999).data
    [mine] = engine.outputs(asked.run)
    assert Path(mine.path).stat().st_uid == nobody.pw_uid
    assert engine.output(asked.run, "mine", 0, 9).data == b"x\n"
    with pytest.raises(NotFoundError):
        engine.output(asked.run, "stolen", 0, 9)


@pytest.mark.root
def test_as_root_a_lost_run_of_an_account_leaves_nothing(root: Path, opener: Opener) -> None:
    engine = opener()
    asked = shell(engine, f"setsid sh -c 'echo $$; {FOREVER}' & wait", account="nobody")
    engine.submit([asked])
    orphan = int(until_printed(engine, asked.run, b"\n"))
    os.kill(supervisor(root, asked.run), signal.SIGKILL)
    assert until(engine, asked.run, ObservedState.ENDED).cause is EndCause.LOST
    assert not alive(orphan)


@pytest.mark.skipif(shutil.which("mpiexec") is None, reason="no mpiexec is installed")
def test_mpi_ranks_come_from_mpiexec(engine: LocalEngine) -> None:
    asked = shell(engine, "echo ${PMI_RANK:-$OMPI_COMM_WORLD_RANK}", tasks=2, launcher=Launcher.MPI)
    [seen] = run_to_end(engine, asked)
    assert seen.exit_code == 0
    assert sorted(engine.log(asked.run, Stream.STDOUT, 0, 99).data.split()) == [b"0", b"1"]


def test_mpiexec_is_given_the_number_of_tasks(engine: LocalEngine, tmp_path: Path) -> None:
    launcher = tmp_path / "mpiexec"
    launcher.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    launcher.chmod(0o755)
    asked = order(
        engine, "prog", "a b", tasks=2, launcher=Launcher.MPI, environment={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    [seen] = run_to_end(engine, asked)
    assert seen.exit_code == 0
    assert engine.log(asked.run, Stream.STDOUT, 0, 99).data == b"-n|2|prog|a b|"


def test_local_disk_is_that_of_the_file_system_of_the_runs_and_is_counted(root: Path, engine: LocalEngine) -> None:
    described, found = engine.describe(), os.statvfs(root)
    assert described.disk is DiskBinding.COUNTED
    assert [node.disk_bytes for node in described.nodes] == [found.f_blocks * found.f_frsize]
    # Whatever is written there: a node does not become another one with each byte.
    (root / "written").write_bytes(bytes(1 << 20))
    assert engine.describe().nodes == described.nodes


def test_who_keeps_other_things_there_says_how_much_disk_is_for_runs(root: Path) -> None:
    settings = LocalSettings(root=root / "local", hidden=root, sandbox=BARE, disk_bytes=7 << 30)
    engine = LocalEngine(settings, SystemClock(), NO_DEVICES)
    assert [node.disk_bytes for node in engine.describe().nodes] == [7 << 30]
    engine.close()
