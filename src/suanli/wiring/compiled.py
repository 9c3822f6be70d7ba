"""Where the kernel's machine code is kept: a folder for each text of what is compiled and each kind of processor.

numba keeps what it compiled beside the source and looks only at that one file's age. The kernel's functions are
compiled into each other, so a change in one file would leave others stale; and the folder of an installed kernel may
not be writable. A library that was linked of it (record 0019) lies in the same folder.
"""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

import suanli.kernel
from suanli.kernel.scheduling.plan import Policy
from suanli.model.altered import altered
from suanli.model.ids import EngineName, NodeName, ProjectName, QueueName, RunId, UserName, WorkloadId
from suanli.model.power import PowerCap
from suanli.model.quantities import Instant
from suanli.model.resources import Node
from suanli.model.spec import TaskResources, WorkloadSpec
from suanli.model.workload import Run, RunState, Workload, WorkloadState

LIBRARY = "kernel.so"

_COMPILED = ("replay", "scheduling")
"""Rooms of the kernel that have entries."""


def keep_compiled(spare: Path | None = None) -> Path:
    """Choose the folder, before the kernel is imported; a choice made in the environment stands.

    It lies in the account's cache, which all its centers share, or below ``spare`` where there can be none.

    Raises:
        OSError: no folder can be made there, and there is no spare one.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    name = f"kernel-{_fingerprint()}"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suanli" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        if spare is None:
            raise
        folder = spare / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return folder


def use_linked(folder: Path) -> None:
    """Let a kernel that is imported from now on be the linked one, if there is one in the folder.

    For processes that only plan: a replay's loop has the planner's compiled into it.

    Raises:
        OSError: the library cannot be loaded.
    """
    from suanli.kernel.scheduling.core.jit import link  # noqa: PLC0415  it loads numpy

    library = folder / LIBRARY
    if library.exists():
        link(str(library))


def _fingerprint() -> str:
    """Of the text, and of the processor: machine code is for this one, and homes are shared."""
    text = hashlib.sha256(platform.machine().encode())
    for room in _COMPILED:
        for source in sorted(Path(suanli.kernel.__file__).with_name(room).rglob("*.py")):
            text.update(source.read_bytes())
    first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
    for line in first.splitlines():
        if line.startswith(("model", "flags", "Features", "CPU ", "isa")):
            text.update(line.encode())
    return text.hexdigest()[:16]


def compile_ahead() -> None:
    """Have numba's machine code of all that a server's planner calls, by calling it for a center of one node.

    Making it takes a minute or two.
    """
    from suanli.kernel.scheduling.cycle import cycle  # noqa: PLC0415  the folder must be chosen before
    from suanli.kernel.scheduling.explain import explain  # noqa: PLC0415
    from suanli.kernel.scheduling.job import NEVER  # noqa: PLC0415
    from suanli.kernel.scheduling.state import ClusterState  # noqa: PLC0415

    state, now = ClusterState(), Instant(1)
    state.set_power_cap(PowerCap())
    state.set_node(Node(name=NodeName("n"), engine=EngineName("e"), cpu_milli=1000, memory_bytes=2**30))
    first, second, third = (_waiting(WorkloadId(number)) for number in (1, 2, 3))
    for workload in (first, second, third):
        state.enqueue(workload, WorkloadSpec())
    # The first starts, the second is promised the node, and of the third must be foreseen when it may have it.
    explain(state, third.id, now, Policy())
    state.learn(Instant(60_000_000))
    (placement,) = cycle(state, now, Policy()).placements
    state.dequeue(first.id)
    run = Run(
        id=RunId("1.1"),
        workload=first.id,
        attempt=1,
        state=RunState.PLACED,
        allocation=placement.allocation,
        time_limit_s=0,
        placed_at=now,
    )
    state.occupy(run, first, WorkloadSpec(), NEVER)
    state.vacate(run.id)
    _plan_with_many()


def _plan_with_many() -> None:
    """The same of what plans with more than one reservation."""
    from suanli.kernel.scheduling.explain import explain  # noqa: PLC0415  the folder must be chosen before
    from suanli.kernel.scheduling.state import ClusterState  # noqa: PLC0415

    state = ClusterState()
    state.set_node(Node(name=NodeName("n"), engine=EngineName("e"), cpu_milli=2000, memory_bytes=2**31))
    narrow, wide = (WorkloadSpec(resources=TaskResources(cpu_milli=cpus)) for cpus in (1000, 2000))
    # The first starts, two are promised the node, and the last has room beside the first, but not beside these.
    for number, spec, limit_s in ((1, narrow, 60), (2, wide, 60), (3, wide, 60), (4, narrow, 120)):
        state.enqueue(altered(_waiting(WorkloadId(number)), time_limit_s=limit_s), spec)
    explain(state, WorkloadId(4), Instant(1), Policy(reservations=2))


def compile_replays() -> None:
    """The same of what lives through logs, by a replay of one job; most of it is what the planner has already."""
    from suanli.kernel.replay.center import from_mapping  # noqa: PLC0415  the folder must be chosen before
    from suanli.kernel.replay.loop import replay  # noqa: PLC0415
    from suanli.kernel.replay.policy import POLICIES  # noqa: PLC0415
    from suanli.kernel.replay.trace import make_trace  # noqa: PLC0415

    center = from_mapping(
        {
            "nodes": [{"prefix": "n", "cpus": 1, "memory": "1GiB"}],
            "reservations": [{"name": "r", "start": "1h", "end": "2h", "nodes": {"prefix": "n", "count": 1}}],
        }
    )
    trace = make_trace(
        {"number": [1], "submitted_us": [0], "runtime_us": [1], "requested_us": [1], "tasks": [1], "cpu_milli": [1]}
    )
    replay(trace, center, POLICIES["easy"])


def _waiting(workload: WorkloadId) -> Workload:
    return Workload(
        id=workload,
        submission=workload,
        owner=UserName("u"),
        project=ProjectName("p"),
        kind=WorkloadSpec().kind,
        name="w",
        queue=QueueName("default"),
        state=WorkloadState.WAITING,
        priority=0,
        time_limit_s=60,
        array_id=WorkloadId(0),
        array_index=0,
        submitted_at=Instant(1),
        eligible_at=Instant(1),
    )
