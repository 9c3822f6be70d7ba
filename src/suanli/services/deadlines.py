"""Deadlines at submission: what could not be in time even if it started now is refused."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.scheduling.demand import latest_start
from suanli.model.errors import AdmissionRefusedError
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import User
from suanli.ports.clock import Clock
from suanli.ports.store import Reading


class DeadlineCheck:
    """Admits work that can be done by its deadline (port ``AdmissionCheck``)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:  # noqa: ARG002  the port's
        """Refuse work whose limit reaches beyond its deadline.

        Raises:
            AdmissionRefusedError: it does.
        """
        now = self._clock.now()
        if any(spec.deadline and latest_start(spec, spec.time_limit_s) < now for spec in specs):
            detail = "its time limit reaches beyond its deadline even if it starts now"
            raise AdmissionRefusedError("deadline_too_near", detail, "ask for a shorter time limit or a later deadline")
