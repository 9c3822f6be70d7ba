"""`run` shows what the work writes, exits as it exits, and cancels only on the second Ctrl-C."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import IO, Any

import pytest

from suanli_cli.client import Client
from suanli_cli.connection import Connection
from suanli_cli.errors import Unavailable
from suanli_cli.following import PATIENCE_S, Watch, exit_code
from suanli_cli.main import run
from suanli_cli.transport import Transport
from tests.unit.cli.fake_server import FakeServer, Reply, problem
from tests.unit.cli.samples import shown, workload


@pytest.mark.parametrize(
    ("state", "changes", "code"),
    [
        ("completed", {"exit_code": 0}, 0),
        ("failed", {"exit_code": 3}, 3),
        ("failed", {"exit_code": None, "signal": 9, "cause": "signalled"}, 137),
        ("failed", {"exit_code": None, "cause": "launch_failed"}, 1),
        ("failed", {"exit_code": 0, "cause": "dependency"}, 1),
        ("timeout", {"exit_code": 143}, 124),
        ("out_of_memory", {"exit_code": None, "signal": 9}, 137),
        ("cancelled", {"exit_code": 0}, 130),
        ("lost", {"exit_code": None}, 1),
    ],
)
def test_the_exit_code_speaks_for_the_work(state: str, changes: dict[str, Any], code: int) -> None:
    assert exit_code(workload(12, state, **changes)) == code  # type: ignore[arg-type]


def sse(*pieces: str) -> list[str]:
    events, offset = [], 0
    for piece in pieces:
        offset += len(piece.encode())
        events.append(f"event: chunk\nid: {offset}\ndata: {json.dumps({'offset': offset, 'text': piece})}\n\n")
    return [*events, 'event: end\ndata: {"state": "ended"}\n\n']


def logs(stdout: list[str], stderr: list[str]) -> Callable[[Any], Reply]:
    return lambda asked: Reply(events=sse(*(stdout if asked.query["stream"] == ["stdout"] else stderr)))


@pytest.fixture
def accepting(server: FakeServer) -> FakeServer:
    """A server that takes work as 12."""
    server.on("POST", "/v1/workloads", Reply({"id": 12, "count": 1, "state": "waiting", "ref": "12"}, 201))
    why = {"id": 12, "state": "waiting", "reasons": [{"code": "no_room", "text": "all cpus are held", "helps": None}]}
    server.on("GET", "/v1/workloads/12/why", Reply(why))
    return server


def test_output_goes_where_the_work_sent_it(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    states = [shown(12, "waiting"), shown(12, "running"), shown(12, "failed", exit_code=3)]
    accepting.on("GET", "/v1/workloads/12", [Reply(state) for state in states])
    accepting.on("GET", "/v1/workloads/12/logs/live", logs(["one\n", "two\n"], ["oops\n"]))
    assert run(["run", "--", "relax"]) == 3
    captured = capsys.readouterr()
    assert captured.out == "one\ntwo\n"
    assert "all cpus are held" in captured.err
    assert "oops\n" in captured.err
    assert "12 failed exit code 3" in captured.err


def test_quiet_leaves_only_the_work_s_own_words(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    accepting.on("GET", "/v1/workloads/12", [Reply(shown(12, "waiting")), Reply(shown(12, "completed"))])
    accepting.on("GET", "/v1/workloads/12/logs/live", logs(["one\n"], ["oops\n"]))
    assert run(["run", "--quiet", "--", "relax"]) == 0
    assert capsys.readouterr() == ("one\n", "oops\n")


def test_every_attempt_is_shown(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    states = [shown(12, "running"), shown(12, "waiting", attempt=1), shown(12, "completed", attempt=2)]
    accepting.on("GET", "/v1/workloads/12", [Reply(state) for state in states])
    accepting.on(
        "GET",
        "/v1/workloads/12/logs/live",
        lambda asked: Reply(events=sse(f"attempt {asked.query['run'][0]} {asked.query['stream'][0]}\n")),
    )
    assert run(["run", "--", "relax"]) == 0
    assert capsys.readouterr().out == "attempt 1 stdout\nattempt 2 stdout\n"


def test_work_that_never_ran_has_no_output(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    accepting.on("GET", "/v1/workloads/12", Reply(shown(12, "failed", cause="launch_failed", exit_code=None)))
    accepting.on("GET", "/v1/workloads/12/logs/live", problem(404, "not_found", "no run"))
    assert run(["run", "--", "relax"]) == 1
    assert capsys.readouterr().out == ""


def test_a_refusal_while_following_ends_it(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    accepting.on("GET", "/v1/workloads/12", Reply(shown(12, "running")))
    accepting.on("GET", "/v1/workloads/12/logs/live", problem(403, "not_permitted", "not yours"))
    assert run(["run", "--", "relax"]) == 4
    assert "not yours" in capsys.readouterr().err


def test_json_lines_carry_the_api_s_own(accepting: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    accepting.on("GET", "/v1/workloads/12", [Reply(shown(12, "running")), Reply(shown(12, "completed"))])
    accepting.on("GET", "/v1/workloads/12/logs/live", logs(["one\n"], []))
    assert run(["run", "--json", "--", "relax"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["submitted", "state", "stdout", "state", "ended"]
    assert lines[2]["data"] == {"offset": 4, "text": "one\n"}
    assert lines[-1]["data"] == shown(12, "completed")


def test_an_array_is_not_followed(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--array", "0-3", "--", "relax"]) == 2
    assert "submit --wait" in capsys.readouterr().err
    assert server.asked == []


def read_until(stream: IO[str], word: str) -> str:
    seen = ""
    while word not in seen:
        line = stream.readline()
        assert line, seen
        seen += line
    return seen


def test_the_second_interrupt_cancels(accepting: FakeServer) -> None:
    cancelled: list[bool] = []

    def cancel(_: Any) -> Reply:
        cancelled.append(True)
        return Reply({"changed": [12], "unchanged": []})

    accepting.on("POST", "/v1/workloads/12/cancel", cancel)
    accepting.on("GET", "/v1/workloads/12", lambda _: Reply(shown(12, "cancelled" if cancelled else "waiting")))
    accepting.on("GET", "/v1/workloads/12/logs/live", problem(404, "not_found", "no run"))
    words = [sys.executable, "-c", "from suanli_cli.main import main; main()", "run", "--", "relax"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        read_until(process.stderr, "waiting")
        process.send_signal(signal.SIGINT)
        read_until(process.stderr, "Ctrl-C again")
        assert cancelled == []
        process.send_signal(signal.SIGINT)
        read_until(process.stderr, "12 cancelled")
    assert process.returncode == 130
    assert cancelled == [True]


def test_a_server_away_for_a_while_is_waited_for(accepting: FakeServer) -> None:
    states = [Reply(shown(12, "running")), problem(503, "store_unavailable", "starting"), Reply(shown(12, "completed"))]
    accepting.on("GET", "/v1/workloads/12", states)
    accepting.on("GET", "/v1/workloads/12/logs/live", logs([], []))
    assert run(["run", "--", "relax"]) == 0


def test_a_server_away_for_long_is_given_up(accepting: FakeServer) -> None:
    clock = iter([0.0, PATIENCE_S, PATIENCE_S + 1])
    with closing(Client(Transport(Connection(accepting.url, "sesame")))) as client:
        watch = Watch(client, "12", now=lambda: next(clock))
        unavailable = problem(503, "store_unavailable", "starting")
        accepting.on("GET", "/v1/workloads/12", [Reply(shown(12, "running")), unavailable])
        assert watch.look() is not None
        assert watch.look() is None
        with pytest.raises(Unavailable):
            watch.look()
