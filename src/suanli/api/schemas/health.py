"""How the server is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from suanli.api.schemas.problem import DESCRIBED


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """The server answers."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    status: Literal["alive"]
    """Always the same word."""
    version: str
    """The server's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyView:
    """Whether the center can do its work."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    ready: bool
    """Whether the store answers and every loop turns."""
    store: bool
    """Whether the store answers."""
    dead_loops: list[str]
    """Loops that have died."""
