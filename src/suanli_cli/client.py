"""The typed client: one method per route of ``/v1``, each raising what `suanli_cli.errors` names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from suanli_cli.answers import (
    Accepted,
    Changed,
    Explanation,
    Me,
    NewToken,
    Page,
    PowerCap,
    Preview,
    Shown,
    Spec,
    Tariff,
    Tariffs,
    WhatIf,
)
from suanli_cli.transport import PIECE_BYTES, Query, Transport

Json = dict[str, Any]

PAGE_LIMIT = 1000
"""Most workloads one answer of the list holds."""


class Chunk(NamedTuple):
    """A piece of a followed log: its text and the offset after it."""

    offset: int
    text: str


class Client:
    """Suanli as this token may see it."""

    def __init__(self, transport: Transport) -> None:
        self._to = transport

    def submit(self, spec: Spec, *, hold: bool = False) -> Accepted:
        """Submit one spec."""
        accepted: Accepted = self._to.document("POST", "/v1/workloads", query=_flag("hold", hold), body=spec)
        return accepted

    def submit_batch(self, specs: Sequence[Spec], *, hold: bool = False) -> Mapping[str, list[Accepted]]:
        """Submit many specs, all or none."""
        body = {"workloads": list(specs)}
        accepted: Mapping[str, list[Accepted]] = self._to.document(
            "POST", "/v1/workloads/batch", query=_flag("hold", hold), body=body
        )
        return accepted

    def preview(self, spec: Spec) -> Preview:
        """What submitting the spec now would lead to; nothing is submitted."""
        preview: Preview = self._to.document("POST", "/v1/workloads/preview", body=spec)
        return preview

    def what_if(self, changes: Json) -> WhatIf:
        """The center as it is beside the center as it would be; nothing is recorded."""
        found: WhatIf = self._to.document("POST", "/v1/what-if", body=changes)
        return found

    def workloads(self, which: Query, *, limit: int) -> Page:
        """The newest ``limit`` workloads that match, over as many pages as that takes."""
        page: Page = {"items": [], "next_cursor": None}
        while len(page["items"]) < limit:
            ask = {**which, "limit": min(limit - len(page["items"]), PAGE_LIMIT), "cursor": page["next_cursor"]}
            following: Page = self._to.document("GET", "/v1/workloads", query=ask)
            page = {"items": page["items"] + following["items"], "next_cursor": following["next_cursor"]}
            if page["next_cursor"] is None:
                break
        return page

    def counts(self, which: Query) -> Mapping[str, int]:
        """How many workloads stand in each state."""
        answer = self._to.document("GET", "/v1/workloads/counts", query=which)
        counts: Mapping[str, int] = answer["by_state"]
        return counts

    def show(self, ref: str) -> Shown:
        """One workload with its spec and runs."""
        shown: Shown = self._to.document("GET", _workload(ref))
        return shown

    def why(self, ref: str) -> Explanation:
        """Why it stands where it stands, and when it is expected to start."""
        explanation: Explanation = self._to.document("GET", _workload(ref, "why"))
        return explanation

    def change(self, ref: str, verb: str) -> Changed:
        """``cancel``, ``hold``, ``release`` or ``requeue`` it."""
        changed: Changed = self._to.document("POST", _workload(ref, verb))
        return changed

    def signal(self, ref: str, signal: str | int) -> Changed:
        """Send its running tasks a signal, by number or by name without ``SIG``."""
        changed: Changed = self._to.document("POST", _workload(ref, "signal"), body={"signal": signal})
        return changed

    def update(self, ref: str, changes: Mapping[str, object]) -> Changed:
        """Change its time limit or priority."""
        changed: Changed = self._to.document("PATCH", _workload(ref), body=dict(changes))
        return changed

    def log(self, ref: str, stream: str, *, run: int | None, offset: int) -> Iterator[bytes]:
        """The bytes of ``stdout`` or ``stderr`` from ``offset`` (negative: from the end) to what there is now."""
        while True:
            query = {"stream": stream, "run": run, "offset": offset, "limit": PIECE_BYTES}
            answer = self._to.send("GET", _workload(ref, "logs"), query=query)
            yield answer.body
            offset = int(answer.headers["suanli-log-offset"]) + len(answer.body)
            if not answer.body or offset >= int(answer.headers["suanli-log-size"]):
                return

    def follow_log(self, ref: str, stream: str, *, run: int | None, offset: int = 0) -> Iterator[Chunk]:
        """The same as it grows, until the run has ended. Safe to iterate beside other calls on this client."""
        query = {"stream": stream, "run": run, "offset": offset}
        for event in self._to.follow(_workload(ref, "logs/live"), query=query, end="end"):
            if event.type == "chunk":
                data = json.loads(event.data)
                yield Chunk(data["offset"], data["text"])

    def outputs(self, ref: str) -> Json:
        """The files it offers."""
        outputs: Json = self._to.document("GET", _workload(ref, "outputs"))
        return outputs

    def output(self, ref: str, name: str) -> Iterator[bytes]:
        """One of these files, in pieces."""
        return self._to.download(_workload(ref, f"outputs/{quote(name, safe='')}"))

    def events(self, *, after: int, workload: int | None, follow: bool) -> Iterator[Json]:
        """Recorded facts after a cursor, oldest first; with ``follow`` also those to come, without end."""
        query = {"after": after, "workload": workload, **_flag("follow", follow, off="false")}
        stream = self._to.follow if follow else self._to.events
        for event in stream("/v1/events", query=query):
            yield json.loads(event.data)

    def nodes(self) -> Json:
        """Every node with what is held of it."""
        nodes: Json = self._to.document("GET", "/v1/nodes")
        return nodes

    def readings(self, node: str) -> Json:
        """How the devices of a node are now."""
        readings: Json = self._to.document("GET", f"/v1/nodes/{quote(node, safe='')}/devices/readings")
        return readings

    def rates(self) -> Json:
        """What finished work reached on which device models."""
        rates: Json = self._to.document("GET", "/v1/rates")
        return rates

    def supply(self) -> Json:
        """What the center's devices can do, by precision."""
        supply: Json = self._to.document("GET", "/v1/supply")
        return supply

    def drain(self, name: str, reason: str) -> Json:
        """Let a node finish what it has and take nothing new."""
        node: Json = self._to.document("POST", f"/v1/nodes/{quote(name, safe='')}/drain", body={"reason": reason})
        return node

    def resume(self, name: str) -> Json:
        """Let a node take work again."""
        node: Json = self._to.document("POST", f"/v1/nodes/{quote(name, safe='')}/resume")
        return node

    def engines(self) -> Json:
        """Every engine with its abilities."""
        engines: Json = self._to.document("GET", "/v1/engines")
        return engines

    def queues(self) -> Json:
        """Every queue."""
        queues: Json = self._to.document("GET", "/v1/queues")
        return queues

    def reservations(self) -> Json:
        """Every advance reservation that has not ended."""
        reservations: Json = self._to.document("GET", "/v1/reservations")
        return reservations

    def set_reservation(self, name: str, reservation: Json) -> Json:
        """Set nodes aside, or let a reservation be this from now on."""
        made: Json = self._to.document("PUT", f"/v1/reservations/{quote(name, safe='')}", body=reservation)
        return made

    def remove_reservation(self, name: str) -> None:
        """Set nothing aside any more."""
        self._to.send("DELETE", f"/v1/reservations/{quote(name, safe='')}")

    def whoami(self) -> Me:
        """Who the token says is asking."""
        me: Me = self._to.document("GET", "/v1/whoami")
        return me

    def ready(self) -> Json:
        """The server's own word that it serves.

        Raises:
            Unavailable: it does not yet, or no more.
        """
        ready: Json = self._to.document("GET", "/v1/ready")
        return ready

    def users(self) -> Json:
        """Every user."""
        users: Json = self._to.document("GET", "/v1/users")
        return users

    def create_user(self, user: Json) -> Json:
        """Add a user."""
        created: Json = self._to.document("POST", "/v1/users", body=user)
        return created

    def tokens(self, user: str) -> Json:
        """A user's tokens, without their secrets."""
        tokens: Json = self._to.document("GET", f"/v1/users/{quote(user, safe='')}/tokens")
        return tokens

    def create_token(self, user: str, token: Json) -> NewToken:
        """Make a token; its secret is in this answer and nowhere else."""
        created: NewToken = self._to.document("POST", f"/v1/users/{quote(user, safe='')}/tokens", body=token)
        return created

    def revoke_token(self, identity: str) -> None:
        """Make a token worthless."""
        self._to.send("DELETE", f"/v1/tokens/{quote(identity, safe='')}")

    def projects(self) -> Json:
        """The projects one may submit to; all of them for operators."""
        projects: Json = self._to.document("GET", "/v1/projects")
        return projects

    def set_project(self, name: str, project: Json) -> Json:
        """Make a project, or let it be this from now on."""
        made: Json = self._to.document("PUT", f"/v1/projects/{quote(name, safe='')}", body=project)
        return made

    def quotas(self) -> Json:
        """The quotas that bind one's work; all of them for operators."""
        quotas: Json = self._to.document("GET", "/v1/quotas")
        return quotas

    def set_quota(self, scope: str, name: str, most: Json) -> Json:
        """Let this be the quota of a scope from now on."""
        made: Json = self._to.document("PUT", f"/v1/quotas/{quote(scope, safe='')}/{quote(name, safe='')}", body=most)
        return made

    def qualities(self) -> Json:
        """All qualities of service."""
        qualities: Json = self._to.document("GET", "/v1/qos")
        return qualities

    def set_qos(self, name: str, wanted: Json) -> Json:
        """Make a quality of service, or let it be this from now on."""
        made: Json = self._to.document("PUT", f"/v1/qos/{quote(name, safe='')}", body=wanted)
        return made

    def remove_qos(self, name: str) -> None:
        """Let no more work have a quality of service."""
        self._to.send("DELETE", f"/v1/qos/{quote(name, safe='')}")

    def licenses(self) -> Json:
        """All licenses, and how many of each are in use."""
        licenses: Json = self._to.document("GET", "/v1/licenses")
        return licenses

    def set_license(self, name: str, wanted: Json) -> Json:
        """Let there be so many of a license from now on."""
        made: Json = self._to.document("PUT", f"/v1/licenses/{quote(name, safe='')}", body=wanted)
        return made

    def power_cap(self) -> PowerCap:
        """The power cap, and what running work is expected to draw."""
        cap: PowerCap = self._to.document("GET", "/v1/power-cap")
        return cap

    def set_power_cap(self, wanted: Json) -> Json:
        """Let running work draw at most so much from now on."""
        made: Json = self._to.document("PUT", "/v1/power-cap", body=wanted)
        return made

    def tariff(self) -> Tariffs:
        """What the center costs, now and later."""
        tariffs: Tariffs = self._to.document("GET", "/v1/tariff")
        return tariffs

    def set_tariff(self, wanted: Json) -> Tariff:
        """Let these be the prices from an instant on."""
        made: Tariff = self._to.document("PUT", "/v1/tariff", body=wanted)
        return made

    def shares(self) -> Json:
        """How projects and their members stand."""
        shares: Json = self._to.document("GET", "/v1/shares")
        return shares

    def usage(self, which: Query) -> Json:
        """What runs that have ended held."""
        usage: Json = self._to.document("GET", "/v1/usage", query=which)
        return usage

    def close(self) -> None:
        """Close the kept connection."""
        self._to.close()


def _workload(ref: str, rest: str = "") -> str:
    return f"/v1/workloads/{quote(ref, safe='')}" + (f"/{rest}" if rest else "")


def _flag(name: str, on: bool, *, off: str = "") -> Json:
    return {name: "true" if on else off}
