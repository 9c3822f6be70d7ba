"""Canonical JSON of frozen dataclasses: one text for one value, so that it can be hashed and compared.

Members stand in the order the class declares them, keys of maps and elements of sets are sorted, nothing is left out,
no space is added. Unknown members are ignored when reading and missing ones take their defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec

from suanli.model.errors import InvalidRequestError
from suanli.model.facts import Fact

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, ValueError, KeyError, TypeError)
"""What reading a damaged value may raise."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


def encode(value: object) -> bytes:
    """The canonical JSON text, in UTF-8.

    Raises:
        InvalidRequestError: a text holds half of a surrogate pair, which UTF-8 cannot write.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise InvalidRequestError("value", f"cannot be put on record: {error}") from error


@cache
def decoder(kind: type[T]) -> Callable[[str], T]:
    """The reader of texts that :func:`encode` wrote of values of ``kind``; it raises one of ``UNREADABLE``."""
    return msgspec.json.Decoder(kind).decode


FACT_READERS: dict[str, Callable[[str], Any]] = {kind.__name__: decoder(kind) for kind in get_args(Fact)}
"""Reader of a fact's body, by the fact's type on record."""
