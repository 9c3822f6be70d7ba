"""Usage: what people's runs held."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from suanli.api.operations import gives, refuses
from suanli.api.schemas.fields import Name
from suanli.api.schemas.usage import DayNumber, UsagesView, usage_view
from suanli.api.visit import AnyVisit, answer
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import ProjectName, UserName
from suanli.model.quantities import format_day
from suanli.ports.store import UsageBy, UsageFilter

router = APIRouter(prefix="/v1/usage", tags=["usage"])

_DAYS = 30
_SHOWN = {
    "since": "2026-10-26",
    "until": "2026-11-24",
    "items": [
        {
            "day": None,
            "project": "oxides",
            "owner": "ada",
            "qos": None,
            "runs": 412,
            "cpu_hours": 9310.25,
            "memory_gib_hours": 18620.5,
            "device_hours": 96.0,
        }
    ],
}


@router.get("", response_model=UsagesView, responses={**gives(200, "Sums.", _SHOWN), **refuses(InvalidRequestError)})
def show_usage(
    visit: AnyVisit,
    by: Annotated[list[UsageBy] | None, Query(description="What to tell apart; else projects and owners.")] = None,
    since: Annotated[
        DayNumber | None, Query(description="The first day (UTC); by default 30 days are counted.")
    ] = None,
    until: Annotated[DayNumber | None, Query(description="The last day (UTC); by default today.")] = None,
    project: Annotated[Name | None, Query(description="Of this project.")] = None,
    owner: Annotated[Name | None, Query(description="Whose; operators see everybody's.")] = None,
) -> Response:
    """Sum up what runs that have ended held: yours, or everybody's for operators."""
    last = visit.services.accounting.today() if until is None else until
    first = max(last - _DAYS + 1, 0) if since is None else since
    apart = frozenset((UsageBy.PROJECT, UsageBy.OWNER) if by is None else by)
    which = UsageFilter(first=first, last=last, project=ProjectName(project or ""), owner=UserName(owner or ""))
    found = visit.services.accounting.usage(visit.caller, which, apart)
    items = [usage_view(usage, apart) for usage in found]
    return answer(UsagesView(since=format_day(first), until=format_day(last), items=items))
