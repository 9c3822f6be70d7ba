"""A request under an idempotency key is done once, however often and however concurrently it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.http.center import RunningCenter


def test_the_same_request_is_done_once(center: RunningCenter) -> None:
    with center.client("ann", **{"Idempotency-Key": "once-1"}) as client:
        spec = {"command": ["true"], "name": "once"}
        first = client.post("/v1/workloads?hold=true", json=spec)
        second = client.post("/v1/workloads?hold=true", json=spec)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert first.headers["location"] == second.headers["location"] == f"/v1/workloads/{first.json()['id']}"
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert client.get("/v1/workloads/counts?name=once").json() == {"by_state": {"held": 1}}


def test_another_request_under_the_key_is_refused(center: RunningCenter) -> None:
    with center.client("ann", **{"Idempotency-Key": "once-2"}) as client:
        assert client.post("/v1/workloads?hold=true", json={"command": ["true"]}).status_code == 201
        for path, spec in (
            ("/v1/workloads?hold=true", {"command": ["false"]}),
            ("/v1/workloads", {"command": ["true"]}),
        ):
            answer = client.post(path, json=spec)
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


def test_keys_are_each_persons_own(center: RunningCenter) -> None:
    ids = set()
    for user in ("ann", "bob"):
        with center.client(user, **{"Idempotency-Key": "shared"}) as client:
            ids.add(client.post("/v1/workloads?hold=true", json={"command": ["true"]}).json()["id"])
    assert len(ids) == 2


def test_a_failed_request_may_be_sent_again_under_its_key(center: RunningCenter) -> None:
    with center.client("admin", **{"Idempotency-Key": "once-3"}) as client:
        assert client.post("/v1/users", json={"name": "cy", "default_project": "later"}).status_code == 404
        assert client.put("/v1/projects/later", json={}).status_code == 200
        assert client.post("/v1/users", json={"name": "cy", "default_project": "later"}).status_code == 201
        again = client.post("/v1/users", json={"name": "cy", "default_project": "later"})
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")


def test_concurrent_repeats_make_one(center: RunningCenter) -> None:
    def send(_: int) -> int:
        with center.client("bob", **{"Idempotency-Key": "many"}) as client:
            return int(client.post("/v1/workloads?hold=true", json={"command": ["true"], "name": "many"}).json()["id"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(send, range(16)))) == 1


def test_a_tokens_secret_is_kept_nowhere(center: RunningCenter) -> None:
    with center.client("ann", **{"Idempotency-Key": "token-1"}) as client:
        first = client.post("/v1/users/ann/tokens", json={"scopes": ["read"], "expires_in": "1h"}).json()
        again = client.post("/v1/users/ann/tokens", json={"scopes": ["read"], "expires_in": "1h"}).json()
        assert first["secret"]
        assert again == {**first, "secret": None}
        listed = client.get("/v1/users/ann/tokens").text
        assert first["id"] in listed
        assert first["secret"] not in listed
        with center.client(Authorization=f"Bearer {first['secret']}") as lesser:
            assert lesser.get("/v1/whoami").json()["scopes"] == ["read"]
            assert lesser.post("/v1/workloads", json={"command": ["true"]}).status_code == 403
        assert client.delete(f"/v1/tokens/{first['id']}").status_code == 204
        with center.client(Authorization=f"Bearer {first['secret']}") as ended:
            assert ended.get("/v1/whoami").status_code == 401


def test_an_empty_or_endless_key_is_refused(center: RunningCenter) -> None:
    for key in ("", "k" * 256):
        with center.client("ann", **{"Idempotency-Key": key}) as client:
            answer = client.post("/v1/workloads", json={"command": ["true"]})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
