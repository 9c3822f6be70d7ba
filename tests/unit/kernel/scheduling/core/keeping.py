"""Reservations for the head in small tables, and what these then say of them."""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import refresh
from suanli.kernel.scheduling.core.reserve import reserve
from suanli.kernel.scheduling.core.score import BEST_FIT
from suanli.kernel.scheduling.core.windows import see_at
from tests.unit.kernel.scheduling.core.center import chain

SOON = 1
"""How long work that is past its end is taken to go on."""


def see_present(center: t.Center, shape: int, limit: int, now: int) -> None:
    """Let a shape keep off what work of that limit must keep off at the present; as a new one it is judged anew."""
    see_at(center, shape, limit, now)
    center.shapes[shape, t.SEEN] = t.NOBODY
    refresh(center, shape, BEST_FIT)


def reserved(center: t.Center, job: int, now: int = 0, soon: int | None = None) -> int:
    """The start of a job whose shape is brought up to date."""
    see_present(center, int(center.jobs[job, t.SHAPE]), int(center.jobs[job, t.LIMIT]), now)
    return int(reserve(center, job, now, now + SOON if soon is None else soon))


def window(center: t.Center, bit: int, start: int, end: int) -> None:
    center.windows[bit] = (start, end)
    center.sizes[t.WINDOWS_SIZE] = max(center.sizes[t.WINDOWS_SIZE], bit + 1)


def promised(center: t.Center) -> dict[int, int]:
    """Tasks by node of what is reserved."""
    return {node: tasks for node, tasks, *_ in chain(center.holds, int(center.sizes[t.HEAD_HOLD]), t.HELD_BY)}


def promised_devices(center: t.Center) -> list[tuple[int, ...]]:
    return chain(center.device_holds, int(center.sizes[t.HEAD_DEVICE_HOLD]), t.HELD_SLOTS)


def kept(center: t.Center) -> list[int]:
    """Nodes that are marked as kept, which must be those that are listed."""
    listed = sorted(center.scratch[t.KEPT, : center.sizes[t.KEPT_SIZE]].tolist())
    assert center.nodes[:, t.IS_KEPT].nonzero()[0].tolist() == listed
    return [int(node) for node in listed]


def told(nodes: t.Ints, node: int) -> tuple[int, ...]:
    return tuple(nodes[node, [t.FREE_CPU, t.FREE_MEMORY, t.HOLDERS, t.EXCLUSIVE]].tolist())


def unused(center: t.Center) -> tuple[int, int]:
    """Rows of holds and of device holds that nobody has."""
    holding = chain(center.holds, int(center.sizes[t.UNUSED]), 1)
    return len(holding), len(chain(center.device_holds, int(center.sizes[t.DEVICE_UNUSED]), 1))
