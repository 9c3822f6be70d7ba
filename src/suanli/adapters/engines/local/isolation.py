"""Namespaces through bubblewrap: a run sees the machine without other people's homes, the center's files and /tmp."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.ports.engine import Isolation

_NOBODY = 65534
_ROOTS_HOME = "/root"
_HOMES = ("/home", _ROOTS_HOME)
# Mount points inside the sandbox, no files of ours.
_TMP = "/tmp"  # noqa: S108
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How runs are separated. ``program`` is bubblewrap's path, empty without namespaces."""

    kind: Isolation
    program: str = ""

    def words(
        self, *, hidden: Path, own: Sequence[Path], private_tmp: Path, asked: Sequence[str], shared_memory: bool
    ) -> list[str]:
        """The words before the command. Rights stay as the machine has them; only what can be seen changes.

        ``hidden`` disappears but for ``own``, ``private_tmp`` becomes /tmp, and of the homes and the real /tmp only
        what is ``asked`` stays. Without ``shared_memory`` /dev/shm is the run's own too.
        """
        if not self.program:
            return []
        words = [self.program, "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/"]
        for folder in _HOMES:
            if Path(folder).is_dir():
                words += ["--tmpfs", folder]
        if not shared_memory:
            words += ["--tmpfs", _SHARED_MEMORY]
        words += ["--bind", str(private_tmp), _TMP]
        for path in asked:
            # What lies nowhere below a covered folder is visible anyway, and / would uncover all of them.
            real = os.path.realpath(path)
            if real.startswith(tuple(f"{folder}/" for folder in (*_HOMES, _TMP))) or real == _ROOTS_HOME:
                words += ["--bind-try", real, real]
        words += ["--tmpfs", str(hidden)]
        for path in map(str, own):
            words += ["--bind", path, path]
        return [*words, "--proc", "/proc", "--"]


def find_isolation(*, namespaces: bool) -> Sandbox:
    """Find out what separates runs here: namespaces where asked for and working, else accounts for root, else nothing.

    As root the trial is made as an account without rights, because that is who will need it.
    """
    program = shutil.which("bwrap") if namespaces else None
    root = os.geteuid() == 0
    if program is not None:
        words = [program, "--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--tmpfs", "/home"]
        trial = subprocess.run(
            [*words, "--proc", "/proc", "--", "/bin/sh", "-c", ":"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd="/",
            env={},
            timeout=30,
            user=_NOBODY if root else None,
            group=_NOBODY if root else None,
            extra_groups=[] if root else None,
        )
        if trial.returncode == 0:
            return Sandbox(kind=Isolation.NAMESPACES, program=program)
    return Sandbox(kind=Isolation.ACCOUNTS if root else Isolation.NONE)
