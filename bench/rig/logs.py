"""The logs that replays are measured on, where this machine has them."""

from __future__ import annotations

from bench.rig.shared import DATA, present
from suanli.wiring.compiled import keep_compiled

keep_compiled()
from suanli.kernel.replay.formats.swf import SwfLog, read_swf  # noqa: E402  after the folder for its code is chosen


def log(name: str) -> SwfLog:
    """Read one log; where it is absent, say so and end the measurement."""
    path = present(DATA / "traces" / "swf" / name)
    return read_swf(path.read_text(encoding="utf-8", errors="replace"))
