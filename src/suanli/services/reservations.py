"""Advance reservations: what administrators set aside, what that meets, and whose work may run within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.authority import require, require_admin, require_known
from suanli.model.errors import AdmissionRefusedError, ConflictError, InvalidRequestError, NotFoundError
from suanli.model.facts import AdvanceReservationRemoved, AdvanceReservationSet
from suanli.model.ids import ReservationName, RunId
from suanli.model.reservations import MAX_RESERVATIONS, AdvanceReservation, ReservationPurpose, in_conflict
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Caller, Scope, User
from suanli.model.workload import Run
from suanli.ports.clock import Clock
from suanli.ports.store import Reading, Store, Transaction

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationView:
    """A reservation, and the runs that may still hold nodes of it when it starts, or do now, and do not belong there.

    They run on to their ends: what is reserved afterwards stops nobody.
    """

    reservation: AdvanceReservation
    overlapping: tuple[RunId, ...]


class Reservations:
    """Sets nodes aside ahead of time; everybody sees what is, administrators decide."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, caller: Caller) -> Sequence[ReservationView]:
        """All reservations that have neither ended nor been removed, those that start first in front."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            there = sorted(self._there(tables), key=lambda one: (one.starts_at, one.name))
            runs = tables.active_runs() if there else ()
            return [_view(tables, one, runs) for one in there]

    def show(self, caller: Caller, name: ReservationName) -> ReservationView:
        """One reservation, ended or not.

        Raises:
            NotFoundError: there is none, or it was removed.
        """
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return _view(tables, _standing(tables, name), tables.active_runs())

    def define(self, tx: Transaction, caller: Caller, wanted: AdvanceReservation) -> ReservationView:
        """Make or change a reservation; for administrators.

        Raises:
            InvalidRequestError: a field is wrong, names what does not exist, or it would have ended already.
            ConflictError: there are as many as there may be, or a node is promised to others at that time.
        """
        require_admin(caller)
        wanted.check()
        if wanted.ends_at <= self._clock.now():
            raise InvalidRequestError("ends_at", "it would have ended already")
        _require_known(tx, wanted)
        others = [one for one in self._there(tx) if one.name != wanted.name]
        if len(others) >= MAX_RESERVATIONS:
            raise ConflictError(f"there are {len(others)} reservations", "remove one, or wait until one has ended")
        for other in in_conflict(wanted, others):
            raise ConflictError(
                f"reservation {other.name} has some of these nodes at that time", "choose other nodes or times"
            )
        tx.append(AdvanceReservationSet(reservation=wanted), actor=caller.user)
        return _view(tx, tx.advance_reservation(wanted.name), tx.active_runs())

    def remove(self, tx: Transaction, caller: Caller, name: ReservationName) -> None:
        """Set nothing aside any more; for administrators. Work that names it waits on and has to be submitted anew.

        Raises:
            NotFoundError: there is none, or it was removed before.
        """
        require_admin(caller)
        _standing(tx, name)
        tx.append(AdvanceReservationRemoved(name=name), actor=caller.user)

    def _there(self, tables: Reading) -> Sequence[AdvanceReservation]:
        now = self._clock.now()
        return [one for one in tables.advance_reservations() if one.ends_at > now]


class ReservationAdmission:
    """Admits work that names a reservation if it is for it and long enough (port ``AdmissionCheck``)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
        """Refuse work that could never run where it asks to.

        Raises:
            AdmissionRefusedError: the reservation does not exist or has ended, is for others, or is too short.
        """
        for spec in specs:
            if spec.reservation:
                self._check(owner, spec, tables)

    def _check(self, owner: User, spec: WorkloadSpec, tables: Reading) -> None:
        name, now = spec.reservation, self._clock.now()
        try:
            there = _standing(tables, name)
        except NotFoundError:
            raise AdmissionRefusedError(
                "reservation_unknown", f"there is no reservation {name}", "see `suanli reservation list`"
            ) from None
        if there.ends_at <= now:
            raise AdmissionRefusedError("reservation_over", f"reservation {name} has ended", "leave it out")
        if not there.admits(spec.project, owner.name):
            raise AdmissionRefusedError(
                "reservation_not_yours", f"reservation {name} is for others", "leave it out, or ask an administrator"
            )
        longest_s = (there.ends_at - max(there.starts_at, now)) // _SECOND_US
        if not 0 < spec.time_limit_s <= longest_s:
            raise AdmissionRefusedError(
                "reservation_too_short",
                f"work within reservation {name} needs a time limit of at most {longest_s} s",
                "give a shorter time limit",
            )


def _standing(tables: Reading, name: ReservationName) -> AdvanceReservation:
    there = tables.advance_reservation(name)
    if there.removed:
        raise NotFoundError("reservation", name)
    return there


def _require_known(tables: Reading, wanted: AdvanceReservation) -> None:
    for position, node in enumerate(wanted.nodes):
        try:
            tables.node(node)
        except NotFoundError:
            raise InvalidRequestError(f"nodes.{position}", f"there is no node {node}", "see `suanli nodes`") from None
    require_known(tables, wanted.projects, wanted.users)


def _view(tables: Reading, reservation: AdvanceReservation, runs: Sequence[Run]) -> ReservationView:
    nodes = set(reservation.nodes)
    met = [run for run in runs if _may_meet(run, reservation) and any(h.node in nodes for h in run.allocation.nodes)]
    is_for_some = reservation.purpose is ReservationPurpose.USE
    overlapping = tuple(run.id for run in met if not (is_for_some and _belongs(tables, run, reservation.name)))
    return ReservationView(reservation=reservation, overlapping=overlapping)


def _may_meet(run: Run, reservation: AdvanceReservation) -> bool:
    """Tell whether a run may go on to the start of a reservation: by its limit, or because nothing bounds it."""
    begun = run.started_at or run.placed_at
    return not run.time_limit_s or begun + run.time_limit_s * _SECOND_US > reservation.starts_at


def _belongs(tables: Reading, run: Run, name: ReservationName) -> bool:
    workload = tables.workload(run.workload)
    return tables.submission(workload.submission).spec.reservation == name
