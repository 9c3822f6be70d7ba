"""Control groups of runs: found out once, then composed into plans; the supervisor makes and removes them.

Files and units: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local.records import Record
from suanli.model.ids import RunId
from suanli.ports.engine import LimitEnforcement

_PERIOD_US = 100_000
_MIN_QUOTA_US = 1_000
_V1_NEEDED = ("memory", "cpu", "pids")
_V1_WELCOME = ("cpuacct",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroups:
    """The folder in which each controller's groups are made; version 2 has one for all, under the empty name."""

    enforcement: LimitEnforcement
    parents: Mapping[str, Path]

    def records(self, run: RunId, *, cpu_milli: int, memory_bytes: int, processes: int) -> list[Record]:
        """What a plan says so that the run is held to these bounds, all its processes together."""
        quota = max(_MIN_QUOTA_US, cpu_milli * _PERIOD_US // 1000)
        if self.enforcement is LimitEnforcement.CGROUP_V2:
            settings = {
                "memory.max": memory_bytes,
                "memory.oom.group": 1,
                "cpu.max": f"{quota} {_PERIOD_US}",
                "pids.max": processes,
            }
            groups = {self.parents[""]: settings}
        else:
            by_controller: dict[str, dict[str, str | int]] = {
                "memory": {"memory.limit_in_bytes": memory_bytes},
                "cpu": {"cpu.cfs_period_us": _PERIOD_US, "cpu.cfs_quota_us": quota},
                "pids": {"pids.max": processes},
            }
            groups = {}
            for controller, parent in self.parents.items():
                groups.setdefault(parent, {}).update(by_controller.get(controller, {}))
        records: list[Record] = []
        for parent, settings in groups.items():
            records.append(("cgroup", str(parent / run)))
            records += [("cgroup_set", f"{file}={value}") for file, value in settings.items()]
        return records


NO_CGROUPS = Cgroups(enforcement=LimitEnforcement.RESOURCE_LIMITS, parents={})


def find_cgroups(name: str) -> Cgroups:
    """Find out whether groups can be made here, below a group ``name`` that is made for the purpose.

    The own group is tried first (delegated by the service manager), then, for version 2, the top, because a group
    that holds processes can share out no controllers.
    """
    mounts = _mounts()
    own = _own_groups()
    if "" in mounts:
        for above in (mounts[""] / own.get("", "/").lstrip("/"), mounts[""]):
            parent = _v2_parent(above, name)
            if parent is not None:
                return Cgroups(enforcement=LimitEnforcement.CGROUP_V2, parents={"": parent})
    parents = {}
    for controller in (*_V1_NEEDED, *_V1_WELCOME):
        if controller in mounts:
            parent = mounts[controller] / own.get(controller, "/").lstrip("/") / name
            if _made(parent):
                parents[controller] = parent
    if all(controller in parents for controller in _V1_NEEDED):
        return Cgroups(enforcement=LimitEnforcement.CGROUP_V1, parents=parents)
    return NO_CGROUPS


def _mounts() -> dict[str, Path]:
    """Mount point of each controller; version 2 under the empty name."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found.setdefault("", Path(point))
        elif kind == "cgroup":
            for option in options.split(","):
                found.setdefault(option, Path(point))
    return found


def _own_groups() -> dict[str, str]:
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own[controller] = path
    return own


def _made(group: Path) -> bool:
    try:
        group.mkdir(exist_ok=True)
    except OSError:
        return False
    return os.access(group, os.W_OK)


def _v2_parent(above: Path, name: str) -> Path | None:
    parent = above / name
    try:
        (above / "cgroup.subtree_control").write_text("+cpu +memory +pids")
        parent.mkdir(exist_ok=True)
        (parent / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    except OSError:
        return None
    return parent


def kill_groups(groups: Sequence[Path]) -> bool:
    """Kill what a dead supervisor left in its run's groups and remove these; True when nothing is left."""
    for group in groups:
        try:
            for pid in (group / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            group.rmdir()
        except OSError as error:
            # Gone meanwhile, or its members have not let go of it yet.
            if error.errno not in {errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EBUSY}:
                raise
    return not any(group.exists() for group in groups)


def remove_parents(cgroups: Cgroups) -> None:
    """Remove the groups made for the engine; one that still holds runs stays."""
    for parent in cgroups.parents.values():
        with contextlib.suppress(OSError):
            parent.rmdir()
