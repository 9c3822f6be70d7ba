"""Work to be done, as it travels: operations by precision, and in the center's own units."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from suanli.api.schemas.fields import Operations
from suanli.model.devices import Precision
from suanli.model.quantities import TRILLION

NOTHING: Any = Field(default_factory=dict, json_schema_extra={"default": {}})
"""Made anew for each spec: a default of its own would be deep-copied, at ten times the price."""

Work = dict[Precision, Operations]


def kept(operations: float, unit: int) -> int:
    """Operations in the unit in which they are kept; some are not none."""
    return max(1, round(operations / unit)) if operations else 0


def work_of(asked: dict[Precision, float]) -> dict[Precision, int]:
    """What is to be done, as it is kept."""
    return {precision: kept(operations, TRILLION) for precision, operations in asked.items()}


def work_told(work: dict[Precision, int]) -> dict[Precision, float]:
    """What is to be done, as it is told."""
    return {precision: float(amount * TRILLION) for precision, amount in work.items()}
