"""Nodes of eight devices in two groups of four, or in pairs, and what asks for some that are near each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import tasks_on
from suanli.model.devices import Interconnect
from suanli.model.discovery import Distance
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import small

LINK, NODE = int(Distance.LINK), int(Distance.NODE)
ZERO = frozenset({0})
TWO_FOURS = ((Interconnect.LINK, ((0, 1, 2, 3), (4, 5, 6, 7))),)
PAIRS = ((Interconnect.LINK, ((0, 1), (2, 3))), (Interconnect.NODE, ((0, 1, 2, 3), (4, 5, 6, 7))))
EIGHT = Node(99, devices=((0, True),) * 8, links=TWO_FOURS)
PAIRED = replace(EIGHT, links=PAIRS)
APART = replace(EIGHT, links=())


def asking(count: int, apart: int = LINK, unit: int = 0) -> Shape:
    return Shape(1, 1, devices=count, types=ZERO, unit=unit, apart=apart)


def center_of(shape: Shape, *frees: str, node: Node = EIGHT, jobs: Sequence[Job] = (), booked: int = 0) -> t.Center:
    """Nodes, of whose devices those are free that are named."""
    center = small([node for _ in frees], [Job(shape=shape), *jobs], booked=booked)
    for row, free in enumerate(frees):
        center.devices[row, :, t.FREE] = [1000 * (str(one) in free) for one in range(8)]
    return center


def fits(center: t.Center, node: int = 0) -> tuple[int, int]:
    """Tasks that fit on a node, and what it fails first."""
    tasks, blocker = tasks_on(center.nodes, center.devices, center.shapes, 0, node)
    return int(tasks), int(blocker)
