"""What people's runs held of the center, day by day: what shares, reports and bills are made of."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.model.ids import ProjectName, QosName, UserName
from suanli.model.spec import NORMAL

DAY_US = 86_400 * 1_000_000
"""Microseconds of a day. Days are those of UTC, counted from the Unix epoch."""
MIB_MS = 2**20 * 1000
"""Byte-microseconds in a mebibyte-millisecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    """What one user's runs of one quality of service in one project held on one day, whether or not they used it.

    Only runs that have ended are in it, and of each only the time from its start. ``runs`` counts those that ended on
    that day. Amounts are processors times microseconds, mebibytes times milliseconds, and whole devices times
    microseconds, so that a day of a large center stays far below 2**63.
    """

    day: int
    project: ProjectName
    owner: UserName
    qos: QosName = NORMAL
    runs: int = 0
    cpu_us: int = 0
    memory_mib_ms: int = 0
    device_us: int = 0
    generation: int = 0
