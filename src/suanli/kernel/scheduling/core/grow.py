"""Larger tables with the same content. What was remembered of shapes is worked out anew."""

from __future__ import annotations

import numpy as np

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.tables import Center, Ints, Sizes, make_center

_COPIED = (
    "nodes",
    "devices",
    "shapes",
    "jobs",
    "kinds",
    "associations",
    "bounds",
    "asks",
    "licenses",
    "windows",
    "draws",
    "merits",
    "pursuits",
    "keys",
    "lists",
    "weights",
    "typical_demands",
    "typical_cpu",
    "typical_weight",
    "fill",
    "worth",
    "templates",
)


def sizes_of(center: Center) -> Sizes:
    """How many rows there is room for."""
    return Sizes(
        nodes=center.nodes.shape[0],
        devices=center.devices.shape[1],
        engines=center.total.shape[1],
        shapes=center.shapes.shape[0],
        kinds=center.kinds.shape[0],
        jobs=center.jobs.shape[0],
        holds=center.holds.shape[0],
        device_holds=center.device_holds.shape[0],
        associations=center.associations.shape[0],
        bounds=center.bounds.shape[0],
        asks=center.asks.shape[0],
        licenses=center.licenses.shape[0],
        keys=center.keys.shape[0],
        booked=center.booked.shape[0],
        booked_devices=center.booked_devices.shape[0],
        parted_types=center.shapes.shape[1] - t.PARTS_OF,
    )


def grown(center: Center, sizes: Sizes) -> Center:
    """A copy with room for so many rows, of everything at least as many as before."""
    larger = make_center(sizes)
    for name in _COPIED:
        old = getattr(center, name)
        getattr(larger, name)[tuple(slice(0, length) for length in old.shape)] = old
    larger.sizes[:] = center.sizes
    larger.sizes[[t.LOG_SIZE, t.KEPT_SIZE]] = 0
    larger.sizes[[t.HEAD, t.HEAD_SEEN, t.INDEX_SEEN]] = t.NOBODY
    larger.nodes[:, [t.LAST, t.IS_KEPT]] = (t.NOBODY, 0)
    larger.shapes[:, [t.SEEN, t.BESIDE_TURN]] = t.NOBODY
    for place, of_old, of_new in (
        (t.UNUSED, center.holds, larger.holds),
        (t.DEVICE_UNUSED, center.device_holds, larger.device_holds),
    ):
        _take_over(larger.sizes, place, of_old, of_new)
    return larger


def _take_over(sizes: Ints, place: int, old: Ints, new: Ints) -> None:
    """Copy chains of holds; rows that are new go in front of those that were not in use."""
    rows = old.shape[0]
    new[:rows] = old
    if new.shape[0] > rows:
        new[rows:, -1] = np.append(np.arange(rows + 1, new.shape[0]), sizes[place])
        sizes[place] = rows
