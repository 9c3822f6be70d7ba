"""Admission: every check has its say before work is accepted. Quota, budget, license, power cap each offer one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import User
from suanli.ports.store import Reading


class AdmissionCheck(Protocol):
    """One rule on what may be submitted."""

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
        """Let the submission pass or refuse it: one spec or more, accepted together or not at all.

        Raises:
            AdmissionRefusedError: with a stable reason, what was wrong and what to do.
        """
        ...
