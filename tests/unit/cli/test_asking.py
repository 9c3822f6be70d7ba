"""From options and files to specs."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from suanli_cli.asking import merged
from suanli_cli.documents import read_specs
from suanli_cli.errors import UsageMistake
from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply


@pytest.fixture
def accepting(server: FakeServer) -> FakeServer:
    """A server that accepts everything."""
    server.on("POST", "/v1/workloads", Reply({"id": 120, "count": 1, "state": "waiting", "ref": "120"}, 201))
    return server


def submitted(server: FakeServer, *arguments: str) -> Any:
    assert run(["submit", *arguments]) == 0
    return server.asked[-1].body


def test_only_what_was_given_is_asked_for(accepting: FakeServer) -> None:
    assert submitted(accepting, "--", "/bin/echo", "--name", "x") == {
        "command": ["/bin/echo", "--name", "x"],
        "name": "echo",
    }


def test_every_field_of_the_spec_has_its_option(
    accepting: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEED", "42")
    monkeypatch.chdir(tmp_path)
    arguments = (
        "--name relax --project oxides --kind service --tasks 2-4 -c 0.5 -m 4GiB --disk 100GB -d gpu:A100:2"
        " --device-memory 40GiB --precision bf16 -N 2 --max-tasks-per-node 2 --exclusive --feature ib"
        " --feature avx512 -t 2h30m -q urgent --priority -5 --reservation course --or=--tasks=8-32 --or=-dgpu:V100:2"
        " --qos rush --work bf16=3.2e18 --work fp64=40P --objective energy"
        " --deadline 2026-11-27T12:00:00Z --license solver:2 --license mesher"
        " -a 0-7%4 --after 1 --afterok 2 --afterok 3_4 --afternotok 5 --afterany 6 --singleton -e A=b=c"
        " -e SEED -C work --launcher mpi"
        " --input data.csv --input /srv/x:in/x --output fit=out/fit.png --output log.txt --retry 3 --retry-on lost"
        " --retry-on failed --preemptible -l study=oxides --notify ada@example.org -- relax.py"
    )
    assert submitted(accepting, *arguments.split()) == {
        "name": "relax",
        "project": "oxides",
        "kind": "service",
        "command": ["relax.py"],
        "tasks": 4,
        "min_tasks": 2,
        "resources": {
            "cpus": 0.5,
            "memory": "4GiB",
            "disk": "100GB",
            "devices": {"class": "gpu", "model": "A100", "count": 2, "min_memory": "40GiB", "precision": "bf16"},
        },
        "alternatives": [
            {"tasks": 32, "min_tasks": 8},
            {"resources": {"devices": {"class": "gpu", "model": "V100", "count": 2}}},
        ],
        "work": {"bf16": 3.2e18, "fp64": 4e16},
        "objective": "energy",
        "nodes": 2,
        "max_tasks_per_node": 2,
        "exclusive": True,
        "features": ["avx512", "ib"],
        "time_limit": "2h30m",
        "queue": "urgent",
        "qos": "rush",
        "priority": -5,
        "reservation": "course",
        "deadline": "2026-11-27T12:00:00Z",
        "licenses": {"solver": 2, "mesher": 1},
        "array": "0-7%4",
        "dependencies": ["after:1", "afterok:2", "afterok:3_4", "afternotok:5", "afterany:6", "singleton"],
        "environment": {"A": "b=c", "SEED": "42"},
        "working_directory": str(tmp_path / "work"),
        "launcher": "mpi",
        "inputs": [{"source": f"{tmp_path}/data.csv", "target": "data.csv"}, {"source": "/srv/x", "target": "in/x"}],
        "outputs": [{"name": "fit", "path": "out/fit.png"}, {"name": "log.txt", "path": "log.txt"}],
        "retry": {"max_attempts": 3, "on": ["lost", "failed"]},
        "preemptible": True,
        "labels": {"study": "oxides"},
        "notify": [{"address": "ada@example.org"}],
    }


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("gpu", {"class": "gpu"}),
        ("gpu:2", {"class": "gpu", "count": 2}),
        ("gpu:A100", {"class": "gpu", "model": "A100"}),
        ("gpu:A100:2", {"class": "gpu", "model": "A100", "count": 2}),
        ("gpu:A100|H800:2", {"class": "gpu", "model": "A100|H800", "count": 2}),
        ("gpu:0.5", {"class": "gpu", "share": 0.5}),
        ("npu:910B:.25", {"class": "npu", "model": "910B", "share": 0.25}),
        ("any:1", {"class": "any", "count": 1}),
    ],
)
def test_devices_have_a_short_form(accepting: FakeServer, text: str, request_: dict[str, Any]) -> None:
    assert submitted(accepting, "-d", text, "--", "x")["resources"]["devices"] == request_


def test_an_alternative_is_asked_for_by_the_same_options(accepting: FakeServer) -> None:
    words = "--tasks 2-4 -c 8 -m 4GiB -N 2 --max-tasks-per-node 2 --exclusive --feature ib -t 4h"
    device = "-d npu:910B --device-memory 32GiB --precision bf16"
    assert submitted(accepting, "-c", "1", "--or", f"{words} {device}", "--or", "-c 32", "--", "x")["alternatives"] == [
        {
            "tasks": 4,
            "min_tasks": 2,
            "nodes": 2,
            "max_tasks_per_node": 2,
            "exclusive": True,
            "features": ["ib"],
            "time_limit": "4h",
            "resources": {
                "cpus": 8,
                "memory": "4GiB",
                "devices": {"class": "npu", "model": "910B", "min_memory": "32GiB", "precision": "bf16"},
            },
        },
        {"resources": {"cpus": 32}},
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-d", "tpu:1", "--", "x"], "--device"),
        (["-d", "gpu:a:b:1", "--", "x"], "--device"),
        (["-d", "gpu::1", "--", "x"], "--device"),
        (["-d", "any:bf16>=", "--", "x"], "bf16>="),
        (["-d", "any:bf16>=300XF:4", "--", "x"], "300XF"),
        (["-d", "any:fp17>=300TF", "--", "x"], "fp17"),
        (["-d", "gpu:A100,H800", "--", "x"], "H800"),
        (["-d", "any:bf16,fp64", "--", "x"], "fp64"),
        (["-d", "any:mem>=1GB,mem>=2GB", "--", "x"], "mem>=2GB"),
        (["--work", "bf16", "--", "x"], "bf16=3.2e18"),
        (["--work", "fp17=3e9", "--", "x"], "bf16=3.2e18"),
        (["--work", "bf16=0", "--", "x"], "bf16=3.2e18"),
        (["--objective", "speed", "--", "x"], "energy"),
        (["--precision", "fp16", "--", "x"], "--device"),
        (["--precision", "fp17", "--", "x"], "fp16"),
        (["-c", "-1", "--", "x"], "--cpus"),
        (["--tasks", "0", "--", "x"], "4-16"),
        (["--tasks", "8-4", "--", "x"], "4-16"),
        (["--retry", "0", "--", "x"], "less than 1"),
        (["--or", "-d tpu:1", "--", "x"], "gpu:A100:2"),
        (["--or", "--queue urgent", "--", "x"], "--or"),
        (["--or", "", "--", "x"], "--or"),
        (["--or", "-c '1", "--", "x"], "--or"),
        (["--or", "--precision fp16", "--", "x"], "--device"),
        (["--afterok", "x12", "--", "x"], "x12"),
        (["-e", "SUANLI_SURELY_UNSET", "--", "x"], "NAME[=VALUE]"),
        (["-l", "alone", "--", "x"], "NAME=VALUE"),
        ([], "exactly one"),
        (["work.yaml", "--", "x"], "exactly one"),
        (["/none/work.yaml"], "cannot read"),
        (["--script", "/none/x.sh"], "cannot read"),
    ],
)
def test_what_is_not_well_formed_is_refused_before_anything_is_sent(
    server: FakeServer, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert run(["submit", *words]) == 2
    assert told in capsys.readouterr().err
    assert server.asked == []


def test_a_script_is_sent_whole(accepting: FakeServer, tmp_path: Path) -> None:
    script = tmp_path / "fit.sh"
    script.write_text("#!/bin/sh\necho 算力\n", encoding="utf-8")
    assert submitted(accepting, "--script", str(script)) == {"script": "#!/bin/sh\necho 算力\n", "name": "fit.sh"}


def test_options_go_over_a_file(accepting: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "work.yaml"
    file.write_text("command: [a, b]\nresources: {cpus: 2, memory: 1GiB}\nlabels: {x: y}\ntasks: 2\n")
    assert submitted(accepting, str(file), "-c", "4", "-l", "z=1") == {
        "command": ["a", "b"],
        "resources": {"cpus": 4, "memory": "1GiB"},
        "labels": {"x": "y", "z": "1"},
        "tasks": 2,
    }


def test_a_file_of_several_is_one_batch(server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accepted = {"workloads": [{"id": 5, "count": 1}, {"id": 6, "count": 8}]}
    server.on("POST", "/v1/workloads/batch", Reply(accepted, 201))
    file = tmp_path / "work.yaml"
    file.write_text("command: [a]\n---\n---\ncommand: [b]\narray: 0-7\n")
    assert run(["submit", str(file), "--hold", "-q", "night"]) == 0
    assert server.asked[0].body == {
        "workloads": [{"command": ["a"], "queue": "night"}, {"command": ["b"], "array": "0-7", "queue": "night"}]
    }
    assert server.asked[0].query == {"hold": ["true"]}
    assert capsys.readouterr().out == "5\n6\n"


@pytest.mark.parametrize(
    "text",
    [
        "[{command: [a]}, {command: [b]}]",
        "workloads: [{command: [a]}, {command: [b]}]",
        "command: [a]\n---\ncommand: [b]",
    ],
)
def test_the_forms_of_several_mean_the_same(tmp_path: Path, text: str) -> None:
    file = tmp_path / "work.yaml"
    file.write_text(text)
    assert read_specs(str(file)) == [{"command": ["a"]}, {"command": ["b"]}]


def test_json_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"command": ["a"], "time_limit": "1h"})))
    assert read_specs("-") == [{"command": ["a"], "time_limit": "1h"}]


@pytest.mark.parametrize("text", ["", "just words", "- 1", "{", "a: [", "!!python/object/apply:os.getpid []"])
def test_a_file_with_no_spec_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "work.yaml"
    file.write_text(text)
    with pytest.raises(UsageMistake):
        read_specs(str(file))


def test_lists_are_taken_whole_from_above() -> None:
    below = {"command": ["a", "b"], "retry": {"on": ["lost"], "max_attempts": 2}}
    above = {"command": ["c"], "retry": {"on": ["failed"]}}
    assert merged(below, above) == {"command": ["c"], "retry": {"on": ["failed"], "max_attempts": 2}}
