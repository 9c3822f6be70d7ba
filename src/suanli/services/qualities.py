"""Qualities of service: what they are, and whose work may have which."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.authority import require, require_admin, require_known
from suanli.kernel.terms import require_qos, standing_qos
from suanli.model.errors import ConflictError, NotFoundError
from suanli.model.facts import QosDefined, QosRemoved
from suanli.model.ids import QosName
from suanli.model.qos import Qos, plain
from suanli.model.spec import NORMAL, WorkloadSpec
from suanli.model.tenancy import Caller, Scope, User
from suanli.ports.store import Reading, Store, Transaction

MAX_QUALITIES = 1000


class Qualities:
    """Keeps qualities of service; how work that has them goes is the planner's to say."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, caller: Caller) -> Sequence[Qos]:
        """All that there are, by name; ``normal`` is always among them."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            found = {NORMAL: plain(NORMAL)} | {one.name: one for one in _there(tables)}
        return [found[name] for name in sorted(found)]

    def show(self, caller: Caller, name: QosName) -> Qos:
        """One of them.

        Raises:
            NotFoundError: there is none, or it was removed.
        """
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return standing_qos(tables, name)

    def define(self, tx: Transaction, caller: Caller, wanted: Qos) -> Qos:
        """Make or change one from now on, for what waits and runs too; for administrators.

        Raises:
            InvalidRequestError: a field is wrong, or names a project or user that does not exist.
            ConflictError: there are as many as there may be.
        """
        require_admin(caller)
        wanted.check()
        require_known(tx, wanted.projects, wanted.users)
        others = [one for one in _there(tx) if one.name != wanted.name]
        if len(others) >= MAX_QUALITIES:
            raise ConflictError(f"there are {len(others)} qualities of service", "remove one")
        tx.append(QosDefined(qos=wanted), actor=caller.user)
        return tx.qos(wanted.name)

    def remove(self, tx: Transaction, caller: Caller, name: QosName) -> None:
        """Let no more work have one; for administrators. What has it goes on as if it said nothing.

        Raises:
            NotFoundError: there is none, or it was removed before.
        """
        require_admin(caller)
        if tx.qos(name).removed:
            raise NotFoundError("QOS", name, "see `suanli qos list`")
        tx.append(QosRemoved(name=name), actor=caller.user)


class QosCheck:
    """Refuses work that may not have the quality of service that it names (port ``AdmissionCheck``)."""

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
        """Let the submission pass or refuse it.

        Raises:
            AdmissionRefusedError: there is none of that name, or it is for others.
        """
        for spec in specs:
            if spec.qos != NORMAL:
                require_qos(tables, spec.qos, spec.project, owner.name)


def _there(tables: Reading) -> Sequence[Qos]:
    return [one for one in tables.every_qos() if not one.removed]
