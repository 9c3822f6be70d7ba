"""Qualities of service: whose work goes first within a queue, gives way to others, and counts for more or less."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from suanli.model.altered import altered
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.quantities import check_bounds
from suanli.model.spec import MAX_PRIORITY, NORMAL

WHOLE_FACTOR: Final = 1000
"""Thousandths in a usage factor of 1."""
MAX_FACTOR: Final = 1_000_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Qos:
    """A quality of service. ``normal`` is always there; until it is set otherwise it changes nothing for anybody.

    What its running work may have asked for at once is bounded by quotas (``QuotaScope.QOS``).
    """

    name: QosName
    priority: int = 0
    """Counts after the queue's, and before the work's own."""
    usage_factor: int = WHOLE_FACTOR
    """What an hour of its work counts for in fair shares, in thousandths: 0 for nothing, 2000 for two hours."""
    preemptible: bool = False
    """Whether all of its work may lose its place to work of higher standing, whether or not it says so itself."""
    users: frozenset[UserName] = frozenset()
    projects: frozenset[ProjectName] = frozenset()
    """Whose work may have it: of any of these users, or of any of these projects; of everybody where both are empty."""
    removed: bool = False
    generation: int = 0

    def admits(self, project: ProjectName, user: UserName) -> bool:
        """Tell whether work of that project and user may have it."""
        return not (self.users or self.projects) or user in self.users or project in self.projects

    @property
    def counted(self) -> Qos:
        """As it counts for work that has it: once removed, as if it said nothing."""
        return plain(self.name) if self.removed else self

    def check(self) -> None:
        """Check every rule that concerns it alone.

        Raises:
            InvalidRequestError: names the first field that is wrong.
        """
        if _NAME.fullmatch(self.name) is None:
            raise InvalidRequestError("name", "letters, digits, _ . -, at most 64, no . or - in front")
        check_bounds("priority", self.priority, -MAX_PRIORITY, MAX_PRIORITY)
        check_bounds("usage_factor", self.usage_factor, 0, MAX_FACTOR)
        if self.name == NORMAL and (self.users or self.projects):
            raise InvalidRequestError("users", f"{NORMAL} is what work has that names none", "make another for some")


def plain(name: QosName) -> Qos:
    """One that changes nothing."""
    return altered(_PLAIN, name=name)


_PLAIN = Qos(name=NORMAL)
