"""What the API stands on: handed over whole by wiring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from suanli.ports.store import Store
from suanli.services.accounting import Accounting
from suanli.services.inventory import Inventory
from suanli.services.power import Power
from suanli.services.qualities import Qualities
from suanli.services.quotas import Quotas
from suanli.services.rates import Rates
from suanli.services.requests import Requests
from suanli.services.reservations import Reservations
from suanli.services.scheduling import Scheduling
from suanli.services.tariffs import Tariffs
from suanli.services.tenants import Tenants
from suanli.services.workloads import Workloads


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of one center.

    ``store`` is only waited on and asked for its newest fact. ``alive`` names the loops that have died.
    """

    requests: Requests
    workloads: Workloads
    tenants: Tenants
    inventory: Inventory
    quotas: Quotas
    power: Power
    rates: Rates
    tariffs: Tariffs
    qualities: Qualities
    reservations: Reservations
    scheduling: Scheduling
    accounting: Accounting
    store: Store
    alive: Callable[[], Sequence[str]]
