"""Scheduling: the center's one planner, there from when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from suanli.kernel.authority import is_member, is_staff, require, require_operator
from suanli.kernel.scheduling.fair_share import Standings
from suanli.kernel.scheduling.plan import Explanation, ReasonCode
from suanli.model.facts import RecordedFact, WorkloadFact, WorkloadSubmitted
from suanli.model.ids import FactSeq, UserName, WorkloadId
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Caller, Scope
from suanli.model.workload import Workload, WorkloadState
from suanli.ports.store import Store
from suanli.services.scheduling.answers import Asked, Foreseen, TurnReport, Why
from suanli.services.scheduling.lookers import Lookers

if TYPE_CHECKING:
    from suanli.services.scheduling.planner import Planner

_CHUNK = 2_000


class Scheduling:
    """Turns and questions take their turns under one lock.

    The compiled loops of the kernel weigh almost as much as the rest of a server. ``load`` is asked for a planner only
    when something waits or is to be foreseen; a center where nothing ever happens does without.
    """

    def __init__(self, store: Store, load: Callable[[], Planner]) -> None:
        self._store = store
        self._load = load
        self._lock = threading.Lock()
        self._lookers = Lookers()
        self._planner: Planner | None = None
        self._seen: FactSeq | None = None

    def turn(self) -> TurnReport:
        """Take in all that happened, plan, and record what was decided; see :meth:`Planner.turn`."""
        with self._lock:
            if self._planner is None and not self._is_needed():
                return TurnReport()
            return self._loaded().turn()

    def is_due(self) -> bool:
        """Tell whether a turn could decide otherwise because time has passed; never waits for a turn."""
        planner = self._planner
        return planner is not None and planner.is_due()

    def reasons(self, workloads: Sequence[Workload]) -> dict[WorkloadId, ReasonCode]:
        """The one reason in short that the last plan gave for each of these that waits; never waits for a turn."""
        planner = self._planner
        return {} if planner is None else planner.reasons(workloads)

    def explain(self, workload: WorkloadId) -> Why:
        """Why a workload waits: every constraint that blocks it, and the earliest start now foreseen.

        Raises:
            NotFoundError: there is no such workload.
        """
        with self._lock:
            if self._planner is None:
                with self._store.read() as tables:
                    found = tables.workload(workload)
                if found.state is not WorkloadState.WAITING:
                    return Why(workload=found, explanation=None)
            return self._loaded().explain(workload)

    def preview(self, spec: WorkloadSpec, owner: UserName) -> Explanation:
        """Where a spec would start if its owner submitted it now, or why it would wait; nothing is recorded."""
        with self._lock:
            return self._loaded().preview(spec, owner)

    def what_if(self, caller: Caller, asked: Asked) -> Foreseen:
        """What would become of what waits, beside what becomes of it as it is; nothing is recorded.

        Turns go on meanwhile. A plain user hears of their own workloads alone, and cannot ask about nodes or power.

        Raises:
            BusyError: the caller is asking already, or as many others as may are.
            ConflictError: what is altered does not wait, or what is cancelled neither waits nor runs.
            InvalidRequestError: so many nodes are not there, or too much is submitted.
            NotFoundError: there is no such node.
            NotPermittedError: it is about nodes or the power cap, and the caller is no operator.
            TooFarAheadError: it goes too far ahead.
        """
        require(caller, Scope.READ)
        if asked.is_about_the_center:
            require_operator(caller, Scope.READ)
        with self._lookers.entered(caller.user):
            with self._lock:
                look = self._loaded().look()
            return look.ahead(caller, asked)

    def standings(self, caller: Caller) -> Standings:
        """How projects and their members stand: a plain user's own projects and own membership, for operators all."""
        require(caller, Scope.READ)
        with self._lock:
            found = self._loaded().standings()
        if is_staff(caller):
            return found
        with self._store.read() as tables:
            user = tables.user(caller.user)
            own = {project.name for project in tables.projects() if is_member(user, project)}
        return replace(
            found,
            projects={name: standing for name, standing in found.projects.items() if name in own},
            members={key: standing for key, standing in found.members.items() if key[1] == caller.user},
        )

    def _loaded(self) -> Planner:
        if self._planner is None:
            self._planner = self._load()
        return self._planner

    def _is_needed(self) -> bool:
        """Tell whether anything waits, or has happened from which something may follow."""
        if self._seen is None:
            with self._store.read() as tables:
                self._seen = tables.last_fact()
                return any(workload.state is not WorkloadState.HELD for workload, _ in tables.queued())
        while news := self._store.news(self._seen, _CHUNK):
            self._seen = news[-1].seq
            if any(map(_matters, news)):
                return True
        return False


def _matters(recorded: RecordedFact) -> bool:
    """Tell whether a planner could have to do something: not for nodes, people, and work that was submitted on hold."""
    fact = recorded.fact
    return isinstance(fact, WorkloadFact) and not (isinstance(fact, WorkloadSubmitted) and fact.held)
