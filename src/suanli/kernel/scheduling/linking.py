"""Groups of a node's devices by how near each other they are, from what is known of links, and as the tables keep them.

P positions of a node's devices. Groups come of single linkage: what is near one of a group is of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from suanli.kernel.scheduling.core.nearness import STEP, SYSTEM
from suanli.kernel.scheduling.core.tables import Devices, Ints
from suanli.model.devices import Interconnect
from suanli.model.discovery import Distance

Links = Mapping[Interconnect, Iterable[Sequence[int]]]


def order_of(links: Links, devices: Sequence[int], width: int) -> Devices:
    """The column NEAR of a node [width]: of its devices, in their positions (``core.nearness``); more rows are 0."""
    column: Devices = np.zeros(width, dtype=np.int16)
    if links and len(devices) > 1:
        told = tuple((word, tuple(tuple(group) for group in links[word])) for word in Interconnect if word in links)
        rows = _rows(told, tuple(devices))
        column[: len(rows)] = rows
    return column


@lru_cache(maxsize=1024)
def _rows(links: tuple[tuple[Interconnect, tuple[tuple[int, ...], ...]], ...], devices: tuple[int, ...]) -> list[int]:
    at = merged(dict(links), devices)
    if all(len(group) == 1 for distance in at for group in at[distance] if distance < Distance.SYSTEM):
        return []
    order = list(devices)
    for distance in sorted(at, reverse=True):
        # Each group comes to where its first device stands; it lies within one of those of the distance before.
        ordered = sorted(at[distance], key=lambda group: min(order.index(device) for device in group))
        order = [device for group in ordered for device in sorted(group, key=order.index)]
    rows = [devices.index(order[0]) + STEP * SYSTEM]
    for before, device in pairwise(order):
        apart = next(one for one in sorted(at) if any({before, device} <= set(group) for group in at[one]))
        rows.append(devices.index(device) + STEP * apart)
    return rows


def merged(links: Links, devices: Sequence[int]) -> dict[Distance, list[tuple[int, ...]]]:
    """At each distance, up to that of all, the groups that all of these devices form, in the order of the devices."""
    groups: list[tuple[int, ...]] = [(device,) for device in devices]
    found: dict[Distance, list[tuple[int, ...]]] = {}
    for word in Interconnect:
        for linked in links.get(word, ()):
            together = [group for group in groups if not set(group).isdisjoint(linked)]
            joined = tuple(device for device in devices if any(device in group for group in together))
            groups = [group for group in groups if group not in together] + ([joined] if joined else [])
        found[Distance[word.name]] = sorted(groups, key=lambda group: devices.index(group[0]))
    found[Distance.SYSTEM] = [tuple(devices)]
    return found


def groups_at(column: Devices, distance: int) -> Ints:
    """By node and position, a number from 0 of the group at a distance [N, P], given the column NEAR of nodes."""
    nodes, width = column.shape
    groups = np.tile(np.arange(width), (nodes, 1))
    numbers, ordered = np.cumsum(column // STEP > distance, axis=1) - 1, np.nonzero(column)
    # A number may also be that of a position which is in no order, and so of no device.
    groups[ordered[0], column[ordered] % STEP] = numbers[ordered]
    return groups
