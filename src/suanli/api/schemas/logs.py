"""Output of runs as it is shown and followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from suanli.api.schemas.problem import DESCRIBED


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """A piece of followed output."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    offset: int
    """Offset of its first byte."""
    text: str
    """UTF-8; bytes that are not are replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndView:
    """The end of followed output."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    state: str
    """Where the workload stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputView:
    """A declared output that exists."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """What it is called for download."""
    path: str
    """Where it lies in the working directory."""
    size_bytes: int
    """Its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsView:
    """The declared outputs that the latest run left."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[OutputView]
    """In the order of the spec."""
