"""How much may be asked for at once, and licenses: what work needs that is on no node."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from suanli.model.ids import LicenseName
from suanli.model.quantities import MAX_CPU_MILLI, WHOLE_DEVICE, check_bounds
from suanli.model.spec import MAX_LICENSES

MAX_RUNS = 1_000_000_000
MAX_TOTAL_MEMORY_BYTES = 2**55
MAX_TOTAL_DEVICES = 10_000_000


class QuotaScope(StrEnum):
    """Whose work a quota bounds together: all of a queue, QOS, project or user, or each user's in one of these."""

    QUEUE = "queue"
    QUEUE_USER = "queue_user"
    QOS = "qos"
    QOS_USER = "qos_user"
    PROJECT = "project"
    PROJECT_USER = "project_user"
    USER = "user"


class Amounts(NamedTuple):
    """What is bounded: runs, milli-cpus, bytes, thousandths of devices."""

    runs: int
    cpu_milli: int
    memory_bytes: int
    device_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The most that running work of a scope may have asked for in all; 0 sets no bound.

    ``name`` is that of the queue, QOS, project or user. Runs are counted, and what their specs ask for on all tasks
    together: milli-cpus, bytes, and thousandths of devices.
    """

    scope: QuotaScope
    name: str
    runs: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0
    device_share: int = 0
    generation: int = 0

    @property
    def most(self) -> Amounts:
        """The bounds; 0 is none."""
        return Amounts(self.runs, self.cpu_milli, self.memory_bytes, self.device_share)

    def check(self) -> None:
        """Let pass amounts that can be counted.

        Raises:
            InvalidRequestError: one lies out of bounds.
        """
        check_bounds("runs", self.runs, 0, MAX_RUNS)
        check_bounds("cpus", self.cpu_milli, 0, MAX_CPU_MILLI)
        check_bounds("memory", self.memory_bytes, 0, MAX_TOTAL_MEMORY_BYTES)
        check_bounds("devices", self.device_share, 0, MAX_TOTAL_DEVICES * WHOLE_DEVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """So many of a license there are in the center; work holds those that it asks for as long as it runs."""

    name: LicenseName
    total: int = 0
    generation: int = 0

    def check(self) -> None:
        """Let pass a number that can be counted.

        Raises:
            InvalidRequestError: it lies out of bounds.
        """
        check_bounds("total", self.total, 0, MAX_LICENSES)
