"""Where things of the local engine lie on disk."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local import records
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import RunId, parse_run_id

# linux/fs.h and ext4.h: two requests and a flag (MIPS and PowerPC number the requests otherwise, and refuse these).
_GET_FLAGS, _SET_FLAGS, _UNRELATED_BELOW = 0x80086601, 0x40086602, 0x00020000


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the engine's root.

    ``runs/<run>`` is the run directory. It is the center's, so nobody else can exchange a name in it; the script and
    the two folders in it are the user's, who may pass through.
    """

    root: Path

    @property
    def runs(self) -> Path:
        """All run directories."""
        return self.root / "runs"

    @property
    def bell(self) -> str:
        """The doorbell's name within ``runs``."""
        return "bell"

    @property
    def devices(self) -> Path:
        """The numbers of the machine's devices."""
        return self.root / "devices.json"

    @property
    def gone(self) -> Path:
        """Run directories on their way out: what lies here is forgotten already."""
        return self.root / "gone"

    def run(self, run: RunId) -> Path:
        """The run directory."""
        return self.runs / run

    def script(self, run: RunId) -> Path:
        """The script of a run that has one."""
        return self.run(run) / "script"

    def scratch(self, run: RunId) -> Path:
        """The working directory of a run that names none."""
        return self.run(run) / "scratch"

    def private_tmp(self, run: RunId) -> Path:
        """What an isolated run sees as /tmp."""
        return self.run(run) / "tmp"

    def make(self) -> None:
        """Make the folders; as root, accounts may pass through to what is theirs, and list nothing."""
        passable = 0o711 if os.geteuid() == 0 else 0o700
        for folder, mode in ((self.root, passable), (self.runs, passable), (self.gone, 0o700)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(mode)
        _spread(self.runs)

    def accepted(self) -> Iterator[RunId]:
        """Runs whose plan or end is on disk, in no order."""
        with os.scandir(self.runs) as entries:
            for entry in entries:
                try:
                    parse_run_id(entry.name)
                except InvalidRequestError:
                    continue
                directory = Path(entry.path)
                if records.plan_is_whole(directory) or (directory / "ended").exists():
                    yield RunId(entry.name)


def _spread(folder: Path) -> None:
    """Tell the filesystem that what lies below has nothing to do with each other (chattr(1), attribute T).

    ext4 then gives each run directory a part of the disk of its own. Else all runs are made in one part, and without a
    journal it looks past everything lately removed there whenever it makes a file: half a millisecond, six times a run.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = int.from_bytes(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(4)), sys.byteorder)
        fcntl.ioctl(descriptor, _SET_FLAGS, (flags | _UNRELATED_BELOW).to_bytes(4, sys.byteorder))
    except OSError as error:
        # Only a hint, and one that most filesystems do not know.
        if error.errno not in {errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.ENOSYS}:
            raise
    finally:
        os.close(descriptor)
