"""Qualities of service as they are shown, and as they are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, Name, Priority
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.qos import MAX_FACTOR, WHOLE_FACTOR, Qos


@dataclass(frozen=True, slots=True, kw_only=True)
class QosView:
    """One quality of service."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    priority: int
    """Work of higher goes first within a queue, whatever its own priority."""
    usage_factor: float
    """What an hour of its work counts for in fair shares."""
    preemptible: bool
    """Whether all of its work may lose its place to work that goes first."""
    users: list[str]
    """Whose work may have it; everybody's where there are neither users nor projects."""
    projects: list[str]
    """In which projects work may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitiesView:
    """All qualities of service."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[QosView]
    """By name."""


class QosBody(Body):
    """A quality of service, whole."""

    priority: Priority = 0
    """Work of higher goes first within a queue, whatever its own priority."""
    usage_factor: float = Field(default=1.0, ge=0, le=MAX_FACTOR / WHOLE_FACTOR, examples=[2.0])
    """What an hour of its work counts for in fair shares, exact to a thousandth."""
    preemptible: bool = False
    """Whether all of its work may lose its place to work that goes first."""
    users: tuple[Name, ...] = Field(default=(), max_length=10_000)
    """Whose work may have it; everybody's where there are neither users nor projects."""
    projects: tuple[Name, ...] = Field(default=(), max_length=10_000)
    """In which projects work may have it."""

    def noun(self, name: str) -> Qos:
        """The quality of service that is asked for."""
        return Qos(
            name=QosName(name),
            priority=self.priority,
            usage_factor=round(self.usage_factor * WHOLE_FACTOR),
            preemptible=self.preemptible,
            users=frozenset(map(UserName, self.users)),
            projects=frozenset(map(ProjectName, self.projects)),
        )


def qos_view(qos: Qos) -> QosView:
    """Show a quality of service."""
    return QosView(
        name=qos.name,
        priority=qos.priority,
        usage_factor=qos.usage_factor / WHOLE_FACTOR,
        preemptible=qos.preemptible,
        users=sorted(qos.users),
        projects=sorted(qos.projects),
    )
