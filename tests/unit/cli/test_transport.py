"""HTTP as the client speaks it: kept alive, retried under one key, problems typed, streams resumed."""

import json
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli_cli.client import Client
from suanli_cli.connection import Connection
from suanli_cli.errors import (
    BadAnswer,
    Conflict,
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
    Unreachable,
)
from suanli_cli.language import settle
from suanli_cli.sse import ServerEvent, read_events
from suanli_cli.transport import ATTEMPTS, OPENINGS, Transport
from tests.unit.cli.fake_server import FakeServer, Reply, problem


@pytest.fixture
def pauses() -> list[float]:
    """Seconds the transport wanted to wait."""
    return []


@pytest.fixture
def transport(fake: FakeServer, pauses: list[float]) -> Iterator[Transport]:
    made = Transport(Connection(fake.url, "sesame"), pause=pauses.append)
    yield made
    made.close()


def test_one_connection_serves_many_requests(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/whoami", Reply({"user": "ada"}))
    for _ in range(3):
        assert transport.document("GET", "/v1/whoami") == {"user": "ada"}
    assert len({asked.peer for asked in fake.asked}) == 1


def test_requests_carry_token_and_language(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/whoami", Reply({}))
    settle("zh")
    transport.document("GET", "/v1/whoami")
    assert fake.asked[0].headers["authorization"] == "Bearer sesame"
    assert fake.asked[0].headers["accept-language"] == "zh"


def test_a_lost_post_is_sent_again_under_the_same_key(
    fake: FakeServer, transport: Transport, pauses: list[float]
) -> None:
    fake.on("POST", "/v1/workloads", [Reply(drop=True), Reply(drop=True), Reply({"id": 7}, 201)])
    assert transport.document("POST", "/v1/workloads", body={"command": ["true"]}) == {"id": 7}
    keys = {asked.headers["idempotency-key"] for asked in fake.asked}
    assert len(fake.asked) == 3
    assert len(keys) == 1
    assert pauses == sorted(pauses)
    assert len(pauses) == 2


def test_each_post_has_a_key_of_its_own(fake: FakeServer, transport: Transport) -> None:
    fake.on("POST", "/v1/workloads", Reply({"id": 7}, 201))
    transport.document("POST", "/v1/workloads", body={})
    transport.document("POST", "/v1/workloads", body={})
    first, second = (asked.headers["idempotency-key"] for asked in fake.asked)
    assert first != second


def test_a_connection_lost_every_time_is_given_up(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/whoami", Reply(drop=True))
    with pytest.raises(Unreachable):
        transport.document("GET", "/v1/whoami")
    assert len(fake.asked) == ATTEMPTS


def test_a_refused_connection_is_told_at_once(pauses: list[float]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match="no server answers"):
            Transport(Connection(url, ""), pause=pauses.append).document("GET", "/v1/whoami")
    assert pauses == []


@pytest.mark.parametrize(
    ("status", "code", "kind", "exit_code"),
    [
        (401, "not_authenticated", NotPermitted, 4),
        (403, "not_permitted", NotPermitted, 4),
        (404, "not_found", NotFound, 3),
        (409, "conflict", Conflict, 5),
        (422, "invalid_request", Invalid, 2),
        (403, "admission_refused", Conflict, 5),
        (503, "store_unavailable", Unavailable, 6),
        (500, "internal", Refused, 1),
    ],
)
def test_a_problem_becomes_its_typed_error(
    fake: FakeServer, transport: Transport, status: int, code: str, kind: type[Refused], exit_code: int
) -> None:
    errors = [{"field": "tasks", "detail": "at least 1"}]
    fake.on("GET", "/v1/whoami", problem(status, code, "no such luck", hint="try again", errors=errors))
    with pytest.raises(Refused) as caught:
        transport.document("GET", "/v1/whoami")
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.exit_code, caught.value.hint) == (code, exit_code, "try again")
    assert caught.value.detail == "no such luck\n  tasks: at least 1"


def test_an_error_that_is_no_problem_document_still_says_its_status(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/whoami", Reply(b"<html>Bad gateway</html>", 502))
    with pytest.raises(Refused, match="502"):
        transport.document("GET", "/v1/whoami")


def test_an_answer_that_is_no_json_is_told(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/whoami", Reply(b"<html>Welcome</html>"))
    with pytest.raises(BadAnswer):
        transport.document("GET", "/v1/whoami")


def test_a_path_before_the_api_is_kept(fake: FakeServer) -> None:
    fake.on("GET", "/center/v1/whoami", Reply({"user": "ada"}))
    transport = Transport(Connection(f"{fake.url}/center", ""))
    assert transport.document("GET", "/v1/whoami") == {"user": "ada"}
    transport.close()


def chunk(offset: int, text: str) -> str:
    return f"event: chunk\nid: {offset}\ndata: {json.dumps({'offset': offset, 'text': text})}\n\n"


END = 'event: end\ndata: {"state": "completed"}\n\n'


def test_a_broken_stream_goes_on_where_it_broke(fake: FakeServer, transport: Transport) -> None:
    path = "/v1/workloads/12/logs/live"
    fake.on(
        "GET",
        path,
        [
            Reply(events=[chunk(3, "one"), chunk(6, "two"), "event: chunk\nid: 9\nda"], drop=True),
            Reply(drop=True),
            problem(503, "store_unavailable", "starting"),
            Reply(events=[": still here\n\n", chunk(11, "three")]),
            Reply(events=[END]),
        ],
    )
    chunks = list(Client(transport).follow_log("12", "stdout", run=None))
    assert [text for _, text in chunks] == ["one", "two", "three"]
    assert [asked.headers.get("last-event-id") for asked in fake.asked] == [None, "6", "6", "6", "11"]


def test_a_stream_that_never_opens_is_given_up(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/events", Reply(drop=True))
    with pytest.raises(Unreachable):
        next(Client(transport).events(after=0, workload=None, follow=True))
    assert len(fake.asked) == OPENINGS + 1


def test_a_stream_refused_is_not_tried_again(fake: FakeServer, transport: Transport) -> None:
    fake.on("GET", "/v1/workloads/12/logs/live", problem(404, "not_found", "no workload 12"))
    with pytest.raises(NotFound):
        list(Client(transport).follow_log("12", "stdout", run=None))
    assert len(fake.asked) == 1


def test_a_log_longer_than_one_answer_is_read_piece_by_piece(fake: FakeServer, transport: Transport) -> None:
    whole = b"0123456789"
    path = "/v1/workloads/12/logs"
    replies = [
        Reply(whole[at : at + 4], headers={"Suanli-Log-Offset": str(at), "Suanli-Log-Size": str(len(whole))})
        for at in (0, 4, 8)
    ]
    fake.on("GET", path, replies)
    assert b"".join(Client(transport).log("12", "stdout", run=2, offset=0)) == whole
    assert [asked.query["offset"] for asked in fake.asked] == [["0"], ["4"], ["8"]]
    assert fake.asked[0].query["run"] == ["2"]


def test_pages_are_joined_up_to_the_limit(fake: FakeServer, transport: Transport) -> None:
    first = {"items": [{"id": 3}, {"id": 2}], "next_cursor": "c2"}
    fake.on("GET", "/v1/workloads", [Reply(first), Reply({"items": [{"id": 1}], "next_cursor": None})])
    page = Client(transport).workloads({"state": ("waiting", "running")}, limit=1500)
    assert [item["id"] for item in page["items"]] == [3, 2, 1]
    assert [asked.query["limit"] for asked in fake.asked] == [["1000"], ["1000"]]
    assert fake.asked[1].query["cursor"] == ["c2"]
    assert fake.asked[0].query["state"] == ["waiting", "running"]


def test_names_cannot_leave_their_place_in_the_path(fake: FakeServer, transport: Transport) -> None:
    with pytest.raises(NotFound):
        list(Client(transport).output("12", "../../users"))
    assert fake.asked[0].path == "/v1/workloads/12/outputs/..%2F..%2Fusers"


LINE = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=20)
EVENT = st.builds(
    ServerEvent,
    id=LINE,
    type=LINE.filter(bool),
    data=st.lists(LINE, min_size=1, max_size=3).map("\n".join),
)


@given(st.lists(EVENT))
def test_events_written_by_the_standard_are_read_back(events: list[ServerEvent]) -> None:
    text = "".join(
        f"id: {event.id}\nevent: {event.type}\n"
        + "".join(f"data: {line}\n" for line in event.data.split("\n"))
        + ": a comment\n\n"
        for event in events
    )
    lines = re.findall(rb"[^\n]*\n", text.encode())
    assert list(read_events(lines)) == events
