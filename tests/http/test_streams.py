"""Logs as ranges and live, outputs, and events that miss nothing and repeat nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from suanli.ports.engine import Stream
from tests.http.center import RunningCenter


@dataclass(frozen=True)
class Told:
    kind: str
    id: str
    data: Any


def told(answer: httpx.Response) -> Iterator[Told]:
    assert answer.status_code == 200, answer.read()
    assert answer.headers["content-type"].startswith("text/event-stream")
    kind = identity = data = ""
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            identity = value
        elif name == "data":
            data = value
        elif not line and data:
            yield Told(kind, identity, json.loads(data))
            kind = identity = data = ""


def test_a_log_is_read_in_ranges(center: RunningCenter) -> None:
    run = center.started(workload := center.submit())
    center.engine.write(run, b"0123456789")
    center.engine.write(run, b"oops", Stream.STDERR)
    with center.client("ann") as client:
        path = f"/v1/workloads/{workload}/logs"
        whole = client.get(path)
        assert (whole.content, whole.headers["suanli-log-size"]) == (b"0123456789", "10")
        part = client.get(path, params={"offset": 3, "limit": 4})
        assert (part.content, part.headers["suanli-log-offset"]) == (b"3456", "3")
        tail = client.get(path, params={"offset": -2})
        assert (tail.content, tail.headers["suanli-log-offset"]) == (b"89", "8")
        assert client.get(path, params={"stream": "stderr"}).content == b"oops"
        assert client.get(path, params={"run": 2}).status_code == 404
        assert client.get(path, params={"limit": 1 << 25}).status_code == 422


def test_a_log_is_followed_from_before_the_run_until_its_end(center: RunningCenter) -> None:
    with center.client("ann") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]

        def work() -> None:
            with center.client("ann") as other:
                other.post(f"/v1/workloads/{workload}/release")
            run = center.started(workload)
            for piece in (b"one\n", "两".encode()[:2], "两".encode()[2:] + b"\n", b"\xff\n"):
                center.engine.write(run, piece)
            center.engine.end(run)

        worker = threading.Thread(target=work)
        with client.stream("GET", f"/v1/workloads/{workload}/logs/live") as answer:
            worker.start()
            events = list(told(answer))
        worker.join()
    assert events[-1] == Told("end", "", {"state": "completed"})
    assert "".join(event.data["text"] for event in events[:-1]) == "one\n两\n\ufffd\n"
    assert events[-2].id == "10"


def test_a_followed_log_resumes_where_it_was_cut(center: RunningCenter) -> None:
    run = center.started(workload := center.submit())
    center.engine.write(run, b"first ")
    with center.client("ann") as client:
        with client.stream("GET", f"/v1/workloads/{workload}/logs/live") as answer:
            first = next(told(answer))
        assert (first.data, first.id) == ({"offset": 0, "text": "first "}, "6")
        center.engine.write(run, b"second")
        center.engine.end(run)
        with client.stream("GET", f"/v1/workloads/{workload}/logs/live", headers={"Last-Event-ID": first.id}) as answer:
            rest = list(told(answer))
        assert [event.data for event in rest] == [{"offset": 6, "text": "second"}, {"state": "completed"}]
        bad = client.get(f"/v1/workloads/{workload}/logs/live", headers={"Last-Event-ID": "x"})
        assert bad.status_code == 422


def test_following_what_is_cancelled_before_it_ran_ends(center: RunningCenter) -> None:
    with center.client("ann") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]
        client.post(f"/v1/workloads/{workload}/cancel")
        with client.stream("GET", f"/v1/workloads/{workload}/logs/live") as answer:
            assert [event.data for event in told(answer)] == [{"state": "cancelled"}]


def test_outputs_are_listed_and_downloaded_whole(center: RunningCenter) -> None:
    workload = center.submit(outputs=[{"name": "fit.png", "path": "out/fit.png"}])
    run = center.started(workload)
    data = bytes(range(256)) * 3000
    center.engine.leave(run, "fit.png", data)
    center.engine.end(run)
    center.wait_state(workload, "completed")
    with center.client("ann") as client:
        listed = client.get(f"/v1/workloads/{workload}/outputs").json()
        assert listed == {"items": [{"name": "fit.png", "path": "out/fit.png", "size_bytes": len(data)}]}
        answer = client.get(f"/v1/workloads/{workload}/outputs/fit.png")
        assert answer.content == data
        assert answer.headers["content-disposition"] == 'attachment; filename="fit.png"'
        assert client.get(f"/v1/workloads/{workload}/outputs/other").status_code == 404
    with center.client("bob") as stranger:
        assert stranger.get(f"/v1/workloads/{workload}/outputs/fit.png").status_code == 404


def test_events_tell_a_workloads_whole_story(center: RunningCenter) -> None:
    run = center.started(workload := center.submit(name="story"))
    center.engine.end(run)
    center.wait_state(workload, "completed")
    with center.client("ann") as client:
        query: dict[str, str | int] = {"workload": workload, "follow": "false"}
        with client.stream("GET", "/v1/events", params=query) as answer:
            events = list(told(answer))
        kinds = [event.kind for event in events]
        assert kinds == ["WorkloadSubmitted", "RunPlaced", "RunStarted", "RunEnded"]
        assert all(event.data["workload"] == workload and event.data["type"] == event.kind for event in events)
        assert [int(event.id) for event in events] == sorted(event.data["seq"] for event in events)
        assert events[0].data["fact"]["spec"]["name"] == "story"
        assert events[0].data["actor"] == "ann"
        assert events[2].data["fact"]["started_at"].endswith("Z")
        with client.stream("GET", "/v1/events", params=query, headers={"Last-Event-ID": events[1].id}) as answer:
            assert list(told(answer)) == events[2:]


def test_a_follower_is_told_as_it_happens(center: RunningCenter) -> None:
    with center.client("bob") as client:
        workload = client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"]
        with client.stream("GET", "/v1/events", params={"workload": workload}) as answer:
            events = told(answer)
            assert next(events).kind == "WorkloadSubmitted"
            client.post(f"/v1/workloads/{workload}/release")
            assert next(events).kind == "WorkloadReleased"


def test_people_are_told_of_their_own_work_only(center: RunningCenter) -> None:
    workload = center.submit("bob", name="private")
    with center.client("ann") as client:
        assert client.get("/v1/events", params={"workload": workload}).status_code == 404
        with client.stream("GET", "/v1/events", params={"follow": "false"}) as answer:
            assert workload not in [event.data["workload"] for event in told(answer)]
    with center.client("opal") as staff, staff.stream("GET", "/v1/events", params={"follow": "false"}) as answer:
        events = list(told(answer))
    assert workload in [event.data["workload"] for event in events]
    issued = [event.data["fact"]["token"] for event in events if event.kind == "TokenIssued"]
    assert issued
    assert not any("digest" in token for token in issued)


def test_many_followers_leave_room_for_requests(center: RunningCenter) -> None:
    workload = center.submit()
    center.started(workload)
    with center.client("ann") as client:
        streams = [client.stream("GET", f"/v1/workloads/{workload}/logs/live") for _ in range(30)]
        streams += [client.stream("GET", "/v1/events", params={"workload": workload}) for _ in range(30)]
        for stream in streams:
            assert stream.__enter__().status_code == 200
        assert client.get("/v1/whoami").status_code == 200
        for stream in streams:
            stream.__exit__(None, None, None)
