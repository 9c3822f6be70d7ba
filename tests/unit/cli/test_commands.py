"""What the commands print, in both languages and as JSON, and how they exit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from suanli_cli.main import run
from tests.unit.cli.fake_server import FakeServer, Reply, problem
from tests.unit.cli.samples import node, run_of, shown, workload

REASON = {
    "code": "no_device",
    "constraint": "resources.devices",
    "text": "no node has an NPU",
    "nodes_failing": 3,
    "nodes_total": 3,
    "params": {},
    "helps": "ask for any:1",
}


def subcommand(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    code = "from suanli_cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def listing(server: FakeServer) -> FakeServer:
    """A server with live and ended work."""
    live = [workload(14, "waiting", name="弛豫计算"), workload(12, "running")]
    ended = [workload(11, "failed", exit_code=3)]

    def answer(asked: Any) -> Reply:
        return Reply({"items": ended if "failed" in asked.query["state"] else live, "next_cursor": None})

    server.on("GET", "/v1/whoami", Reply({"user": "ada", "role": "admin", "scopes": ["read"], "default_project": "p"}))
    server.on("GET", "/v1/workloads", answer)
    return server


def test_ps_lists_own_live_work_and_what_ended_last(listing: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ps"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", "14", "12", "11"]
    assert "no_room" in lines[1]
    assert "exit code 3" in lines[3]
    assert "1m03s" in lines[3]
    assert {tuple(asked.query["owner"]) for asked in listing.asked_of("GET", "/v1/workloads")} == {("ada",)}


def test_columns_stand_under_each_other_whatever_the_script(
    listing: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ps", "--lang", "zh", "--all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"编号", "名称", "状态"} <= set(lines[0].split())
    words = ["状态", "等待", "运行中", "失败"]
    assert len({cell_len(line[: line.index(word)]) for line, word in zip(lines, words, strict=True)}) == 1


def test_json_is_the_api_s_own(listing: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ps", "--state", "failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"items": [workload(11, "failed", exit_code=3)], "next_cursor": None}


def test_filters_reach_the_server(listing: FakeServer) -> None:
    filters = "-s failed --owner li --project p -q night --kind job --name x --array 7 -n 5"
    assert run(["ps", *filters.split()]) == 0
    assert listing.asked[0].query == {
        "state": ["failed"],
        "owner": ["li"],
        "project": ["p"],
        "queue": ["night"],
        "kind": ["job"],
        "name": ["x"],
        "array": ["7"],
        "limit": ["5"],
    }


def test_show_tells_all(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/workloads/12", Reply(shown(12, "completed", runs=[{**run_of(12), "alternative": 2}])))
    assert run(["show", "12"]) == 0
    out = capsys.readouterr().out
    held = "n1: tasks 2, cpus 2, 1GiB, device 0 (50%)"
    for part in ("completed", "61.25 s", "alternative 2", "3MiB", "1m03s", held, "relax 'a b'"):
        assert part in out


@pytest.mark.parametrize(
    ("language", "told", "other"),
    [("en", "what helps: ask for any:1", "alternative 1: "), ("zh", "解决办法：ask for any:1", "备选 1: ")],
)
def test_why_gives_every_reason(
    server: FakeServer, capsys: pytest.CaptureFixture[str], language: str, told: str, other: str
) -> None:
    explanation = {
        "id": 14,
        "state": "waiting",
        "reasons": [REASON],
        "alternatives": [{"alternative": 1, "reasons": [REASON], "earliest_start": None}],
        "expected": [],
        "earliest_start": None,
        "earliest_start_known": False,
        "order": {"queue": "night", "queue_priority": 3, "qos": "urgent", "qos_priority": 70, "priority": -5},
    }
    server.on("GET", "/v1/workloads/14/why", Reply(explanation))
    assert run(["why", "14", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert "no node has an NPU (no_device)" in out
    assert told in out
    assert out.count("(no_device)") == 2
    assert other in out
    assert re.search(r"night 3\W+QOS urgent 70\W+\S* ?-5", out)
    assert server.asked[0].headers["accept-language"] == language


@pytest.mark.parametrize(("decision", "code"), [("now", 0), ("later", 0), ("never", 1)])
def test_a_dry_run_submits_nothing(
    server: FakeServer, capsys: pytest.CaptureFixture[str], decision: str, code: int
) -> None:
    placement = run_of(1)["nodes"] if decision == "now" else []
    preview: dict[str, Any] = {
        "decision": decision,
        "placement": placement,
        "alternative": 1 if decision == "now" else 0,
        "earliest_start": "2026-11-24T12:00:00.000000Z" if decision == "later" else None,
        "reasons": [] if decision == "now" else [REASON],
        "alternatives": [],
        "expected": [],
        "spec": {},
    }
    server.on("POST", "/v1/workloads/preview", Reply(preview))
    assert run(["submit", "--dry-run", "--", "x"]) == code
    out = capsys.readouterr().out
    assert ("n1: tasks 2" in out) == ("(alternative 1)" in out) == (decision == "now")
    assert ("no_device" in out) == (decision != "now")
    assert [asked.path for asked in server.asked] == ["/v1/workloads/preview"]


def test_submit_waits_for_an_array(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    def array(**by_state: int) -> dict[str, Any]:
        return {"id": 20, "index": 0, "size": 2, "by_state": by_state}

    server.on("POST", "/v1/workloads", Reply({"id": 20, "count": 2, "state": "waiting", "ref": "20"}, 201))
    standings = [array(completed=1, running=1), array(completed=2)]
    server.on("GET", "/v1/workloads/20", [Reply(shown(20, "completed", array=standing)) for standing in standings])
    assert run(["submit", "--wait", "--array", "0-1", "--", "x"]) == 0
    server.on("GET", "/v1/workloads/20", Reply(shown(20, "completed", array=array(completed=1, failed=1))))
    assert run(["submit", "--wait", "--array", "0-1", "--", "x"]) == 1
    assert "1 completed, 1 failed" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["cancel", "hold", "release", "requeue"])
def test_verbs_take_many(server: FakeServer, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    server.on("POST", f"/v1/workloads/12/{verb}", Reply({"changed": [12], "unchanged": []}))
    server.on("POST", f"/v1/workloads/20_3/{verb}", Reply({"changed": [], "unchanged": [23]}))
    assert run([verb, "12", "20_3"]) == 0
    assert capsys.readouterr().out.splitlines() == ["12 done", "20_3 unchanged; its state has no use for it"]
    assert run([verb, "12", "20_3", "--json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert documents == [{"changed": [12], "unchanged": []}, {"changed": [], "unchanged": [23]}]


def test_signal_and_update_say_what(server: FakeServer) -> None:
    changed = Reply({"changed": [12], "unchanged": []})
    server.on("POST", "/v1/workloads/12/signal", changed)
    server.on("PATCH", "/v1/workloads/12", changed)
    assert run(["signal", "SIGUSR1", "12"]) == run(["signal", "10", "12"]) == 0
    assert run(["update", "12", "--time", "2h", "--priority", "-3"]) == run(["update", "12", "--priority", "0"]) == 0
    bodies = [asked.body for asked in server.asked]
    assert bodies == [{"signal": "USR1"}, {"signal": 10}, {"time_limit": "2h", "priority": -3}, {"priority": 0}]
    assert run(["update", "12"]) == 2


def test_logs_pass_bytes_through(server: FakeServer, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    body = b"one\n\xff\xfe two\nthree\n"
    headers = {"Suanli-Log-Offset": "0", "Suanli-Log-Size": str(len(body))}
    server.on("GET", "/v1/workloads/12/logs", Reply(body, headers=headers))
    assert run(["logs", "12"]) == 0
    assert capfdbinary.readouterr().out == body
    assert run(["logs", "12", "-n", "2", "--stream", "stderr", "--run", "1"]) == 0
    assert capfdbinary.readouterr().out == b"\xff\xfe two\nthree\n"
    assert server.asked[-1].query["stream"] == ["stderr"]
    assert server.asked[-1].query["offset"] == ["-1048576"]


def test_events_are_lines(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    event = {
        "seq": 9,
        "at": "2026-11-24T11:00:00.000000Z",
        "actor": "ada",
        "type": "WorkloadHeld",
        "workload": 12,
        "fact": {"workload": 12},
    }
    stream = Reply(events=[f"event: WorkloadHeld\nid: 9\ndata: {json.dumps(event)}\n\n"])
    server.on("GET", "/v1/events", stream)
    assert run(["events", "--after", "8", "--workload", "12"]) == 0
    assert capsys.readouterr().out.split()[0] == "9"
    assert server.asked[0].query == {"after": ["8"], "workload": ["12"], "follow": ["false"]}
    assert run(["events", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == event


def test_nodes_show_what_is_held(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/nodes", Reply({"items": [node()]}))
    assert run(["nodes"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    for part in ("n1", "ready", "2.5/8", "1GiB/16GiB", "gpu A100 0.5/2 free"):
        assert part in row
    assert run(["nodes"]) == 0
    assert "FEATURES" not in capsys.readouterr().out


def test_nodes_show_features_where_some_have_any(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/nodes", Reply({"items": [node(), {**node("n2"), "features": ["ib", "x86_64"]}]}))
    assert run(["nodes"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert "FEATURES" in head
    assert "ib,x86_64" in second
    assert "x86_64" not in first


def test_drain_gives_its_reason(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("POST", "/v1/nodes/n1/drain", Reply({**node(), "state": "draining"}))
    assert run(["drain", "n1"]) == 2
    assert run(["drain", "n1", "--reason", "new memory"]) == 0
    assert server.asked[0].body == {"reason": "new memory"}
    assert capsys.readouterr().out == "n1 is draining\n"


def test_top_into_a_pipe_is_one_picture(listing: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    listing.on("GET", "/v1/nodes", Reply({"items": [node()]}))
    listing.on("GET", "/v1/workloads/counts", Reply({"by_state": {"running": 1, "waiting": 1}}))
    assert run(["top"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 running, 1 waiting\n")
    assert "relax" in out


def test_a_secret_is_alone_on_stdout(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("POST", "/v1/users/li/tokens", Reply({"id": "t7", "secret": "open sesame"}, 201))
    assert run(["token", "create", "--user", "li", "--scope", "read", "--expires", "30d"]) == 0
    assert server.asked[0].body == {"scopes": ["read"], "expires_in": "30d"}
    captured = capsys.readouterr()
    assert captured.out == "open sesame\n"
    assert "open sesame" not in captured.err


def test_a_secret_lost_on_the_way_is_told(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("POST", "/v1/users/li/tokens", Reply({"id": "t7", "secret": None}, 201))
    assert run(["token", "create", "--user", "li"]) == 1
    assert "token revoke t7" in capsys.readouterr().err


def test_users_and_tokens_are_listed(listing: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    user = {"name": "li", "role": "user", "account": "li", "default_project": "p", "active": True}
    token = {"id": "t7", "scopes": ["read"], "created_at": "2026-11-24T11:00:00.000000Z", "expires_at": None}
    listing.on("GET", "/v1/users", Reply({"items": [user]}))
    listing.on("POST", "/v1/users", Reply(user, 201))
    listing.on("GET", "/v1/users/ada/tokens", Reply({"items": [{**token, "revoked": False}]}))
    listing.on("DELETE", "/v1/tokens/t7", Reply(b"", 204))
    for words in ("user list", "user create li --account li", "token list", "token revoke t7", "whoami"):
        assert run(words.split()) == 0
    assert listing.asked_of("POST", "/v1/users")[0].body == {"name": "li", "role": "user", "account": "li"}
    assert "t7" in capsys.readouterr().out


def test_projects_are_set_and_listed(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    oxides = {"name": "oxides", "members": ["ada", "li"], "shares": 3}
    server.on("PUT", "/v1/projects/oxides", Reply(oxides))
    server.on("GET", "/v1/projects", Reply({"items": [oxides]}))
    assert run(["project", "set", "oxides", "--member", "li", "--member", "ada", "--shares", "3"]) == 0
    assert server.asked[0].body == {"members": ["ada", "li"], "shares": 3}
    assert run(["project", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["oxides", "3", "ada", "li"]


RESERVED = {
    "name": "course",
    "starts_at": "2026-12-01T08:00:00.000000Z",
    "ends_at": "2026-12-01T12:00:00.000000Z",
    "nodes": ["n1", "n2"],
    "purpose": "use",
    "projects": ["oxides"],
    "users": ["li"],
    "reason": "spring course",
    "overlapping_runs": ["7.1", "9.2"],
}


def test_reservations_are_set_listed_and_removed(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    repair = RESERVED | {"name": "repair", "purpose": "maintenance", "projects": [], "users": []}
    server.on("PUT", "/v1/reservations/course", Reply(RESERVED))
    server.on("PUT", "/v1/reservations/repair", Reply(repair | {"overlapping_runs": []}))
    server.on("GET", "/v1/reservations", [Reply({"items": [RESERVED, repair]}), Reply({"items": []})])
    server.on("DELETE", "/v1/reservations/course", Reply(status=204))
    times = ["--start", "2026-12-01T09:00:00+01:00", "--end", "2026-12-01 12:00Z"]
    nodes = ["--node", "n1", "--node", "n2", "--node", "n1"]
    assert run(["reservation", "set", "course", *times, *nodes, "--project", "oxides", "--user", "li"]) == 0
    asked = {name: RESERVED[name] for name in ("starts_at", "ends_at", "nodes", "purpose", "projects", "users")}
    assert server.asked[0].body == asked | {"reason": ""}
    assert "7.1 9.2" in capsys.readouterr().out
    assert run(["reservation", "set", "repair", "--start", "now", *times[2:], *nodes, "--reason", "fans"]) == 0
    assert server.asked[1].body["purpose"] == "maintenance"
    assert server.asked[1].body["reason"] == "fans"
    assert "still" not in capsys.readouterr().out
    assert run(["reservation", "list"]) == 0
    told = capsys.readouterr().out
    assert "oxides user li" in told
    assert "nobody (maintenance)" in told
    assert run(["reservation", "list"]) == 0
    assert capsys.readouterr().out == "no reservations\n"
    assert run(["reservation", "remove", "course"]) == 0


def test_a_time_that_is_none_is_refused_before_anybody_is_asked(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["reservation", "set", "x", "--start", "tomorrow", "--end", "now", "--node", "n1"]
    assert run(arguments) == 2
    assert "2026-12-01T08:00" in capsys.readouterr().err
    assert not server.asked


def test_shares_are_shown_with_members_below_their_project(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = {"project": "oxides", "owner": None, "share": 0.75, "held": 0.5, "factor": 0.63, "credit": 381_000}
    member = {"project": "oxides", "owner": "ada", "share": 0.375, "held": 0.5, "factor": 0.4, "credit": 34_560}
    server.on("GET", "/v1/shares", [Reply({"half_life": 604_800, "items": [whole, member]}), Reply({"items": []})])
    assert run(["shares"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["oxides", "75.0%", "50.0%", "0.63", "4d09h"]
    assert lines[1].startswith("  ada ")
    assert run(["shares"]) == 0
    assert "nobody" in capsys.readouterr().out


def test_usage_is_told_apart_as_asked(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    item = {
        "day": "2026-11-24",
        "project": None,
        "owner": "ada",
        "qos": None,
        "runs": 412,
        "cpu_hours": 9310.25,
        "memory_gib_hours": 18620.5,
        "device_hours": 96.0,
    }
    answer = {"since": "2026-11-01", "until": "2026-11-24", "items": [item]}
    server.on("GET", "/v1/usage", [Reply(answer), Reply(answer | {"items": []})])
    assert run(["usage", "--by", "day", "--by", "owner", "--since", "2026-11-01", "--owner", "ada"]) == 0
    asked = server.asked_of("GET", "/v1/usage")[0].query
    assert asked == {"by": ["day", "owner"], "since": ["2026-11-01"], "owner": ["ada"]}
    first, headings, row = capsys.readouterr().out.splitlines()
    assert first.startswith("2026-11-01 to 2026-11-24")
    assert headings.split() == ["DAY", "OWNER", "RUNS", "CPU", "HOURS", "GIB", "HOURS", "DEVICE", "HOURS"]
    assert row.split() == ["2026-11-24", "ada", "412", "9310.25", "18620.50", "96.00"]
    assert run(["usage"]) == 0
    assert "nothing was held" in capsys.readouterr().out


def test_outputs_are_fetched_into_a_file_of_their_own(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    server.on("GET", "/v1/workloads/12/outputs", Reply({"items": [{"name": "fit", "path": "o/fit", "size_bytes": 3}]}))
    server.on("GET", "/v1/workloads/12/outputs/fit", Reply(b"\0\1\2"))
    assert run(["outputs", "list", "12"]) == 0
    assert run(["outputs", "get", "12", "fit"]) == 0
    assert (tmp_path / "fit").read_bytes() == b"\0\1\2"
    assert run(["outputs", "get", "12", "fit"]) == 2
    assert run(["outputs", "get", "12", "fit", "--force"]) == 0
    assert "fit (3B)" in capsys.readouterr().out


def test_a_refused_output_leaves_no_file(server: FakeServer, tmp_path: Path) -> None:
    assert run(["outputs", "get", "12", "fit", "-o", str(tmp_path / "fit")]) == 3
    assert not (tmp_path / "fit").exists()


def test_errors_say_what_to_do(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.on("GET", "/v1/workloads/99", problem(404, "not_found", "no workload 99", hint="suanli ps lists yours"))
    assert run(["show", "99"]) == 3
    assert capsys.readouterr().err == "suanli: no workload 99\n  suanli ps lists yours\n"
    assert run(["show", "99", "--json"]) == 3
    assert json.loads(capsys.readouterr().err)["code"] == "not_found"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pss", "did you mean ps?"),
        ("ps --stat x", "did you mean --state?"),
        ("show", "REF is missing"),
        ("show x12", "x12 is not a workload"),
        ("ps -n many", "many is not a number"),
        ("ps --state walking", "walking is not one of"),
        ("token creat", "did you mean create?"),
        ("ps --limit", "--limit needs a value"),
    ],
)
def test_slips_are_met_with_help(capsys: pytest.CaptureFixture[str], words: str, told: str) -> None:
    assert run(words.split()) == 2
    assert told in capsys.readouterr().err


def test_no_server_is_told_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ps"]) == 6
    assert "suanli up" in capsys.readouterr().err


@pytest.mark.parametrize(("language", "told"), [("en", "Usage:"), ("zh", "用法:")])
def test_help_of_every_command_is_in_both_languages(language: str, told: str) -> None:
    code = (
        "import sys, click; from suanli_cli import language; language.settle(sys.argv[1])\n"
        "from suanli_cli.root import root\n"
        "def walk(group, ctx):\n"
        "    for name in group.list_commands(ctx):\n"
        "        command = group.get_command(ctx, name)\n"
        "        inner = click.Context(command, info_name=name, parent=ctx)\n"
        "        print(command.get_help(inner))\n"
        "        isinstance(command, click.Group) and walk(command, inner)\n"
        "walk(root, click.Context(root, info_name='suanli'))\n"
    )
    process = subprocess.run([sys.executable, "-c", code, language], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert process.stdout.count(told) > 30


@pytest.mark.parametrize(
    ("words", "late"),
    [(["--help"], {"rich", "yaml", "http.client"}), (["ps", "--help"], {"rich", "yaml"})],
)
def test_help_imports_nothing_it_does_not_need(words: list[str], late: set[str]) -> None:
    code = f"import sys; from suanli_cli.main import run\nrun({words!r}); print(sorted(sys.modules), file=sys.stderr)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(process.stderr.replace("'", '"')))
    assert "click" in loaded
    assert loaded & (late | {"suanli"}) == set()


def test_a_reader_that_goes_away_is_no_error(server: FakeServer) -> None:
    body = b"x\n" * 500_000
    headers = {"Suanli-Log-Offset": "0", "Suanli-Log-Size": str(len(body))}
    server.on("GET", "/v1/workloads/12/logs", Reply(body, headers=headers))
    code = "from suanli_cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "logs", "12"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_and_answers(shell: str) -> None:
    assert "_SUANLI_COMPLETE" in subcommand("completion", shell).stdout
    asked = {"_SUANLI_COMPLETE": f"{shell}_complete", "COMP_WORDS": "suanli re", "COMP_CWORD": "1"}
    if shell == "fish":
        asked["COMP_CWORD"] = "re"
    answer = subcommand(**asked).stdout
    assert "requeue" in answer
    assert "release" in answer
    assert "cancel" not in answer
