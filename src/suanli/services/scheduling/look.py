"""A look ahead from one instant: the center as the planner knew it then, lived on with and without changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from suanli.kernel.authority import is_staff, sees
from suanli.kernel.lifecycle import runs_again
from suanli.kernel.scheduling.plan import Policy
from suanli.kernel.scheduling.state import ClusterState
from suanli.kernel.what_if.changes import Changes, Submitted
from suanli.kernel.what_if.compare import bounds_for, compare, holding
from suanli.kernel.what_if.onward import run_of, stopping
from suanli.kernel.what_if.outcome import Comparison, figures, most_affected
from suanli.model.device_names import are_meant
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.ids import NodeName, RunId, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.resources import Node, NodeState
from suanli.model.tenancy import Caller
from suanli.model.workload import EndCause, Workload, WorkloadState
from suanli.ports.store import Reading, Store, WorkloadFilter
from suanli.services.scheduling.answers import Asked, Foreseen

_NOT_WAITING = frozenset({WorkloadState.HELD, WorkloadState.BLOCKED})


class Look:
    """One copy of the planner's state; it is good for one look."""

    def __init__(self, store: Store, state: ClusterState, now: Instant, policy: Policy) -> None:
        self._store = store
        self._state = state
        self._now = now
        self._policy = policy

    def ahead(self, caller: Caller, asked: Asked) -> Foreseen:
        """Look ahead with and without what is asked; raises as :meth:`Scheduling.what_if`."""
        with self._store.read() as tables:
            down, added = _nodes(tables.nodes() if asked.is_about_nodes else (), asked)
            back = self._sent_back(tables, [node.name for node in down])
        changes = Changes(
            nodes=(*down, *added),
            cancelled=asked.cancelled,
            altered=asked.altered,
            submitted=tuple(Submitted(spec=spec, owner=caller.user, times=times) for spec, times in asked.submitted),
            sent_back=back,
            power_cap=asked.power_cap,
        )
        bounds = bounds_for(self._state)
        found = compare(self._state, self._now, self._policy, changes, bounds)
        mine = [workload for workload in found.waiting if sees(caller, found.before.stays[workload].owner)]
        never = [workload for workload in mine if workload in found.after.never][: asked.most]
        lost = [run for run in found.lost if sees(caller, run.owner)][: asked.most]
        shown = _shown(found, mine, asked)
        with self._store.read() as tables:
            records = tables.these(sorted({*shown, *never, *(run.workload for run in lost)} - {*found.submitted}))
            owner = UserName("") if is_staff(caller) else caller.user
            others = tables.counts(WorkloadFilter(owner=owner, states=_NOT_WAITING))
        return Foreseen(
            comparison=found,
            bounds=bounds,
            before=figures(found.before, mine),
            after=figures(found.after, mine),
            shown=shown,
            never=tuple(never),
            lost=tuple(lost),
            records={workload.id: workload for workload in records},
            down=tuple(node.name for node in down),
            added=tuple(node.name for node in added),
            not_waiting=sum(others.by_state.values()),
        )

    def _sent_back(self, tables: Reading, down: Collection[NodeName]) -> frozenset[RunId]:
        """Runs whose workloads wait again: those asked to end, and those that nodes going down would take with them."""
        jobs = {run_of(job): job for job in (*stopping(self._state), *holding(self._state, down))}
        workloads = sorted({job.workload for job in jobs.values()})
        runs = tables.last_runs(workloads)
        known: dict[WorkloadId, Workload] = {workload.id: workload for workload in tables.these(workloads)}
        # Who has moved on since the copy was made is not looked for: of that run nothing is known any more.
        last = [runs[job.workload] for name, job in jobs.items() if runs[job.workload].id == name]
        return frozenset(run.id for run in last if runs_again(known[run.workload], run, EndCause.LOST))


def _shown(found: Comparison, mine: Sequence[WorkloadId], asked: Asked) -> tuple[WorkloadId, ...]:
    """Each once: what was asked about, what is imagined, and what differs most."""
    asked_about = [*(change.workload for change in asked.altered), *asked.cancelled, *asked.shown]
    affected = most_affected(found, mine, asked.most)
    return tuple(dict.fromkeys([*asked_about, *found.submitted[: asked.most], *affected]))


def _nodes(known: Sequence[Node], asked: Asked) -> tuple[list[Node], list[Node]]:
    """Nodes as they go down, and nodes that come."""
    by_name = {node.name: node for node in known}
    names = dict.fromkeys([*asked.down, *_first(known, asked)])
    down = [replace(_named(by_name, name), state=NodeState.DOWN) for name in names]
    if not asked.added:
        return down, []
    like = _named(by_name, asked.like)
    whole = tuple(replace(device, healthy=True, reason="") for device in like.devices)
    new = replace(like, state=NodeState.READY, reason="", devices=whole, generation=1)
    return down, [replace(new, name=name) for name in _free_names(by_name, like.name, asked.added)]


def _named(known: dict[NodeName, Node], name: NodeName) -> Node:
    if name not in known:
        raise NotFoundError("node", name)
    return known[name]


def _first(known: Sequence[Node], asked: Asked) -> list[NodeName]:
    """So many nodes as are asked for by number, in the order of their names."""
    ready = [node for node in known if node.state is NodeState.READY and node.name not in asked.down]
    if asked.model:
        ready = [node for node in ready if any(are_meant(asked.model, device.model) for device in node.devices)]
    if len(ready) < asked.down_count:
        raise InvalidRequestError("down_count", f"only {len(ready)} such nodes take work", "see `suanli nodes`")
    return [node.name for node in ready[: asked.down_count]]


def _free_names(known: Collection[NodeName], like: NodeName, count: int) -> Iterable[NodeName]:
    """Names that no node has, made of this one."""
    number = 0
    for _ in range(count):
        number += 1
        while (name := NodeName(f"{like}.new{number}")) in known:
            number += 1
        yield name
