"""What is imagined to be otherwise, and how far is looked ahead."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.model.facts import WorkloadUpdated
from suanli.model.ids import RunId, UserName, WorkloadId
from suanli.model.power import PowerCap
from suanli.model.resources import Node
from suanli.model.spec import WorkloadSpec

MOST_SUBMITTED = 10_000
"""Workloads that may be imagined to be submitted at once, elements of arrays counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A spec, complete as it would be recorded, submitted ``times`` times by its owner."""

    spec: WorkloadSpec
    owner: UserName
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that is otherwise from now on.

    ``nodes`` are new, or otherwise than they are; what runs on one that is DOWN is lost at once. Runs of ``sent_back``
    wait again when they are lost, or have ended as they were asked to before now. What is ``altered`` waits.
    """

    nodes: tuple[Node, ...] = ()
    cancelled: tuple[WorkloadId, ...] = ()
    altered: tuple[WorkloadUpdated, ...] = ()
    submitted: tuple[Submitted, ...] = ()
    sent_back: frozenset[RunId] = frozenset()
    power_cap: PowerCap | None = None
    """None: as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far is looked ahead: at most so many turns, and not beyond so many seconds from now.

    Ends of runs are seen together at the next multiple of ``grain_s`` seconds from now; with 0 each at its instant.
    """

    turns: int = 100_000
    horizon_s: int = 20 * 366 * 86_400
    grain_s: int = 0
