"""Work of every shape on the local engine, through the public API of a real server."""

import os
from pathlib import Path

import pytest

from bench.rig.processes import wait_until
from tests.live.house import PATIENCE_S, UNTIL_TOLD, House, Person

pytestmark = pytest.mark.slow


def test_a_service_runs_until_it_is_cancelled_and_is_asked_first(admin: Person) -> None:
    service = admin.shell(f"trap 'echo told; exit 3' TERM; echo serving; {UNTIL_TOLD}", kind="service")
    admin.awaits_line(service, "serving")
    admin.asks("POST", f"workloads/{service}/cancel")
    assert admin.awaits(service)["state"] == "cancelled"
    assert admin.reads(service) == "serving\ntold\n"


def test_files_go_in_and_come_out_as_they_are(admin: Person, house: House) -> None:
    data = os.urandom(300_000)
    source = house.folder / "source"
    source.write_bytes(data)
    source.chmod(0o644)
    work = admin.shell(
        "mkdir results && cat given/data given/data > results/twice && printf ok > report",
        inputs=[{"source": str(source), "target": "given/data"}],
        outputs=[
            {"name": "twice.bin", "path": "results/twice"},
            {"name": "report", "path": "report"},
            {"name": "missing", "path": "missing"},
        ],
    )
    assert admin.awaits(work)["state"] == "completed", admin.reads(work, "stderr")
    offered = admin.asks("GET", f"workloads/{work}/outputs")["items"]
    assert {item["name"]: item["size_bytes"] for item in offered} == {"twice.bin": 600_000, "report": 2}
    assert admin.asks("GET", f"workloads/{work}/outputs/twice.bin") == data + data
    assert admin.asks("GET", f"workloads/{work}/outputs/missing", status=404)["code"] == "not_found"


def test_the_time_limit_of_running_work_moves_both_ways(admin: Person) -> None:
    shortened = admin.shell(f"echo begun; {UNTIL_TOLD}", time_limit="1h")
    lengthened = admin.shell("echo begun; sleep 5; echo done", time_limit="4s")
    admin.awaits_line(lengthened, "begun")
    admin.asks("PATCH", f"workloads/{lengthened}", {"time_limit": "2m"})
    admin.awaits_line(shortened, "begun")
    admin.asks("PATCH", f"workloads/{shortened}", {"time_limit": "1s"})
    assert admin.awaits(shortened)["state"] == "timeout"
    assert admin.awaits(lengthened)["state"] == "completed"
    assert admin.reads(lengthened) == "begun\ndone\n"


def test_a_signal_reaches_the_work(admin: Person) -> None:
    work = admin.shell(f"trap 'echo saved; exit 6' USR1; echo ready; {UNTIL_TOLD}")
    admin.awaits_line(work, "ready")
    admin.asks("POST", f"workloads/{work}/signal", {"signal": "USR1"})
    assert (admin.awaits(work)["state"], admin.sees(work)["exit_code"]) == ("failed", 6)
    assert admin.reads(work) == "ready\nsaved\n"


def test_held_work_waits_for_its_release(admin: Person) -> None:
    work = admin.submits("/bin/true", hold=True)
    after = admin.submits("/bin/true", dependencies=[f"afterok:{work}"])
    assert admin.awaits(admin.submits("/bin/true"))["state"] == "completed"
    assert (admin.sees(work)["state"], admin.sees(after)["state"]) == ("held", "blocked")
    admin.asks("POST", f"workloads/{work}/release")
    assert admin.awaits(after)["state"] == "completed"


def test_two_ranks_are_told_where_to_meet(admin: Person) -> None:
    say = 'echo "$RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $MASTER_ADDR:${MASTER_PORT:?}"'
    work = admin.shell(say, tasks=2, launcher="torchrun")
    assert admin.awaits(work)["state"] == "completed", admin.reads(work, "stderr")
    lines = sorted(line.split() for line in admin.reads(work).splitlines())
    assert [line[:2] for line in lines] == [["0/2", "0/2"], ["1/2", "1/2"]]
    assert len({line[2] for line in lines}) == 1


def test_more_memory_than_asked_for_ends_the_work(admin: Person) -> None:
    [local] = admin.asks("GET", "engines")["items"]
    if not local["limits"].startswith("cgroup"):
        pytest.skip(f"the local engine has no control groups here, but {local['limits']}")
    # One block of 400 MiB, written whole.
    work = admin.submits("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=400M", "count=1")
    assert admin.awaits(work)["state"] == "out_of_memory", admin.reads(work, "stderr")
    within = {"cpus": 0.1, "memory": "600MiB"}
    fine = admin.submits("/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=400M", "count=1", resources=within)
    assert admin.awaits(fine)["state"] == "completed", admin.reads(fine, "stderr")


def test_work_that_ends_while_nobody_serves_keeps_its_end(admin: Person, house: House) -> None:
    go = house.folder / "go"
    script = f"echo begun; while [ ! -e {go} ]; do sleep 0.05; done; echo late; exit 7"
    work = admin.shell(script, working_directory=str(house.folder))
    admin.awaits_line(work, "begun")
    assert "1 workloads keep running" in house.down()
    go.touch()
    wait_until(ended_on_disk(house, work).exists, PATIENCE_S, "the run to end")
    house.up()
    shown = admin.awaits(work)
    assert (shown["state"], shown["exit_code"], shown["attempt"]) == ("failed", 7, 1)
    assert admin.reads(work) == "begun\nlate\n"


def ended_on_disk(house: House, workload: int) -> Path:
    """What the supervisor leaves (specs/3-run-directory.md)."""
    return house.home / "local" / "runs" / f"{workload}.1" / "ended"
