"""Answers as the server gives them."""

from typing import Any


def workload(identity: int, state: str = "running", **changes: Any) -> dict[str, Any]:
    """One row of the list."""
    started = None if state in {"held", "blocked", "waiting"} else "2026-11-24T11:00:01.000000Z"
    ended = "2026-11-24T11:01:04.500000Z" if state in {"completed", "failed", "timeout", "cancelled", "lost"} else None
    row = {
        "id": identity,
        "ref": str(identity),
        "array": None,
        "name": "relax",
        "owner": "ada",
        "project": "default",
        "kind": "job",
        "queue": "default",
        "qos": "normal",
        "state": state,
        "priority": 0,
        "time_limit_s": 3600,
        "attempt": 1 if started else 0,
        "cause": "exited" if ended else None,
        "detail": "",
        "exit_code": 0 if ended else None,
        "signal": None,
        "submitted_at": "2026-11-24T11:00:00.000000Z",
        "eligible_at": "2026-11-24T11:00:00.000000Z",
        "started_at": started,
        "ended_at": ended,
        "nodes": ["n1"] if started else [],
        "reason": "no_room" if state == "waiting" else None,
        "usage": {"cpu_seconds": 61.25, "memory_peak_bytes": 3 << 20} if ended else None,
    }
    return row | changes


def shown(identity: int, state: str = "running", **changes: Any) -> dict[str, Any]:
    """One workload whole."""
    row = workload(identity, state, **{name: value for name, value in changes.items() if name not in {"spec", "runs"}})
    return row | {"spec": changes.get("spec", {"command": ["relax", "a b"]}), "runs": changes.get("runs", [])}


def run_of(identity: int) -> dict[str, Any]:
    """Its first run, ended well."""
    hold = {
        "node": "n1",
        "tasks": 2,
        "cpus": 2.0,
        "memory_bytes": 1 << 30,
        "disk_bytes": 0,
        "devices": [{"index": 0, "share": 0.5, "partition": "", "slices": []}],
    }
    return {
        "id": f"{identity}.1",
        "attempt": 1,
        "state": "ended",
        "engine": "local",
        "alternative": 0,
        "nodes": [hold],
        "cause": "exited",
        "detail": "",
        "truncated": False,
    }


def node(name: str = "n1") -> dict[str, Any]:
    """A node with two GPUs, one and a half of them held."""
    gpu = {
        "device_class": "gpu",
        "model": "A100",
        "memory_bytes": 40 << 30,
        "healthy": True,
        "reason": "",
        "precisions": [],
        "partitions": [],
        "enforced": False,
        "bitstream": "",
        "bitstreams": [],
    }
    return {
        "name": name,
        "engine": "local",
        "state": "ready",
        "reason": "",
        "cpus": 8.0,
        "memory_bytes": 16 << 30,
        "disk_bytes": 500 << 30,
        "allocated_cpus": 2.5,
        "allocated_memory_bytes": 1 << 30,
        "allocated_disk_bytes": 100 << 30,
        "devices": [{**gpu, "index": 0, "free_share": 0.0}, {**gpu, "index": 1, "free_share": 0.5}],
        "features": [],
        "links": {},
        "switch": "",
        "simulated": False,
        "runs": ["12.1"],
    }
