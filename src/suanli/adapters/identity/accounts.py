"""System accounts: where the center runs as root, nobody but its administrators may run work as root."""

from __future__ import annotations

import pwd
from collections.abc import Sequence

from suanli.model.errors import AdmissionRefusedError
from suanli.model.spec import WorkloadSpec
from suanli.model.tenancy import Role, User
from suanli.ports.store import Reading


class MappedAccounts:
    """Admits work of users who are mapped to an account of this machine (port ``AdmissionCheck``)."""

    def check(self, owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:  # noqa: ARG002  the port's
        if not owner.account:
            if owner.role is Role.ADMIN:
                return
            raise AdmissionRefusedError(
                "account_missing",
                f"user {owner.name} is mapped to no account of this machine",
                "ask an administrator to set one",
            )
        try:
            pwd.getpwnam(owner.account)
        except KeyError:
            raise AdmissionRefusedError(
                "account_unknown",
                f"this machine has no account {owner.account}, to which user {owner.name} is mapped",
                "ask an administrator to set another",
            ) from None
