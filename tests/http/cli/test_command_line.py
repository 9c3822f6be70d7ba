"""The command line against the real server, as a person uses it: every command a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SUANLI = Path(sys.executable).with_name("suanli")


class Person:
    """Somebody at a shell with a home of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "SUANLI_HOME": str(home / "state"),
            # Else each server would make the planner's machine code anew.
            "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"],
        }

    def does(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `suanli` and expect its exit code."""
        done = subprocess.run(
            [SUANLI, *words], env=self.environment, capture_output=True, text=True, check=False, cwd=self.home
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def reads(self, *words: str) -> Any:
        """The JSON a command prints."""
        return json.loads(self.does(*words, "--json").stdout)


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    made = Person(tmp_path_factory.mktemp("person"))
    made.does("up")
    yield made
    made.does("down")


def test_up_is_idempotent_and_private(person: Person) -> None:
    again = person.reads("up")
    assert not again["started"]
    assert again["url"].startswith("http://127.0.0.1:")
    modes = {name: (person.home / "state" / name).stat().st_mode & 0o777 for name in ("connection.json", "suanlid.log")}
    assert modes == {"connection.json": 0o600, "suanlid.log": 0o600}


@pytest.mark.parametrize(
    ("words", "code", "out"),
    [
        (["--", "/bin/echo", "算力"], 0, "算力\n"),
        (["--", "/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 3, "out\n"),
        (["--time", "1s", "--", "/bin/sh", "-c", "echo begun; sleep 60"], 124, "begun\n"),
    ],
)
def test_run_exits_as_the_work_does(person: Person, words: list[str], code: int, out: str) -> None:
    assert person.does("run", *words, code=code).stdout == out


def test_every_kind_of_spec_is_understood(person: Person) -> None:
    file = person.home / "work.yaml"
    file.write_text(
        "name: first\ncommand: [/bin/sh, -c, 'echo $WHO > greeting.txt']\nenvironment: {WHO: ada}\n"
        "outputs: [{name: greeting, path: greeting.txt}]\n"
        "---\nname: many\nscript: |\n  #!/bin/sh\n  exit 0\narray: 0-2%2\n"
    )
    first, many = person.does("submit", str(file), "--wait", "--label", "study=x").stdout.split()
    assert person.does("outputs", "get", first, "greeting", "-o", "-").stdout == "ada\n"
    assert person.reads("show", many)["array"]["by_state"] == {"completed": 3}
    assert person.reads("show", f"{many}_2")["spec"]["labels"] == {"study": "x"}
    assert {item["name"] for item in person.reads("ps")["items"]} >= {"first", "many"}


def test_options_the_server_must_know_are_accepted(person: Person) -> None:
    options = (
        "--name relax --kind job --tasks 2 -c 0.5 -m 64MiB -d gpu:A100:2 --device-memory 40GiB --precision bf16 -N 1"
        " --exclusive -t 2h30m -q default --priority 5 -a 0-3%2 --afterany 1 --singleton -e A=b --chdir /tmp"
        " --launcher torchrun --input /etc/hosts --output log.txt --retry 3 --retry-on failed --preemptible -l a=b"
    )
    preview = json.loads(person.does("submit", "--dry-run", "--json", *options.split(), "--", "x", code=1).stdout)
    assert preview["decision"] == "never"
    assert preview["spec"]["resources"]["devices"]["model"] == "A100"


def test_why_names_the_device_that_is_not_there(person: Person) -> None:
    ident = person.does("submit", "--device", "npu:1", "--", "/bin/true").stdout.strip()
    assert "npu" in person.does("why", ident, "--lang", "en").stdout
    assert "没有" in person.does("why", ident, "--lang", "zh").stdout
    person.does("cancel", ident)
    assert person.reads("show", ident)["state"] == "cancelled"


def test_looking_ahead_beside_the_center_as_it_is(person: Person) -> None:
    cpus = str(int(person.reads("nodes")["items"][0]["cpus"]))
    work = ["--cpus", cpus, "--time", "10m", "--", "/bin/sleep", "600"]
    running, waiting = (person.does("submit", *work).stdout.strip() for _ in range(2))
    (node,) = person.reads("nodes")["items"]
    file = person.home / "more.yaml"
    file.write_text(f"command: [/bin/true]\nresources: {{cpus: {cpus}}}\ntime_limit: 1h\n")
    more = person.reads("what-if", "--add-nodes", "1", "--like", node["name"], "--submit", str(file), "--times", "2")
    assert more["submitted"] == 2
    assert [item["after"]["nodes"] for item in more["items"] if item["ref"] == waiting] == [more["added"]]
    told = person.does("what-if", "--time-limit", f"{waiting}=5m", "--lang", "en").stdout
    assert "sleep" in told
    assert "-5m00s" in told
    assert "没有新的提交" in person.does("what-if", "--down", node["name"], "--lang", "zh").stdout
    person.does("what-if", "--time-limit", f"{running}=5m", code=5)
    person.does("what-if", "--down", "nowhere", code=3)
    person.does("cancel", running, waiting)


def test_holding_and_releasing(person: Person) -> None:
    ident = person.does("submit", "--hold", "--", "/bin/true").stdout.strip()
    assert person.reads("show", ident)["state"] == "held"
    person.does("update", ident, "--priority", "7", "--time", "5m")
    person.does("release", ident)
    shown = person.reads("show", ident)
    assert (shown["priority"], shown["time_limit_s"]) == (7, 300)


@pytest.mark.slow
@pytest.mark.parametrize("follow", ["logs", "run"])
def test_following_outlives_the_server(person: Person, follow: str) -> None:
    go = person.home / follow
    script = f"echo before; while [ ! -e {go} ]; do sleep 0.05; done; echo after"
    work = ["--chdir", str(person.home), "--", "/bin/sh", "-c", script]
    words = ["run", *work] if follow == "run" else ["logs", "-f", person.does("submit", *work).stdout.strip()]
    with subprocess.Popen(
        [str(SUANLI), *words], env=person.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == "before\n"
        port = person.reads("up")["url"].rpartition(":")[2]
        assert "1 workloads keep running" in person.does("down").stdout
        person.does("up", "--port", port)
        go.touch()
        assert follower.stdout.read() == "after\n"
    assert follower.returncode == 0


def test_interrupting_run_twice_cancels(person: Person) -> None:
    words = [str(SUANLI), "run", "--", "/bin/sh", "-c", "echo begun; sleep 60"]
    with subprocess.Popen(
        words, env=person.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        while "Ctrl-C again" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stderr.read()
    assert process.returncode == 130


def test_nodes_people_and_tokens(person: Person) -> None:
    (node,) = person.reads("nodes")["items"]
    assert person.reads("drain", node["name"], "--reason", "new memory")["state"] == "draining"
    assert person.reads("resume", node["name"])["state"] == "ready"
    assert person.reads("user", "create", "li")["role"] == "user"
    token = person.reads("token", "create", "--user", "li", "--scope", "read", "--expires", "1d")
    li = Person(person.home)
    li.environment = {**person.environment, "SUANLI_TOKEN": token["secret"]}
    assert li.reads("whoami")["user"] == "li"
    assert "1" not in [item["ref"] for item in li.reads("ps", "--all")["items"]]
    li.does("submit", "--", "/bin/true", code=4)
    li.does("show", "1", code=3)
    person.does("token", "revoke", token["id"])
    li.does("whoami", code=4)


def test_quotas_and_licenses(person: Person) -> None:
    assert person.does("quota", "list").stdout == "There are no quotas.\n"
    set_ = person.does("quota", "set", "project_user", "default", "--runs", "50", "-m", "2TiB", "-d", "1.5").stdout
    assert set_ == "Quota of each in project default: runs 50, memory 2TiB, devices 1.5.\n"
    assert "each in project" in person.does("quota", "list").stdout
    (quota,) = person.reads("quota", "list")["items"]
    assert (quota["scope"], quota["name"], quota["runs"], quota["cpus"]) == ("project_user", "default", 50, None)
    assert "no bound" in person.does("quota", "set", "project_user", "default").stdout
    assert person.does("license", "list").stdout == "There are no licenses.\n"
    assert person.does("license", "set", "solver", "2").stdout == "License solver: 2 in all.\n"
    ref = person.does("submit", "--license", "solver:2", "--hold", "--", "/bin/true").stdout.strip()
    assert person.reads("show", ref)["spec"]["licenses"] == {"solver": 2}
    person.does("submit", "--license", "solver:3", "--", "/bin/true", code=5)
    person.does("submit", "--license", "solver:many", "--", "/bin/true", code=2)
    person.does("cancel", ref)
    assert person.reads("license", "list")["items"] == [{"name": "solver", "total": 2, "in_use": 0}]


def test_events_tell_the_story(person: Person) -> None:
    lines = person.does("events", "--workload", "1", "--json").stdout.splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds[0] == "WorkloadSubmitted"
    assert kinds[-1] == "RunEnded"


def test_a_node_is_set_aside_and_work_waits_for_it_or_runs_within_it(person: Person) -> None:
    (node,) = [node["name"] for node in person.reads("nodes")["items"]]
    times = ("--start", "now", "--end", "2100-01-01T00:00Z")
    told = person.does("reservation", "set", "repair", *times, "--node", node, "--reason", "new fans").stdout
    assert told.startswith("Reservation repair: 1 nodes")
    outside = person.does("submit", "--time", "60s", "--", "/bin/true").stdout.strip()
    (reason,) = person.reads("why", outside)["reasons"]
    assert (reason["code"], reason["params"]["reservation"]) == ("reserved", "repair")
    assert "repair" in person.does("why", outside, "--lang", "zh").stdout
    assert "new fans" in person.does("reservation", "list").stdout
    person.does("submit", "--reservation", "repair", "--time", "60s", "--", "/bin/true", code=5)
    person.does("reservation", "remove", "repair")
    assert person.does("reservation", "set", "mine", *times, "--node", node, "--user", "admin").stdout
    assert (
        person.does("run", "--reservation", "mine", "--time", "60s", "--", "/bin/echo", "inside").stdout == "inside\n"
    )
    assert person.reads("show", outside)["state"] in {"completed", "waiting"}
    person.does("reservation", "remove", "mine")
    person.does("reservation", "remove", "mine", code=3)


def test_looks_at_the_center_are_readable(person: Person) -> None:
    for words in (
        ["status"],
        ["top"],
        ["queues"],
        ["user", "list"],
        ["token", "list"],
        ["nodes"],
        ["reservation", "list"],
    ):
        assert person.does(*words).stdout.strip()
