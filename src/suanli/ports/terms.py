"""What a reading of the store says of the terms on which the center is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from suanli.model.ids import QosName
from suanli.model.qos import Qos
from suanli.model.tariff import Tariff


class TermsLookups(Protocol):
    """The part of it that a fold may ask: one record by its name."""

    def tariff(self, version: int, /) -> Tariff:
        """One version of the prices.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def qos(self, name: QosName, /) -> Qos:
        """One quality of service, removed or not.

        Raises:
            NotFoundError: it was never set.
        """
        ...


class TermsReading(TermsLookups, Protocol):
    """Questions about terms."""

    def tariffs(self) -> Sequence[Tariff]:
        """All versions that there ever were, in order."""
        ...

    def every_qos(self) -> Sequence[Qos]:
        """All qualities of service that were ever set, removed ones too, by name."""
        ...
