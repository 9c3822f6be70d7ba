"""Where the kernel's machine code is kept: a folder of its own for each text of the kernel.

numba keeps what it compiled beside the source and looks only at that one file's age. The kernel's functions are
compiled into each other, so a change in one file would leave others stale; and the folder of an installed kernel may
not be writable.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import suanli.kernel
from suanli.kernel.scheduling.plan import Policy
from suanli.model.ids import EngineName, NodeName, ProjectName, QueueName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec
from suanli.model.workload import Run, RunState, Workload, WorkloadState


def keep_compiled(spare: Path | None = None) -> None:
    """Choose the folder, before the kernel is imported; a choice made in the environment stands.

    It lies in the account's cache, which all its centers share, or below ``spare`` where there can be none.

    Raises:
        OSError: no folder can be made there, and there is no spare one.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    here = Path(suanli.kernel.__file__).parent
    text = hashlib.sha256()
    for source in sorted(here.rglob("*.py")):
        text.update(source.read_bytes())
    name = f"kernel-{text.hexdigest()[:16]}"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "suanli" / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        if spare is None:
            raise
        folder = spare / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def compile_ahead() -> None:
    """Have machine code of everything that a server's planner calls, by calling it for a center of one node.

    Made once, it is loaded in about a second; making it takes most of a minute.
    """
    from suanli.kernel.scheduling.cycle import cycle  # noqa: PLC0415  the folder must be chosen before
    from suanli.kernel.scheduling.explain import explain  # noqa: PLC0415
    from suanli.kernel.scheduling.state import NEVER, ClusterState  # noqa: PLC0415

    state, now = ClusterState(), Instant(1)
    state.set_node(Node(name=NodeName("n"), engine=EngineName("e"), cpu_milli=1000, memory_bytes=2**30))
    first, second, third = (_waiting(WorkloadId(number)) for number in (1, 2, 3))
    for workload in (first, second, third):
        state.enqueue(workload, WorkloadSpec())
    # The first starts, the second is promised the node, and of the third must be foreseen when it may have it.
    explain(state, third.id, now, Policy())
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
