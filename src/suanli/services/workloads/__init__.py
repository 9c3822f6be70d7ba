"""Workloads: accepted, shown, changed (``Workloads``), and carried between facts and engines (``Runs``)."""

from suanli.services.workloads.refs import WorkloadRef, parse_ref, ref_of
from suanli.services.workloads.runs import Errands, Runs
from suanli.services.workloads.service import MAX_BATCH, Accepted, ArrayView, Changed, Listed, Shown, Workloads
from suanli.services.workloads.update import Update

__all__ = [
    "MAX_BATCH",
    "Accepted",
    "ArrayView",
    "Changed",
    "Errands",
    "Listed",
    "Runs",
    "Shown",
    "Update",
    "WorkloadRef",
    "Workloads",
    "parse_ref",
    "ref_of",
]
