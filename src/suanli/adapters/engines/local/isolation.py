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
    """How runs are separated; composed into plans, and carried out by the supervisor.

    ``homes`` are the folders of people's homes and ``shared_memory`` that of shared memory, without links, where they
    are; all empty where runs are not separated by namespaces.
    """

    kind: Isolation
    homes: tuple[str, ...] = ()
    shared_memory: tuple[str, ...] = ()

    def records(
        self,
        *,
        hidden: Path,
        own: Sequence[Path],
        private_tmp: Path,
        asked: Sequence[str],
        shared_memory: bool,
        masked: Sequence[str] = (),
    ) -> list[Record]:
        """What a plan says about it. Rights stay as the machine has them; only what can be seen changes.

        ``hidden`` disappears but for ``own``, ``private_tmp`` becomes /tmp, and of the homes and the real /tmp only
        what is ``asked`` stays. Without ``shared_memory`` /dev/shm is the run's own too. Of the device files ``masked``
        none can be opened. But for ``asked``, paths are without links.
        """
        if self.kind is not Isolation.NAMESPACES:
            return []
        covered = self.homes if shared_memory else (*self.homes, *self.shared_memory)
        kept = [path for path in map(os.path.realpath, asked) if self._covers(path)]
        return [
            ("sandbox", 1),
            *(("mask", path) for path in masked),
            # A folder that is kept whole is left alone: shown again, it would come with its cover.
            *(("cover", folder) for folder in covered if folder not in kept),
            ("tmp", str(private_tmp)),
            *(("keep", path) for path in kept if path not in covered),
            ("cover", str(hidden)),
            *(("keep", str(path)) for path in own),
        ]

    def _covers(self, path: str) -> bool:
        """What lies nowhere below a covered folder is visible anyway, and / would uncover all of them."""
        return path.startswith(tuple(f"{home}/" for home in (*self.homes, _TMP))) or path == _ROOTS_HOME


def find_isolation(*, namespaces: bool) -> Sandbox:
    """Find out what separates runs here: namespaces where asked for and allowed, else accounts, else nothing."""
    if namespaces and supervisors.can_sandbox():
        return Sandbox(
            kind=Isolation.NAMESPACES,
            homes=tuple(os.path.realpath(folder) for folder in _HOMES if Path(folder).is_dir()),
            shared_memory=(os.path.realpath(_SHARED_MEMORY),) if Path(_SHARED_MEMORY).is_dir() else (),
        )
    return Sandbox(kind=Isolation.ACCOUNTS if os.geteuid() == 0 else Isolation.NONE)
