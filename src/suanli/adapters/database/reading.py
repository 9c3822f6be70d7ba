"""All tables, and all questions that may be asked of them."""

from __future__ import annotations

from typing import Any

from suanli.adapters.database.answers import AnswerQueries
from suanli.adapters.database.cursors import CursorQueries
from suanli.adapters.database.facts import FactQueries
from suanli.adapters.database.power import POWER_CAPS, PowerQueries
from suanli.adapters.database.quota import LICENSES, QUOTAS, QuotaQueries
from suanli.adapters.database.rates import LEARNED_RATES, RateQueries
from suanli.adapters.database.reservations import ADVANCE_RESERVATIONS, ReservationQueries
from suanli.adapters.database.resources import NODES, QUEUES, ResourceQueries
from suanli.adapters.database.runs import RUNS, RunQueries
from suanli.adapters.database.schema import Aggregate
from suanli.adapters.database.tenancy import PROJECTS, TOKENS, USERS, TenancyQueries
from suanli.adapters.database.terms import QUALITIES, TARIFFS, TermsQueries
from suanli.adapters.database.usage import USAGE_DAYS, UsageQueries
from suanli.adapters.database.workloads import WORKLOADS

AGGREGATES: tuple[Aggregate[Any], ...] = (
    WORKLOADS,
    RUNS,
    NODES,
    QUEUES,
    QUOTAS,
    LICENSES,
    POWER_CAPS,
    TARIFFS,
    QUALITIES,
    ADVANCE_RESERVATIONS,
    USERS,
    PROJECTS,
    TOKENS,
    USAGE_DAYS,
    LEARNED_RATES,
)
"""In the order they are written: what is referred to comes before what refers to it."""

AGGREGATE_OF: dict[type, Aggregate[Any]] = {aggregate.kind: aggregate for aggregate in AGGREGATES}


class Snapshot(
    FactQueries,
    RunQueries,
    ResourceQueries,
    QuotaQueries,
    PowerQueries,
    TermsQueries,
    ReservationQueries,
    TenancyQueries,
    UsageQueries,
    RateQueries,
    AnswerQueries,
    CursorQueries,
):
    """A consistent view of the tables (port ``Reading``), as long as its connection's transaction lasts."""
