"""How people name workloads: ``120``, or ``120_3`` for the element with index 3 of array 120."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.authority import sees
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.ids import WorkloadId
from suanli.model.tenancy import Caller
from suanli.model.workload import Workload
from suanli.ports.store import Reading

_REF = re.compile(r"([1-9][0-9]{0,17})(?:_([0-9]{1,10}))?")


@dataclass(frozen=True, slots=True)
class WorkloadRef:
    """``index`` None names the workload, or the whole array if ``id`` is an array's first."""

    id: WorkloadId
    index: int | None = None

    def __str__(self) -> str:
        return str(self.id) if self.index is None else f"{self.id}_{self.index}"


def parse_ref(text: str) -> WorkloadRef:
    """Read a reference.

    Raises:
        InvalidRequestError: the text is none.
    """
    match = _REF.fullmatch(text)
    if match is None:
        raise InvalidRequestError("ref", f"{text!r} does not name a workload", "write 120, or 120_3 in an array")
    return WorkloadRef(WorkloadId(int(match[1])), None if match[2] is None else int(match[2]))


def ref_of(workload: Workload) -> WorkloadRef:
    """The reference that names exactly this workload."""
    if workload.array_id:
        return WorkloadRef(workload.array_id, workload.array_index)
    return WorkloadRef(workload.id)


def one(tables: Reading, caller: Caller, ref: WorkloadRef) -> Workload:
    """The one workload named (the first element for a whole array).

    Raises:
        NotFoundError: there is none, or the caller may not know of it.
    """
    try:
        found = tables.workload(ref.id) if ref.index is None else tables.element(ref.id, ref.index)
    except NotFoundError:
        raise NotFoundError("workload", str(ref)) from None
    if not sees(caller, found.owner):
        raise NotFoundError("workload", str(ref))
    return found


def every(tables: Reading, caller: Caller, ref: WorkloadRef) -> Sequence[Workload]:
    """All workloads named, by id.

    Raises:
        NotFoundError: there is none, or the caller may not know of them.
    """
    first = one(tables, caller, ref)
    if ref.index is None and first.array_id == first.id:
        return tables.members(first.id)
    return [first]
