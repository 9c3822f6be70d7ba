"""A trace: what was submitted, as columns, one row a job in the order of submission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suanli.kernel.scheduling.core import tables as t
from suanli.model.discovery import Distance
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE

MAX_MODELS: Final = 64
"""Device models that one mask of 64 bits can tell apart."""

UNKNOWN: Final = -1
"""What a job used, where the source does not tell."""

Floats: TypeAlias = NDArray[np.float64]
Int64s: TypeAlias = NDArray[np.int64]
Int32s: TypeAlias = NDArray[np.int32]
Masks: TypeAlias = NDArray[np.uint64]
Column: TypeAlias = Literal[
    "number",
    "submitted_us",
    "runtime_us",
    "requested_us",
    "tasks",
    "cpu_milli",
    "memory_bytes",
    "disk_bytes",
    "device_count",
    "device_share",
    "partition",
    "device_models",
    "interconnect",
    "user",
    "project",
    "application",
    "queue",
    "reservation",
    "used_cpu_us",
    "used_memory_bytes",
]
Names: TypeAlias = Literal["partitions", "users", "projects", "applications", "queues", "reservations"]

_TYPES: Final[dict[Column, type[np.generic]]] = {
    "number": np.int64,
    "submitted_us": np.int64,
    "runtime_us": np.int64,
    "requested_us": np.int64,
    "tasks": np.int32,
    "cpu_milli": np.int64,
    "memory_bytes": np.int64,
    "disk_bytes": np.int64,
    "device_count": np.int32,
    "device_share": np.int32,
    "partition": np.int32,
    "device_models": np.uint64,
    "interconnect": np.int32,
    "user": np.int32,
    "project": np.int32,
    "application": np.int32,
    "queue": np.int32,
    "reservation": np.int32,
    "used_cpu_us": np.int64,
    "used_memory_bytes": np.int64,
}
_DEFAULTS: Final[dict[Column, int]] = {
    "tasks": 1,
    "cpu_milli": WHOLE_CPU,
    "memory_bytes": 0,
    "disk_bytes": 0,
    "device_count": 0,
    "device_share": WHOLE_DEVICE,
    "partition": 0,
    "device_models": 0,
    "interconnect": 0,
    "user": 0,
    "project": 0,
    "application": 0,
    "queue": 0,
    "reservation": 0,
    "used_cpu_us": UNKNOWN,
    "used_memory_bytes": UNKNOWN,
}
_LEAST: Final[dict[Column, int]] = {
    "runtime_us": 1,
    "requested_us": 1,
    "tasks": 1,
    "cpu_milli": 0,
    "memory_bytes": 0,
    "disk_bytes": 0,
    "device_count": 0,
    "device_share": 1,
    "interconnect": 0,
    "used_cpu_us": UNKNOWN,
    "used_memory_bytes": UNKNOWN,
}
_MOST: Final[dict[Column, int]] = {
    "runtime_us": t.NEVER,
    "requested_us": t.NEVER,
    "device_share": WHOLE_DEVICE,
    "interconnect": Distance.NODE,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """Jobs by row, sorted by (submitted, number). Instants and durations are microseconds from the trace's origin.

    ``runtime_us`` is how long the job really ran (``NEVER``: it does not end), ``requested_us`` the limit known when it
    was submitted (the runtime where the source knows none). Amounts are for each of the ``tasks`` of the gang:
    ``memory_bytes`` 0 is unknown; ``device_share`` is thousandths of each device, ``partition`` the template by which
    each is a part of one (an empty name: none); bit m of ``device_models`` allows
    what ``models[m]`` means (`suanli.model.device_names`), and no bit allows all. The devices of one task must be no
    farther apart than ``interconnect`` (`suanli.model.discovery.Distance`; 0: however far). ``user``, ``project``,
    ``application``, ``queue`` and ``reservation`` (the advance reservation that it named) are places in the tuples of
    names. ``dropped`` jobs of the source never ran and are left out.

    What the whole gang really used is told by ``used_cpu_us`` (processor time) and ``used_memory_bytes`` (while it
    ran), ``UNKNOWN`` where the source does not say; no policy looks at it.

    Raises:
        InvalidRequestError: a column has another type or length, is not in order, or holds an impossible amount.
    """

    number: Int64s
    submitted_us: Int64s
    runtime_us: Int64s
    requested_us: Int64s
    tasks: Int32s
    cpu_milli: Int64s
    memory_bytes: Int64s
    disk_bytes: Int64s
    device_count: Int32s
    device_share: Int32s
    partition: Int32s
    device_models: Masks
    interconnect: Int32s
    user: Int32s
    project: Int32s
    application: Int32s
    queue: Int32s
    reservation: Int32s
    used_cpu_us: Int64s
    used_memory_bytes: Int64s
    models: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ("",)
    users: tuple[str, ...] = ("",)
    projects: tuple[str, ...] = ("",)
    applications: tuple[str, ...] = ("",)
    queues: tuple[str, ...] = ("",)
    reservations: tuple[str, ...] = ("",)
    dropped: int = field(default=0)
    factors: Floats = field(default_factory=lambda: np.ones((0, 0)))
    """[applications, factor models] how many times its ``runtime_us`` a job takes on such devices (infinite: it cannot
    run there); empty where the run time is that on any."""
    factor_models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _TYPES.items():
            _check_column(name, getattr(self, name), kind, self.number.size)
        for name, names in self._names().items():
            _check_within(name, getattr(self, name), 0, len(names) - 1)
        if self.factors.size and self.factors.shape != (len(self.applications), len(self.factor_models)):
            raise InvalidRequestError("factors", f"{self.factors.shape} are not one of each application and model")
        _check_order(self.submitted_us, self.number)
        _check_models(self.models)
        allowed = np.uint64(2 ** len(self.models) - 1)
        wrong = np.flatnonzero(self.device_models & ~allowed)
        if wrong.size:
            raise InvalidRequestError(f"device_models.{wrong[0]}", "a bit names no model")

    def __len__(self) -> int:
        return self.number.size

    def _names(self) -> dict[Column, tuple[str, ...]]:
        return {
            "partition": self.partitions,
            "user": self.users,
            "project": self.projects,
            "application": self.applications,
            "queue": self.queues,
            "reservation": self.reservations,
        }

    @property
    def cpu_milli_total(self) -> Int64s:
        """Milli-cpus of the whole gang, by job."""
        return self.cpu_milli * self.tasks

    @property
    def memory_total(self) -> Int64s:
        """Bytes of the whole gang, by job."""
        return self.memory_bytes * self.tasks

    @property
    def disk_total(self) -> Int64s:
        """Bytes of local disk of the whole gang, by job."""
        return self.disk_bytes * self.tasks

    @property
    def devices_total(self) -> Int64s:
        """Thousandths of devices of the whole gang, by job."""
        return self.device_count.astype(np.int64) * self.device_share * self.tasks

    def select(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Trace:
        """Only these rows, which must keep their order; the names stay as they are."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _TYPES})


def _check_models(models: Sequence[str]) -> None:
    if len(models) > MAX_MODELS:
        raise InvalidRequestError("models", f"{len(models)} device models; a mask holds {MAX_MODELS}")


def _check_column(name: Column, column: NDArray[Any], kind: type[np.generic], jobs: int) -> None:
    if column.dtype != kind or column.shape != (jobs,):
        expected = f"{jobs} of {np.dtype(kind)}"
        raise InvalidRequestError(name, f"{name} has shape {column.shape} of {column.dtype}, not {expected}")
    if name in _LEAST or name in _MOST:
        _check_within(name, column, _LEAST[name], _MOST.get(name, np.iinfo(np.dtype(kind)).max))


def _check_within(name: Column, column: NDArray[Any], least: int, most: int) -> None:
    wrong = np.flatnonzero((column < least) | (column > most))
    if wrong.size:
        row = int(wrong[0])
        raise InvalidRequestError(f"{name}.{row}", f"{column[row]} does not lie in {least}..{most}")


def _check_order(submitted: Int64s, number: Int64s) -> None:
    later = (submitted[1:] > submitted[:-1]) | ((submitted[1:] == submitted[:-1]) & (number[1:] > number[:-1]))
    wrong = np.flatnonzero(~later)
    if wrong.size:
        raise InvalidRequestError(
            f"number.{wrong[0] + 1}", "jobs are not in the order of (submitted, number), or a number is there twice"
        )


def make_trace(
    columns: Mapping[Column, ArrayLike],
    *,
    models: Sequence[str] = (),
    names: Mapping[Names, Sequence[str]] | None = None,
    dropped: int = 0,
) -> Trace:
    """A trace of columns in any order of rows: sorts them, and fills columns not given with what means "unknown".

    Raises:
        InvalidRequestError: as :class:`Trace`.
    """
    _check_models(models)
    jobs = np.size(columns["number"])
    made = {
        name: _typed(name, columns[name], kind) if name in columns else np.full(jobs, _DEFAULTS[name], dtype=kind)
        for name, kind in _TYPES.items()
    }
    order = np.lexsort((made["number"], made["submitted_us"]))
    arguments: dict[str, Any] = {name: column[order] for name, column in made.items()}
    arguments.update({name: tuple(values) or ("",) for name, values in (names or {}).items()})
    return Trace(models=tuple(models), dropped=dropped, **arguments)


def _typed(name: Column, values: ArrayLike, kind: type[np.generic]) -> NDArray[Any]:
    """A column of its type. What that cannot hold is refused: numpy would wrap it round, or fail in its own words."""
    column, held = np.asarray(values), np.iinfo(np.dtype(kind))
    _check_within(name, column, int(held.min), int(held.max))
    return column.astype(kind)


def coded(values: Iterable[str]) -> tuple[Int32s, tuple[str, ...]]:
    """Names as places in a tuple, in the order of their first appearance."""
    places: dict[str, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return np.array(codes, dtype=np.int32), tuple(places)
