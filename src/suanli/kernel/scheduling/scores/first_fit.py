"""First fit: the first node with room."""

from __future__ import annotations

from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.jit import allocating_entry
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.largest import Largest


@allocating_entry
def first_fit(_free: Free, _row: int, _request: Request, _largest: Largest) -> tuple[float, int]:
    """The same for all, so that the first is taken."""
    return 0.0, -1
