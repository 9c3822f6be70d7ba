"""Where unguessable things come from."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """Makes secrets and public ids."""

    def secret(self) -> str:
        """A fresh URL-safe secret of at least 256 bits."""
        ...

    def identifier(self) -> str:
        """A fresh public identifier: short, lower case, unique for all practical purposes."""
        ...
