"""Who waits for others: which blocked workloads must be judged anew when something happened, and the judgement."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.dependencies import Verdict, judge
from suanli.model.facts import DependenciesMet, DependencyFailed
from suanli.model.ids import UserName, WorkloadId
from suanli.model.spec import Dependency, DependencyKind
from suanli.model.workload import Workload, WorkloadState
from suanli.ports.store import Reading


class Blocked:
    """The blocked workloads of the center, and those of them whose dependencies may have changed since last judged.

    What is held is judged when it is released: until then nothing follows from what the others do.
    """

    def __init__(self) -> None:
        self._blocked: dict[WorkloadId, tuple[UserName, str]] = {}
        self._unjudged: set[WorkloadId] = set()
        self._moved: list[Workload] = []

    def follow(self, workload: Workload) -> None:
        """Take in a workload as it stands after a change."""
        if workload.state is WorkloadState.BLOCKED:
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
        verdicts = _Verdicts(tables)
        found = [_judged(verdicts, w) for w in tables.these(sorted(due)) if w.state is WorkloadState.BLOCKED]
        return [fact for fact in found if fact is not None]

    def judged(self) -> None:
        """What was due has been judged, and the facts are durable."""
        self._unjudged.clear()
        self._moved.clear()


class _Verdicts:
    """Verdicts within one reading; what many wait for is looked up once."""

    def __init__(self, tables: Reading) -> None:
        self._tables = tables
        self._of_others: dict[Dependency, Verdict] = {}
        self._oldest: dict[tuple[UserName, str], Sequence[Workload]] = {}

    def of(self, workload: Workload, dependency: Dependency) -> Verdict:
        if dependency.kind is DependencyKind.SINGLETON:
            name = (workload.owner, workload.name)
            if name not in self._oldest:
                self._oldest[name] = self._tables.singletons(*name)[:1]
            return judge(dependency.kind, [other for other in self._oldest[name] if other.id < workload.id])
        if dependency not in self._of_others:
            self._of_others[dependency] = judge(dependency.kind, self._named(dependency))
        return self._of_others[dependency]

    def _named(self, dependency: Dependency) -> Sequence[Workload]:
        if dependency.index is None:
            return self._tables.members(dependency.workload)
        return [self._tables.element(dependency.workload, dependency.index)]


def _judged(verdicts: _Verdicts, workload: Workload) -> DependenciesMet | DependencyFailed | None:
    left: list[Dependency] = []
    for dependency in workload.dependencies:
        match verdicts.of(workload, dependency):
            case Verdict.IMPOSSIBLE:
                return DependencyFailed(workload=workload.id, dependency=dependency)
            case Verdict.OPEN:
                left.append(dependency)
            case Verdict.MET:
                pass
    if len(left) == len(workload.dependencies):
        return None
    return DependenciesMet(workload=workload.id, left=tuple(left))
