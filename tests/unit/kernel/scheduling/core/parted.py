"""Tables of a node with devices that may be parted, and a shape that asks for parts."""

from __future__ import annotations

from collections.abc import Sequence

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import tasks_on
from suanli.kernel.scheduling.shapes import code_of, write_templates
from suanli.model.partitions import PartitionTemplate, Units
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape
from tests.unit.kernel.scheduling.core.small import small

GIB = 1024**3


def placed(name: str, gib: int, size: int, *starts: int) -> PartitionTemplate:
    return PartitionTemplate(name=name, memory_bytes=gib * GIB, size=size, starts=starts)


def counted(name: str, gib: int, cores: int, cpus: int) -> PartitionTemplate:
    units = (Units(first=0, count=8, needed=cores), Units(first=8, count=7, needed=cpus))
    return PartitionTemplate(name=name, memory_bytes=gib * GIB, units=units)


A100 = (
    placed("1g.5gb", 5, 1, 0, 1, 2, 3, 4, 5, 6),
    placed("2g.10gb", 10, 2, 0, 2, 4),
    placed("3g.20gb", 20, 4, 0, 4),
    placed("4g.20gb", 20, 4, 0),
    placed("7g.40gb", 40, 8, 0),
)
A30 = (placed("1g.6gb", 6, 1, 0, 1, 2, 3), placed("2g.12gb", 12, 2, 0, 2), placed("4g.24gb", 24, 4, 0))
NPU = (
    counted("vir01", 3, 1, 1),
    counted("vir02", 6, 2, 2),
    counted("vir02_1c", 6, 2, 1),
    counted("vir04", 12, 4, 4),
    counted("vir04_3c", 12, 4, 3),
)
Ways = tuple[PartitionTemplate, ...]


def code(ways: Ways, name: str) -> int:
    """What the loops know a template by; 0 where there is none of the name."""
    return next((code_of(one) for one in ways if one.name == name), 0)


def parted_center(*nodes: Sequence[Ways], asks: str = "", jobs: Sequence[Job] = (), count: int = 1) -> t.Center:
    """Each device of a node by the templates that it has; devices of equal templates are of one type.

    The first shape asks for so many parts by a name, if one is given.
    """
    ways = list(dict.fromkeys(way for node in nodes for way in node))
    asking = Shape(devices=count, share=142, types=frozenset(range(len(ways))))
    rows = [Node(99, 999, tuple((ways.index(way), True) for way in node)) for node in nodes]
    center = small(rows, jobs, shapes=[asking], parted=True, booked=8)
    for kind, way in enumerate(ways):
        write_templates(center.templates[kind], way)
        if asks:
            center.shapes[0, t.PARTED] = 1
            center.shapes[0, t.PARTS_OF + kind] = code(way, asks)
    if asks:
        having = sum(1 << kind for kind, way in enumerate(ways) if code(way, asks))
        center.shapes[0, [t.TYPES, t.OF_PARTITION, t.OF_MEMORY, t.OF_PRECISION]] = having
        center.shapes[0, [t.OF_CLASS, t.OF_MODEL]] = (1 << len(ways)) - 1
    return center


def fit(center: t.Center, node: int = 0) -> tuple[int, int]:
    """Tasks that fit on a node, and what it fails first."""
    return tasks_on(center.nodes, center.devices, center.shapes, 0, node)
