"""What was held and who is owed how much, as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import ConfigDict, WithJsonSchema

from suanli.api.schemas.fields import text_form
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.ids import ProjectName, UserName
from suanli.model.quantities import format_day, parse_day
from suanli.model.usage import UsageDay
from suanli.ports.store import UsageBy

if TYPE_CHECKING:
    from suanli.kernel.scheduling.fair_share import Standing, Standings

_HOUR_US = 3600 * 1_000_000
_GIB_HOUR = 1024 * 3600 * 1000
"""Mebibyte-milliseconds in a gibibyte-hour."""

_DAY = WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-11-24"]})
Day = Annotated[str, _DAY]
"""A day of UTC."""
DayNumber = Annotated[int, text_form(parse_day), _DAY]
"""A day of UTC as somebody asks for it, counted from the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageView:
    """What runs that have ended held. What they are not told apart by is null."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    day: Day | None
    """On which day."""
    project: str | None
    """In which project."""
    owner: str | None
    """Whose."""
    qos: str | None
    """Of which quality of service."""
    runs: int
    """How many of them ended on these days."""
    cpu_hours: float
    """Cpus held, times hours."""
    memory_gib_hours: float
    """Memory held, in GiB, times hours."""
    device_hours: float
    """Devices held, times hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagesView:
    """What was held from one day to another."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    since: Day
    """The first day."""
    until: Day
    """The last day; runs that have not ended are in none."""
    items: list[UsageView]
    """By day, project and owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareView:
    """How a project stands, or a member of it: owed as much waiting as its factor is worth."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    project: str
    """The project."""
    owner: str | None
    """The member; null for the project as a whole."""
    share: float
    """The part of the center that may be expected, beside the others that are active."""
    held: float
    """The part of the center that was held of late, of processors, memory or devices, whichever is largest."""
    factor: float
    """1 where nothing was held, 0.5 where just the share was, towards 0 beyond."""
    credit: int
    """Seconds of waiting that this counts as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesView:
    """Who is owed how much."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    half_life: int
    """Seconds after which what was held counts half."""
    items: list[ShareView]
    """By project, each followed by its members; only those that held something of late, or wait."""


def usage_view(usage: UsageDay, by: frozenset[UsageBy]) -> UsageView:
    """Show what was held."""
    return UsageView(
        day=format_day(usage.day) if UsageBy.DAY in by else None,
        project=usage.project if UsageBy.PROJECT in by else None,
        owner=usage.owner if UsageBy.OWNER in by else None,
        qos=usage.qos if UsageBy.QOS in by else None,
        runs=usage.runs,
        cpu_hours=round(usage.cpu_us / _HOUR_US, 6),
        memory_gib_hours=round(usage.memory_mib_ms / _GIB_HOUR, 6),
        device_hours=round(usage.device_us / _HOUR_US, 6),
    )


def shares_view(standings: Standings) -> SharesView:
    """Show who is owed how much."""
    weights, items = standings.weights, []
    for project, standing in sorted(standings.projects.items()):
        items.append(_share(project, None, standing, weights.project_s))
        of_project = sorted((account, member) for account, member in standings.members.items() if account[0] == project)
        items += [_share(project, account[1], member, weights.member_s) for account, member in of_project]
    return SharesView(half_life=weights.half_life_s, items=items)


def _share(project: ProjectName, owner: UserName | None, standing: Standing, weight_s: int) -> ShareView:
    return ShareView(
        project=project,
        owner=owner,
        share=round(standing.share, 6),
        held=round(standing.held, 6),
        factor=round(standing.factor, 6),
        credit=round(weight_s * standing.factor),
    )
