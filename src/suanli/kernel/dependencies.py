"""Dependencies: what the state of another workload says about one that waits for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from suanli.model.spec import DependencyKind
from suanli.model.workload import Workload, WorkloadState


class Verdict(StrEnum):
    """MET: nothing to wait for. OPEN: may yet be met. IMPOSSIBLE: can never be met."""

    MET = "met"
    OPEN = "open"
    IMPOSSIBLE = "impossible"


def judge(kind: DependencyKind, others: Sequence[Workload]) -> Verdict:
    """Judge one dependency by all the workloads it names (an array names all its elements).

    ``after`` is met when each has begun or ended, ``afterany`` when each has ended, ``afterok`` when each completed,
    ``afternotok`` when each ended otherwise; ``singleton`` when each earlier workload of the name has ended. A
    cancelled workload counts as not completed, as in Slurm.
    """
    verdicts = {_judge_one(kind, other) for other in others}
    if Verdict.IMPOSSIBLE in verdicts:
        return Verdict.IMPOSSIBLE
    return Verdict.OPEN if Verdict.OPEN in verdicts else Verdict.MET


def _judge_one(kind: DependencyKind, other: Workload) -> Verdict:
    if not other.state.final:
        begun = kind is DependencyKind.AFTER and other.started_at > 0
        return Verdict.MET if begun else Verdict.OPEN
    completed = other.state is WorkloadState.COMPLETED
    if kind is DependencyKind.AFTEROK and not completed:
        return Verdict.IMPOSSIBLE
    if kind is DependencyKind.AFTERNOTOK and completed:
        return Verdict.IMPOSSIBLE
    return Verdict.MET
