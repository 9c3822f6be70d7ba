"""System accounts: whom a run belongs to on this machine."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from suanli.model.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as the machine's user database has it. ``switched``: it is not the one the engine runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str
    switched: bool


def find_account(name: str) -> Account:
    """The account to run as; an empty name means the engine's own.

    Raises:
        EngineError: there is no such account, or the engine may not run work as it.
    """
    own = os.geteuid()
    try:
        entry = pwd.getpwnam(name) if name else pwd.getpwuid(own)
    except KeyError:
        raise EngineError(f"no system account {name or own}", "map the user to an account of this machine") from None
    if own not in {entry.pw_uid, 0}:
        raise EngineError(f"only root may run work as {name}", "start suanlid as root, or map no account")
    return Account(
        name=entry.pw_name,
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        groups=tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)),
        home=entry.pw_dir,
        shell=entry.pw_shell or "/bin/sh",
        switched=entry.pw_uid != own,
    )


class Accounts:
    """Accounts, each looked up once. For one batch of orders and no longer: the machine's user database changes."""

    def __init__(self) -> None:
        self._found: dict[str, Account] = {}

    def find(self, name: str) -> Account:
        """The account to run as (``find_account``)."""
        if name not in self._found:
            self._found[name] = find_account(name)
        return self._found[name]
