"""Advance reservations as they are shown and asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, Moment, Name, ShortText, Timestamp, timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName
from suanli.model.quantities import Instant
from suanli.model.reservations import AdvanceReservation, ReservationPurpose
from suanli.services.reservations import ReservationView as Standing

_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationView:
    """Nodes set aside for a while."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    starts_at: Timestamp
    """From when the nodes are set aside."""
    ends_at: Timestamp
    """Until when."""
    nodes: list[str]
    """Which nodes."""
    purpose: ReservationPurpose
    """Whether nobody's work may use them, or that of some."""
    projects: list[str]
    """Projects whose work may name it."""
    users: list[str]
    """Users whose work may name it."""
    reason: str
    """What people are told about it."""
    overlapping_runs: list[str]
    """Runs that may still hold some of these nodes when it starts, or do now, and do not belong there: they run on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationsView:
    """All reservations that have not ended."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[ReservationView]
    """Those that start first in front."""


class ReservationBody(Body):
    """A reservation, whole."""

    starts_at: Moment
    """From when the nodes are set aside; an instant that is past means at once."""
    ends_at: Moment
    """Until when."""
    nodes: tuple[Name, ...] = Field(min_length=1, max_length=_MOST)
    """Which nodes."""
    purpose: ReservationPurpose = ReservationPurpose.MAINTENANCE
    """`maintenance` closes them to everybody, `use` to all work but that which names it."""
    projects: tuple[Name, ...] = Field(default=(), max_length=_MOST)
    """Projects whose work may name it; for `use` alone."""
    users: tuple[Name, ...] = Field(default=(), max_length=_MOST)
    """Users whose work may name it; for `use` alone."""
    reason: ShortText = ""
    """What people are told about it."""

    def noun(self, name: str) -> AdvanceReservation:
        """What is asked for, under its name."""
        return AdvanceReservation(
            name=ReservationName(name),
            starts_at=Instant(self.starts_at),
            ends_at=Instant(self.ends_at),
            nodes=tuple(map(NodeName, self.nodes)),
            purpose=self.purpose,
            projects=frozenset(map(ProjectName, self.projects)),
            users=frozenset(map(UserName, self.users)),
            reason=self.reason,
        )


def reservation_view(standing: Standing) -> ReservationView:
    """Show a reservation with the runs that overlap it."""
    reservation = standing.reservation
    return ReservationView(
        name=reservation.name,
        starts_at=timestamp(reservation.starts_at),
        ends_at=timestamp(reservation.ends_at),
        nodes=list(reservation.nodes),
        purpose=reservation.purpose,
        projects=sorted(reservation.projects),
        users=sorted(reservation.users),
        reason=reservation.reason,
        overlapping_runs=list(standing.overlapping),
    )
