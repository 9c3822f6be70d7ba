"""Namespaces: a run sees the machine without other people's homes and processes, the center's files and /tmp."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local import supervisors
from suanli.adapters.engines.local.records import Record
from suanli.ports.engine import Isolation

_ROOTS_HOME = "/root"
_HOMES = ("/home", _ROOTS_HOME)
# Mount points inside the sandbox, no files of ours.
_TMP = "/tmp"  # noqa: S108
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How runs are separated; composed into plans, and carried out by the supervisor."""

    kind: Isolation

    def records(
        self, *, hidden: Path, own: Sequence[Path], private_tmp: Path, asked: Sequence[str], shared_memory: bool
    ) -> list[Record]:
        """What a plan says about it. Rights stay as the machine has them; only what can be seen changes.

        ``hidden`` disappears but for ``own``, ``private_tmp`` becomes /tmp, and of the homes and the real /tmp only
        what is ``asked`` stays. Without ``shared_memory`` /dev/shm is the run's own too.
        """
        if self.kind is not Isolation.NAMESPACES:
            return []
        records: list[Record] = [("sandbox", 1)]
        covered = [*_HOMES] if shared_memory else [*_HOMES, _SHARED_MEMORY]
        records += [("cover", os.path.realpath(folder)) for folder in covered if Path(folder).is_dir()]
        records.append(("tmp", str(private_tmp)))
        homes = [os.path.realpath(folder) for folder in (*_HOMES, _TMP)]
        for path in asked:
            # What lies nowhere below a covered folder is visible anyway, and / would uncover all of them.
            real = os.path.realpath(path)
            if real.startswith(tuple(f"{home}/" for home in homes)) or real == os.path.realpath(_ROOTS_HOME):
                records.append(("keep", real))
        records.append(("cover", os.path.realpath(hidden)))
        return [*records, *(("keep", os.path.realpath(path)) for path in own)]


def find_isolation(*, namespaces: bool) -> Sandbox:
    """Find out what separates runs here: namespaces where asked for and allowed, else accounts, else nothing."""
    if namespaces and supervisors.can_sandbox():
        return Sandbox(kind=Isolation.NAMESPACES)
    return Sandbox(kind=Isolation.ACCOUNTS if os.geteuid() == 0 else Isolation.NONE)
