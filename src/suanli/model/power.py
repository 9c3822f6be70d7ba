"""The power cap: how much running work may be expected to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from suanli.model.quantities import check_bounds

MILLIWATTS: Final = 1000
"""In a watt."""
MAX_WATTS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCap:
    """The most that all running work together may be expected to draw beyond what idle nodes draw; 0 sets no cap."""

    watts: int = 0
    generation: int = 0

    def check(self) -> None:
        """Let pass watts that can be counted.

        Raises:
            InvalidRequestError: they lie out of bounds.
        """
        check_bounds("watts", self.watts, 0, MAX_WATTS)
