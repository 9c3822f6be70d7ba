"""Where things of the local engine lie on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local import records
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import RunId, parse_run_id


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the engine's root.

    ``runs/<run>`` is the run directory (the center's alone, with what the run prints), ``scripts/<run>`` its script,
    ``work/<run>`` the user's scratch folder, ``tmp/<run>`` what an isolated run has as /tmp. Below these four nobody
    but the center can exchange a name.
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
    def gone(self) -> Path:
        """Run directories on their way out: what lies here is forgotten already."""
        return self.root / "gone"

    def run(self, run: RunId) -> Path:
        """The run directory."""
        return self.runs / run

    def script(self, run: RunId) -> Path:
        """The script of a run that has one."""
        return self.root / "scripts" / run

    def scratch(self, run: RunId) -> Path:
        """The working directory of a run that names none."""
        return self.root / "work" / run

    def private_tmp(self, run: RunId) -> Path:
        """What an isolated run sees as /tmp."""
        return self.root / "tmp" / run

    def belongings(self, run: RunId) -> Sequence[Path]:
        """Everything of a run outside its directory; not all of it need be there."""
        return self.script(run), self.scratch(run), self.private_tmp(run)

    def make(self) -> None:
        """Make the folders; as root, accounts may pass through to what is theirs, and list nothing."""
        passable = 0o711 if os.geteuid() == 0 else 0o700
        for folder, mode in (
            (self.root, passable),
            (self.runs, 0o700),
            (self.gone, 0o700),
            (self.root / "scripts", passable),
            (self.root / "work", passable),
            (self.root / "tmp", passable),
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(mode)

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
