"""Who waits for others: which blocked workloads must be judged anew when something happened, and the judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from suanli.kernel.dependencies import Verdict, judge
from suanli.model.facts import DependenciesMet, DependencyFailed
from suanli.model.ids import UserName, WorkloadId
from suanli.model.spec import Dependency, DependencyKind
from suanli.model.workload import Workload, WorkloadState
from suanli.ports.store import Reading

_WAITS_FOR_OTHERS = frozenset({WorkloadState.BLOCKED, WorkloadState.HELD})


class Blocked:
    """The blocked workloads of the center, and those of them whose dependencies may have changed since last judged."""

    def __init__(self) -> None:
        self._blocked: dict[WorkloadId, tuple[UserName, str]] = {}
        self._unjudged: set[WorkloadId] = set()
        self._moved: list[Workload] = []

    def follow(self, workload: Workload) -> None:
        """Take in a workload as it stands after a change."""
        if workload.dependencies and workload.state in _WAITS_FOR_OTHERS:
            # What was released may have missed an end while it was held.
            if workload.id not in self._blocked or workload.state is WorkloadState.BLOCKED:
                self._unjudged.add(workload.id)
            self._blocked[workload.id] = (workload.owner, workload.name)
        else:
            self._blocked.pop(workload.id, None)
        if self._blocked and (workload.state.final or workload.started_at):
            self._moved.append(workload)

    @property
    def due(self) -> bool:
        """Whether anything must be judged."""
        return bool(self._unjudged or self._moved)

    def judge(self, tables: Reading) -> Sequence[DependenciesMet | DependencyFailed]:
        """What the dependencies of those due say now, as facts to record."""
        due = set(self._unjudged)
        due.update(w.id for w in tables.blocked_on([w.id for w in self._moved]))
        names = {(w.owner, w.name) for w in self._moved if w.state.final}
        due.update(workload for workload, name in self._blocked.items() if name in names)
        waiting = [w for w in tables.these(sorted(due)) if w.dependencies and w.state in _WAITS_FOR_OTHERS]
        found = [_judged(tables, workload) for workload in waiting]
        return [fact for fact in found if fact is not None]

    def judged(self) -> None:
        """What was due has been judged, and the facts are durable."""
        self._unjudged.clear()
        self._moved.clear()


def _judged(tables: Reading, workload: Workload) -> DependenciesMet | DependencyFailed | None:
    left: list[Dependency] = []
    for dependency in workload.dependencies:
        match judge(dependency.kind, _others(tables, workload, dependency)):
            case Verdict.IMPOSSIBLE:
                return DependencyFailed(workload=workload.id, dependency=dependency)
            case Verdict.OPEN:
                left.append(dependency)
            case Verdict.MET:
                pass
    if len(left) == len(workload.dependencies):
        return None
    return DependenciesMet(workload=workload.id, left=tuple(left))


def _others(tables: Reading, workload: Workload, dependency: Dependency) -> Sequence[Workload]:
    if dependency.kind is DependencyKind.SINGLETON:
        return _earlier(tables.singletons(workload.owner, workload.name), workload)
    if dependency.index is not None:
        return [tables.element(dependency.workload, dependency.index)]
    return tables.members(dependency.workload)


def _earlier(same_name: Iterable[Workload], workload: Workload) -> Sequence[Workload]:
    return [other for other in same_name if other.id < workload.id]
