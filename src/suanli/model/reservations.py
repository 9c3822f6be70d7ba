"""Nodes set aside for a while, told in advance: for maintenance, or for the work of a few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from suanli.model.errors import InvalidRequestError
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName
from suanli.model.quantities import Instant

MAX_RESERVATIONS = 62
"""Advance reservations of a center that have not ended, at most: the planner keeps each as a bit of one number."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class ReservationPurpose(StrEnum):
    """MAINTENANCE: nobody's work may use the nodes. USE: only work that names the reservation, of those it is for."""

    MAINTENANCE = "maintenance"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceReservation:
    """From ``starts_at`` until ``ends_at`` no work may hold these nodes but that which the purpose allows.

    For USE, ``projects`` and ``users`` say whose work may name it: of any of these projects, or of any of these users.
    ``generation`` grows with every change of this record.
    """

    name: ReservationName
    starts_at: Instant
    ends_at: Instant
    nodes: tuple[NodeName, ...]
    purpose: ReservationPurpose = ReservationPurpose.MAINTENANCE
    projects: frozenset[ProjectName] = frozenset()
    users: frozenset[UserName] = frozenset()
    reason: str = ""
    """What people are told about it."""
    removed: bool = False
    """Nobody has to heed it any more; its name may be used again."""
    generation: int = 0

    def check(self) -> None:
        """Check every rule that concerns it alone.

        Raises:
            InvalidRequestError: names the first field that is wrong.
        """
        if _NAME.fullmatch(self.name) is None:
            raise InvalidRequestError("name", "letters, digits, _ . -, at most 64, no . or - in front")
        if not 0 < self.starts_at < self.ends_at:
            raise InvalidRequestError("ends_at", "a reservation ends after it starts")
        if not self.nodes or len(set(self.nodes)) != len(self.nodes):
            raise InvalidRequestError("nodes", "at least one node, and each once")
        is_for_some = bool(self.projects or self.users)
        if self.purpose is ReservationPurpose.USE and not is_for_some:
            raise InvalidRequestError("projects", "say whose work may use it: projects, users, or both")
        if self.purpose is ReservationPurpose.MAINTENANCE and is_for_some:
            raise InvalidRequestError("purpose", "nobody's work runs in maintenance; for some people's it is use")

    def admits(self, project: ProjectName, user: UserName) -> bool:
        """Tell whether work of that project and user may name it."""
        return self.purpose is ReservationPurpose.USE and (project in self.projects or user in self.users)

    def overlaps(self, begin: int, end: int) -> bool:
        """Tell whether it has an instant in common with the time from ``begin`` until before ``end``."""
        return self.starts_at < end and begin < self.ends_at


def in_conflict(one: AdvanceReservation, others: Sequence[AdvanceReservation]) -> tuple[AdvanceReservation, ...]:
    """Those of the others that promise a node of ``one`` to somebody's use at the same time; of itself none.

    Maintenance may be planned over anything: it closes what it meets.
    """
    if one.purpose is not ReservationPurpose.USE:
        return ()
    nodes = set(one.nodes)
    return tuple(
        other
        for other in others
        if other.name != one.name
        and other.purpose is ReservationPurpose.USE
        and other.overlaps(one.starts_at, one.ends_at)
        and not nodes.isdisjoint(other.nodes)
    )
