"""The logs that replays are measured on, where this machine has them."""

from __future__ import annotations

import sys
from pathlib import Path

from suanli.wiring.compiled import keep_compiled

keep_compiled()
from suanli.kernel.replay.formats.swf import SwfLog, read_swf  # noqa: E402  after the folder for its code is chosen

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "traces" / "swf"


def log(name: str) -> SwfLog:
    """Read one log; where it is absent, say so and end the measurement."""
    path = FOLDER / name
    if not path.is_file():
        print(f"skipped: {name} is not at ../shared/data/traces/swf")
        sys.exit(0)
    return read_swf(path.read_text(encoding="utf-8", errors="replace"))
