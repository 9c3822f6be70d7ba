"""The compiled supervisor against specs/3-run-directory.md: real runs, awaited by the doorbell."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suanli.adapters.engines.local import records, supervisors
from suanli.adapters.engines.local.records import Record
from suanli.model.workload import EndCause
from tests.contract.supervised import (
    PATIENCE_S,
    Room,
    alive,
    control,
    locked,
    supervisor_of,
    task_of,
    until_dead,
)

DEAF = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def room() -> Iterator[Room]:
    # Socket paths are short, pytest's own folders are not.
    base = Path(tempfile.mkdtemp(prefix="suanli-"))
    os.mkfifo(base / "bell")
    bell = os.open(base / "bell", os.O_RDWR | os.O_NONBLOCK)
    yield Room(base, bell)
    os.close(bell)
    for started in base.glob("*/started"):
        if not (started.parent / "ended").exists() and locked(started.parent):
            with contextlib.suppress(OSError):
                control(started.parent, "cancel 0")
            until_dead(supervisor_of(started.parent))
    shutil.rmtree(base)


@pytest.mark.parametrize("code", [0, 1, 77, 255])
def test_the_exit_code_is_recorded(room: Room, code: int) -> None:
    before = time.time_ns() // 1000
    ended = room.run("1.1", "sh", "-c", f"exit {code}")
    assert (ended.cause, ended.exit_code, ended.signal) == (EndCause.EXITED, code, 0)
    assert before <= ended.started_at <= ended.ended_at <= time.time_ns() // 1000


def test_a_death_by_signal_is_recorded(room: Room) -> None:
    ended = room.run("1.1", "sh", "-c", "kill -SEGV $$")
    assert (ended.cause, ended.exit_code, ended.signal) == (EndCause.SIGNALLED, -1, signal.SIGSEGV)


def test_the_program_gets_exactly_what_the_plan_says(room: Room) -> None:
    show = "id -u; pwd; umask; ulimit -n; ulimit -c; nice; env | sort; cat; printf '%s|' \"$@\"; ls -l /proc/self/fd"
    odd = "two words; $(touch /tmp/never) 'quoted' 算力"
    # Only root may take a lower one than its own.
    nice = os.nice(0) + 3
    extra: list[Record] = [
        ("umask", "027"),
        ("limit", "NOFILE=99"),
        ("limit", "CORE=0"),
        ("nice", nice),
        ("env", f"ODD={odd}"),
    ]
    directory = room.start("1.1", "sh", "-c", show, "sh", odd + "\n", "", extra=extra)
    assert room.ended(directory).exit_code == 0
    printed = (directory / "stdout").read_text()
    head, empty, descriptors = printed.split("|", 2)
    assert head == f"{os.getuid()}\n/\n0027\n99\n0\n{nice}\nODD={odd}\nPATH=/usr/bin:/bin\nPWD=/\n{odd}\n"
    assert empty == ""
    # Standard input, output and error, and the folder that ls itself has open.
    assert len(re.findall("->", descriptors)) == 4
    assert (directory / "stdout").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("argv", "extra", "error", "step"),
    [
        (["/no/such/program"], [], errno.ENOENT, "exec /no/such/program"),
        (["/etc/passwd"], [], errno.EACCES, "exec /etc/passwd"),
        (["true"], [("directory", "/no/such/folder")], errno.ENOENT, "chdir /no/such/folder"),
        (["true"], [("stdout", "/no/such/folder/file")], errno.ENOENT, "open /no/such/folder/file"),
        (["true"], [("cgroup", "/no/such/group")], errno.ENOENT, "mkdir /no/such/group"),
    ],
)
def test_a_failed_launch_says_what_failed(
    room: Room, argv: list[str], extra: list[Record], error: int, step: str
) -> None:
    ended = room.run("1.1", *argv, extra=extra)
    assert (ended.cause, ended.detail) == (EndCause.LAUNCH_FAILED, f"{step}: {os.strerror(error)}")
    assert ended.exit_code == -1


def test_a_fifo_as_output_cannot_stall_the_supervisor(room: Room) -> None:
    fifo = room.base / "fifo"
    os.mkfifo(fifo)
    ended = room.run("1.1", "true", extra=[("stderr", str(fifo))])
    assert ended.cause is EndCause.LAUNCH_FAILED


def test_the_time_limit_lets_the_program_say_goodbye(room: Room) -> None:
    script = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    directory = room.start("1.1", "sh", "-c", script, extra=[("time_limit_ms", 300), ("grace_ms", 20000)])
    ended = room.ended(directory)
    assert (ended.cause, ended.exit_code) == (EndCause.TIMEOUT, 5)
    assert (directory / "stdout").read_text() == "ready\nbye\n"
    assert 300_000 <= ended.ended_at - ended.started_at < 10_000_000


def test_the_time_limit_kills_what_does_not_listen(room: Room) -> None:
    directory = room.start("1.1", "sh", "-c", DEAF, extra=[("time_limit_ms", 200), ("grace_ms", 200)])
    ended = room.ended(directory)
    assert (ended.cause, ended.signal) == (EndCause.TIMEOUT, signal.SIGKILL)
    assert 400_000 <= ended.ended_at - ended.started_at < 10_000_000
    assert (directory / "stdout").read_text() == "ready\n"


@pytest.mark.parametrize(
    ("word", "cause"), [("cancel", EndCause.CANCELLED), ("preempt", EndCause.PREEMPTED), ("requeue", EndCause.REQUEUED)]
)
def test_a_word_ends_the_run(room: Room, word: str, cause: EndCause) -> None:
    directory = room.start("1.1", "sleep", "600")
    control(directory, f"{word} 20000")
    ended = room.ended(directory)
    assert (ended.cause, ended.signal) == (cause, signal.SIGTERM)


def test_a_second_word_shortens_the_grace_and_keeps_the_cause(room: Room) -> None:
    directory = room.start("1.1", "sh", "-c", DEAF)
    room.until_printed(directory, "ready")
    control(directory, "preempt 600000", "cancel 0")
    ended = room.ended(directory)
    assert (ended.cause, ended.signal) == (EndCause.PREEMPTED, signal.SIGKILL)


def test_sigterm_to_the_supervisor_is_a_cancel(room: Room) -> None:
    directory = room.start("1.1", "sleep", "600")
    started = records.read_started(directory)
    assert started is not None
    os.kill(started.supervisor, signal.SIGTERM)
    assert room.ended(directory).cause is EndCause.CANCELLED


def test_a_signal_reaches_every_process_of_the_run(room: Room) -> None:
    script = "trap 'echo got' USR1; (trap 'echo child; exit' USR1; echo in; while :; do sleep 0.02; done) & wait; wait"
    directory = room.start("1.1", "sh", "-c", script)
    room.until_printed(directory, "in")
    control(directory, f"signal {signal.SIGUSR1:d}")
    room.ended(directory)
    assert sorted((directory / "stdout").read_text().split()) == ["child", "got", "in"]


def test_the_limit_can_be_moved_both_ways(room: Room) -> None:
    longer = room.start("1.1", "sh", "-c", "sleep 0.6; exit 3", extra=[("time_limit_ms", 300)])
    control(longer, "limit 60000")
    shorter = room.start("2.1", "sleep", "600", extra=[("time_limit_ms", 600_000)])
    control(shorter, "limit 50")
    assert room.ended(shorter).cause is EndCause.TIMEOUT
    assert room.ended(longer).exit_code == 3


def test_suspended_time_does_not_count(room: Room) -> None:
    # It starts no other program: a shell whose child is stopped before its exec waits, and is not seen to be stopped.
    script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 4"
    directory = room.start("1.1", "sh", "-c", script, extra=[("time_limit_ms", 6000)])
    control(directory, "suspend")
    pid = task_of(directory)
    give_up = time.monotonic() + PATIENCE_S
    while "State:\tT" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < give_up
        time.sleep(0.005)
    time.sleep(6.2)
    control(directory, "resume")
    ended = room.ended(directory)
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 4)
    assert ended.ended_at - ended.started_at >= 6_200_000


def test_garbage_among_the_control_words_is_counted_and_harms_nothing(room: Room) -> None:
    directory = room.start("1.1", "sleep", "600")
    lines = [
        "",
        "cancel later",
        "cancel -1",
        "signal 0",
        "signal 99",
        "limit",
        "x" * 300,
        "cancel 1 2",
        "\0cancel",
        "é",
    ]
    control(directory, *lines)
    control(directory, "cancel 9000")
    ended = room.ended(directory)
    assert (ended.cause, ended.control_ignored) == (EndCause.CANCELLED, len(lines))


def test_output_is_capped_and_the_program_never_blocks(room: Room) -> None:
    script = "head -c 3000000 /dev/zero; echo oops >&2; exit 6"
    directory = room.start("1.1", "sh", "-c", script, extra=[("output_cap_bytes", 100_000)])
    ended = room.ended(directory)
    assert (ended.exit_code, ended.truncated) == (6, True)
    assert (directory / "stdout").read_bytes() == bytes(100_000)
    assert (directory / "stderr").read_text() == "oops\n"


def test_both_streams_may_share_a_file_in_order_and_append(room: Room) -> None:
    out = room.base / "both"
    out.write_text("before\n")
    shared: list[Record] = [("stdout", str(out)), ("stderr", str(out)), ("append", 1)]
    ended = room.run("1.1", "sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done", extra=shared)
    assert not ended.truncated
    assert out.read_text().split() == ["before", "o1", "e1", "o2", "e2", "o3", "e3"]


def test_a_run_never_starts_twice(room: Room) -> None:
    directory = room.start("1.1", "sh", "-c", "echo once; exec sleep 600")
    room.until_printed(directory, "once")
    assert room.launch(directory) == ["1.1 busy"]
    control(directory, "cancel 0")
    room.ended(directory)
    until_dead(supervisor_of(directory))
    assert room.launch(directory) == ["1.1 already"]
    assert (directory / "stdout").read_text() == "once\n"


def test_the_lock_tells_whether_the_supervisor_lives(room: Room) -> None:
    directory = room.start("1.1", "sleep", "600")
    assert locked(directory)
    control(directory, "cancel 0")
    room.ended(directory)
    until_dead(supervisor_of(directory))
    assert not locked(directory)
    assert not supervisors.say(directory, "cancel")


def test_work_does_not_survive_its_supervisor(room: Room) -> None:
    directory = room.start("1.1", "sleep", "600")
    supervisor, task = supervisor_of(directory), task_of(directory)
    os.kill(supervisor, signal.SIGKILL)
    until_dead(supervisor, task)
    assert not locked(directory)
    assert records.read_ended(directory) is None
    assert room.launch(directory) == ["1.1 already"]


def test_nothing_of_a_run_survives_it(room: Room) -> None:
    script = "setsid sh -c 'trap \"\" TERM; echo $$; setsid sleep 601 & echo $!; exec sleep 602' & sleep 0.2; exit 9"
    directory = room.start("1.1", "sh", "-c", script)
    ended = room.ended(directory)
    pids = [int(word) for word in (directory / "stdout").read_text().split()]
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert ended.exit_code == 9


def test_memory_and_cpu_are_measured(room: Room) -> None:
    hungry = room.start("1.1", sys.executable, "-c", "import sys; b = bytearray(200_000_000); b[::4096] = b[::4096]")
    busy = "import time, os\nwhile time.process_time() < 0.5: pass\nos.fork()\nwhile time.process_time() < 1.0: pass"
    burning = room.start("2.1", sys.executable, "-c", busy)
    assert 200_000_000 <= room.ended(hungry).usage.memory_peak_bytes <= 260_000_000
    # The fork's own clock starts anew: it burns a whole second more, and ends as an orphan or a child.
    assert 1_000_000 <= room.ended(burning).usage.cpu_us <= 3_000_000


def test_the_usage_of_orphans_counts(room: Room) -> None:
    burn = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.4: pass\nprint(1)'"
    script = f"(setsid {burn} &) ; while ! grep -q 1 $0; do sleep 0.02; done"
    directory = room.plan("1.1", "sh", "-c", script, str(room.base / "1.1/stdout"))
    room.launch(directory)
    assert room.ended(directory).usage.cpu_us >= 400_000


def ranks(*scripts: str) -> list[Record]:
    extra: list[Record] = [("env", "RANK=none"), ("env", f"WORLD_SIZE={len(scripts)}")]
    for rank, script in enumerate(scripts):
        extra += [("task", rank), ("env", f"RANK={rank}"), ("arg", "sh"), ("arg", "-c"), ("arg", script)]
    return extra


def test_ranks_start_together_with_an_environment_each(room: Room) -> None:
    say = "echo rank $RANK of $WORLD_SIZE"
    directory = room.start("1.1", extra=ranks(say, say, say))
    assert room.ended(directory).exit_code == 0
    assert sorted((directory / "stdout").read_text().splitlines()) == [f"rank {n} of 3" for n in range(3)]


def test_the_first_rank_to_fail_ends_the_others(room: Room) -> None:
    directory = room.start("1.1", extra=[*ranks("sleep 600", "exit 0", "sleep 0.1; exit 12", DEAF), ("grace_ms", 300)])
    ended = room.ended(directory)
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 12)


def test_a_rank_that_cannot_start_ends_all(room: Room) -> None:
    bad: list[Record] = [("task", 1), ("arg", "/no/such/program")]
    ended = room.run("1.1", extra=[*ranks("sleep 600"), *bad])
    assert ended.cause is EndCause.LAUNCH_FAILED


@pytest.fixture
def sandbox() -> list[Record]:
    if not supervisors.can_sandbox():
        pytest.skip("the kernel lets nobody here make namespaces")
    return [("sandbox", 1)]


def test_in_a_sandbox_a_command_can_still_answer(room: Room, sandbox: list[Record]) -> None:
    script = "trap 'echo bye; exit 7' TERM; echo ready $$; while :; do sleep 0.05; done"
    directory = room.start("1.1", "sh", "-c", script, extra=sandbox)
    room.until_printed(directory, "ready")
    control(directory, "cancel 20000")
    ended = room.ended(directory)
    assert (ended.cause, ended.exit_code) == (EndCause.CANCELLED, 7)
    # Below the sandbox's init.
    assert (directory / "stdout").read_text() == "ready 2\nbye\n"


def test_a_sandbox_that_is_still_being_made_hears_too(room: Room, sandbox: list[Record]) -> None:
    directories = [room.plan(f"{n}.1", "sleep", "600", extra=sandbox) for n in range(30)]
    room.launch(*directories)
    for directory in directories:
        control(directory, "cancel 600000")
    assert {room.ended(directory).cause for directory in directories} == {EndCause.CANCELLED}


def test_a_sandbox_shows_what_the_plan_keeps(room: Room, sandbox: list[Record]) -> None:
    for name in ("mine", "theirs", "tmp"):
        (room.base / name).mkdir()
        (room.base / name / "file").write_text(name)
    covers: list[Record] = [("tmp", str(room.base / "tmp")), ("cover", str(room.base))]
    keeps: list[Record] = [("keep", str(room.base / "mine" / "file")), ("keep", str(room.base / "nowhere"))]
    look = f"cat /tmp/file {room.base}/mine/file; echo; ls {room.base}; echo x > /tmp/new; echo /proc/[0-9]*"
    directory = room.start("1.1", "sh", "-c", look, extra=[*sandbox, *covers, *keeps])
    assert room.ended(directory).exit_code == 0
    assert (directory / "stdout").read_text() == "tmpmine\nmine\n/proc/1 /proc/2\n"
    assert (room.base / "tmp" / "new").read_text() == "x\n"


@pytest.mark.root
def test_as_root_a_sandbox_keeps_nothing_that_the_user_cannot_reach(room: Room, sandbox: list[Record]) -> None:
    nobody = pwd.getpwnam("nobody")
    room.base.chmod(0o711)
    (room.base / "closed").mkdir(mode=0o700)
    (room.base / "closed" / "file").write_text("secret")
    (room.base / "closed" / "file").chmod(0o644)
    user: list[Record] = [("uid", nobody.pw_uid), ("gid", nobody.pw_gid), ("stdout", "/dev/null")]
    lure: list[Record] = [("cover", str(room.base)), ("keep", str(room.base / "closed" / "file"))]
    script = f"! test -e {room.base}/closed/file && ! kill -KILL 1 && ! ls /proc/1/fd && ! umount {room.base}"
    ended = room.run("1.1", "sh", "-c", script, extra=[*sandbox, *lure, *user, ("stderr", "/dev/null")])
    assert (ended.cause, ended.exit_code) == (EndCause.EXITED, 0)


def test_a_batch_of_fifty_costs_little(room: Room) -> None:
    directories = [room.plan(f"{n}.1", "sh", "-c", f"exit {n}") for n in range(50)]
    assert room.launch(*directories) == [f"{n}.1 ok" for n in range(50)]
    ends = [room.ended(directory) for directory in directories]
    assert [ended.exit_code for ended in ends] == list(range(50))
    assert max(ended.supervisor_cpu_us for ended in ends) <= 10_000
    assert max(ended.supervisor_memory_bytes for ended in ends) <= 3_000_000


def test_an_idle_supervisor_is_small(room: Room) -> None:
    directory = room.start("1.1", "sleep", "600")
    rollup = Path(f"/proc/{supervisor_of(directory)}/smaps_rollup").read_text()
    resident = re.search(r"^Rss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert resident is not None
    assert int(resident[1]) <= 3000


def test_a_directory_that_others_may_touch_is_refused(room: Room) -> None:
    directory = room.plan("1.1", "true")
    directory.chmod(0o750)
    assert room.launch(directory) == [f"1.1 error {errno.EPERM} owner and mode of run directory"]
    assert room.launch(room.base / "2.1") == [f"2.1 error {errno.ENOENT} open run directory"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version=1\0",
        b"version=2\0end=\0",
        b"version=1\0directory=/\0stdout=/a\0stderr=/b\0task=0\0end=\0",
        b"version=1\0directory=/\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0trailing=1\0",
        b"version=1\0directory=tmp\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0",
        b"version=1\0umask=999\0directory=/\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0",
        b"version=1\0limit=WHAT=1\0directory=/\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0",
        b"version=1\0cpu=100000\0directory=/\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0",
        b"version=1\0cgroup=/x\0cgroup_set=../y=1\0directory=/\0stdout=/a\0stderr=/b\0arg=true\0task=0\0end=\0",
    ],
)
def test_an_unsound_plan_starts_nothing(room: Room, content: bytes) -> None:
    directory = room.plan("1.1", "true")
    (directory / "plan").write_bytes(content)
    [line] = room.launch(directory)
    assert line.startswith(f"1.1 error {errno.EINVAL} ")
    assert not (directory / "started").exists()


@pytest.mark.root
def test_as_root_the_run_is_the_users(room: Room) -> None:
    nobody = pwd.getpwnam("nobody")
    out = Path(tempfile.mkdtemp(prefix="suanli-out-"))
    os.chown(out, nobody.pw_uid, nobody.pw_gid)
    user: list[Record] = [("uid", nobody.pw_uid), ("gid", nobody.pw_gid), ("group", 12345), ("no_new_privs", 1)]
    show = (
        "id -u; id -g; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status | tr -s '\\t\\n' '  '; echo x > /dev/stderr"
    )
    directory = room.start("1.1", "sh", "-c", show, extra=user, out=out)
    assert room.ended(directory).exit_code == 0
    lines = (out / "stdout").read_text().splitlines()
    assert lines[:2] == [str(nobody.pw_uid), str(nobody.pw_gid)]
    assert set(lines[2].split()) == {str(nobody.pw_gid), "12345"}
    assert lines[3].split() == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"]
    assert (out / "stderr").read_text() == "x\n"
    assert (out / "stdout").stat().st_uid == nobody.pw_uid
    # The death signal is armed again after the change of account.
    sleeping = room.start("2.1", "sleep", "600", extra=user, out=out)
    os.kill(supervisor_of(sleeping), signal.SIGKILL)
    until_dead(task_of(sleeping))
    shutil.rmtree(out)


@pytest.mark.root
def test_as_root_output_is_opened_with_the_users_rights(room: Room) -> None:
    nobody = pwd.getpwnam("nobody")
    room.base.chmod(0o711)
    lure = room.base / "lure"
    target = room.base / "target"
    target.write_text("precious")
    target.chmod(0o600)
    lure.symlink_to(target)
    user: list[Record] = [
        ("uid", nobody.pw_uid),
        ("gid", nobody.pw_gid),
        ("stdout", str(lure)),
        ("stderr", "/dev/null"),
    ]
    ended = room.run("1.1", "echo", "overwritten", extra=user)
    assert ended.detail == f"open {lure}: {os.strerror(errno.EACCES)}"
    assert target.read_text() == "precious"


def own_memory_cgroup() -> Path | None:
    """The version 1 memory group of this process, where groups may be made below it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        group = Path("/sys/fs/cgroup/memory") / path.lstrip("/")
        if controllers == "memory" and os.access(group, os.W_OK):
            return group
    return None


@pytest.fixture
def memory_cgroup() -> Path:
    parent = own_memory_cgroup()
    if parent is None:
        pytest.skip("no version 1 memory control group may be made here")
    return parent / f"suanli-test-{os.getpid()}"


def test_a_control_group_bounds_memory_and_is_removed(room: Room, memory_cgroup: Path) -> None:
    group: list[Record] = [("cgroup", str(memory_cgroup)), ("cgroup_set", f"memory.limit_in_bytes={64 << 20}")]
    hungry = "b = bytearray(300_000_000)"
    ended = room.run("1.1", "sh", "-c", f"{sys.executable} -c '{hungry}'; exit $?", extra=group)
    assert (ended.cause, ended.exit_code) == (EndCause.OUT_OF_MEMORY, 128 + signal.SIGKILL)
    assert 60 << 20 <= ended.usage.memory_peak_bytes <= 80 << 20
    assert not memory_cgroup.exists()


def test_a_control_group_holds_what_fled_the_tree(room: Room, memory_cgroup: Path) -> None:
    directory = room.start(
        "1.1", "sh", "-c", "setsid sleep 600 & echo $!; sleep 600", extra=[("cgroup", str(memory_cgroup))]
    )
    fled = int(room.until_printed(directory, "\n"))
    assert str(fled) in (memory_cgroup / "cgroup.procs").read_text().split()
    control(directory, "cancel 0")
    room.ended(directory)
    assert not alive(fled)
    assert not memory_cgroup.exists()
