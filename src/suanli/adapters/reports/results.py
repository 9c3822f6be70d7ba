"""What a report is made of: plain columns and figures by policy. The asker fills them; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

Columns: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One policy's replay.

    ``jobs`` has a row for each job, ``intervals`` one for each instant at which something changed. ``figures`` are
    numbers by their key in ``texts.FIGURES``, of which some may be missing on a trace, for all policies alike.
    ``times_s`` are the ends of equal intervals, ``curves`` the means in them by key of the texts' ``curves``, and with
    ``_used`` behind such a key what is to be drawn beside it; ``samples`` are one value for each job by key of
    ``samples``; ``classes`` are one value for each of the report's classes by key in ``texts.CLASSES``.
    """

    policy: str
    jobs: Columns
    intervals: Columns
    figures: Mapping[str, float]
    times_s: NDArray[Any]
    curves: Columns
    samples: Columns
    classes: Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Several policies on one trace, side by side, in a language of ``texts.LANGUAGES``.

    ``class_names`` name the bars of each key of ``classes``.
    """

    title: str
    results: Sequence[PolicyResult]
    class_names: Mapping[str, Sequence[str]]
    language: str = "en"
