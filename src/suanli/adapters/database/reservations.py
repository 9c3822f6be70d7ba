"""Advance reservations."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, select

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Row, flag, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName
from suanli.model.reservations import AdvanceReservation, ReservationPurpose

advance_reservations = Table(
    "advance_reservations",
    metadata,
    text("name", key=True),
    whole("starts_at_us"),
    whole("ends_at_us"),
    text("nodes"),
    text("purpose"),
    text("projects"),
    text("users"),
    text("reason"),
    flag("removed"),
    whole("generation"),
    sqlite_strict=True,
)

_read_nodes = decoder(tuple[NodeName, ...])
_read_projects = decoder(frozenset[ProjectName])
_read_users = decoder(frozenset[UserName])


def _row(reservation: AdvanceReservation) -> Row:
    return (
        reservation.name,
        reservation.starts_at,
        reservation.ends_at,
        encode(reservation.nodes).decode(),
        reservation.purpose.value,
        encode(reservation.projects).decode(),
        encode(reservation.users).decode(),
        reservation.reason,
        reservation.removed,
        reservation.generation,
    )


def _record(row: Row) -> AdvanceReservation:
    return AdvanceReservation(
        name=row[0],
        starts_at=row[1],
        ends_at=row[2],
        nodes=_read_nodes(row[3]),
        purpose=ReservationPurpose(row[4]),
        projects=_read_projects(row[5]),
        users=_read_users(row[6]),
        reason=row[7],
        removed=bool(row[8]),
        generation=row[9],
    )


ADVANCE_RESERVATIONS = Aggregate(
    kind=AdvanceReservation,
    noun="reservation",
    table=advance_reservations,
    key=lambda reservation: (reservation.name,),
    row=_row,
    record=_record,
)


class ReservationQueries(View):
    """Questions about advance reservations: few enough to sort and sift them here."""

    def advance_reservation(self, name: ReservationName) -> AdvanceReservation:
        return self._find(ADVANCE_RESERVATIONS, (name,))

    def advance_reservations(self) -> Sequence[AdvanceReservation]:
        found = self._records(ADVANCE_RESERVATIONS, select(advance_reservations))
        return sorted((one for one in found if not one.removed), key=lambda one: one.name)
