"""What a replay gives: when each job started and ended, and what was held and waiting in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.trace import Int64s, Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.model.errors import InvalidRequestError

PolicyT_contra = TypeVar("PolicyT_contra", contravariant=True)

Progress = Callable[[int, int], None]
"""Told now and then how many jobs have come, of how many; at the end of all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """All columns are int64, instants in microseconds from the trace's origin.

    ``started_us`` and ``ended_us`` are by row of the trace, ``NEVER`` for what did not start or end. The other columns
    are step functions: their i-th value holds from ``time_us[i]`` until ``time_us[i + 1]``.

    ``fragmented_share`` is what of the free devices was of no use to typical requests, in thousandths, at instants
    ``looked_at_us``: none where nobody looked. ``draw_mw`` is what work draws beyond idling, in milliwatts: none where
    the center's description says nothing of power.

    Raises:
        InvalidRequestError: columns that belong together differ in length, an end lies before its start, or the
            instants do not rise.
    """

    started_us: Int64s
    ended_us: Int64s
    time_us: Int64s
    cpu_milli: Int64s
    device_share: Int64s
    waiting: Int64s
    running: Int64s
    waiting_cpu_milli: Int64s
    draw_mw: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    looked_at_us: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    fragmented_share: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if self.started_us.shape != self.ended_us.shape:
            raise InvalidRequestError("ended_us", "as many jobs must start as end")
        wrong = np.flatnonzero(self.ended_us < self.started_us)
        if wrong.size:
            raise InvalidRequestError(f"ended_us.{wrong[0]}", "a job ends before it starts")
        for name in ("cpu_milli", "device_share", "waiting", "running", "waiting_cpu_milli"):
            if getattr(self, name).shape != self.time_us.shape:
                raise InvalidRequestError(name, f"{name} must have one value for each instant")
        if self.fragmented_share.shape != self.looked_at_us.shape:
            raise InvalidRequestError("fragmented_share", "fragmented_share must have one value for each look")
        for name in ("time_us", "looked_at_us"):
            if np.any(np.diff(getattr(self, name)) <= 0):
                raise InvalidRequestError(name, "instants must rise")

    @property
    def finished(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which jobs have ended."""
        return self.ended_us < t.NEVER


class Replayer(Protocol[PolicyT_contra]):
    """Replays a trace on a center under a policy: the same outcome, to the bit, for the same arguments."""

    def __call__(
        self,
        trace: Trace,
        center: CenterDescription,
        policy: PolicyT_contra,
        seed: int,
        progress: Progress | None,
    ) -> Outcome: ...
