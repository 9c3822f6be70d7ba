"""What nodes are measured in where a score adds up different resources."""

from __future__ import annotations

from typing import NamedTuple


class Largest(NamedTuple):
    """The most that any node has."""

    cpu: float
    """Milli-cpus."""
    device: float
    """Thousandths of devices."""
