"""The text form of array indices, ``0-7``, ``1,3,5-9:2``, ``0-99%4``: Slurm's own, read and written here only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from suanli.model.errors import InvalidRequestError
from suanli.model.spec import MAX_ARRAY_INDEX, MAX_ARRAY_SIZE

PATTERN = r"^[0-9]{1,10}(?:-[0-9]{1,10}(?::[1-9][0-9]{0,9})?)?(?:,[0-9]{1,10}(?:-[0-9]{1,10}(?::[1-9][0-9]{0,9})?)?)*$"

_PART = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10})(?::([1-9][0-9]{0,9}))?)?")
_HINT = "write 0-7, 1,3,5-9:2 or 0-99%4"


def parse_indices(text: str) -> tuple[int, ...]:
    """The indices of a text form, in the order written.

    Raises:
        InvalidRequestError: the text is no list of indices, or names more than an array may have.
    """
    indices: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise InvalidRequestError("array.indices", f"{part!r} is no range of indices", _HINT)
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        span = range(first, last + 1, int(match[3] or 1))
        if not span or last > MAX_ARRAY_INDEX:
            raise InvalidRequestError("array.indices", f"{part!r} is empty or goes beyond {MAX_ARRAY_INDEX}", _HINT)
        if len(indices) + len(span) > MAX_ARRAY_SIZE:
            raise InvalidRequestError("array.indices", f"an array has at most {MAX_ARRAY_SIZE} elements")
        indices.extend(span)
    return tuple(indices)


def parse_array(text: str) -> tuple[tuple[int, ...], int]:
    """Indices and the bound on running elements (0: none) of ``0-99%4``.

    Raises:
        InvalidRequestError: the text is no array.
    """
    listed, mark, bound = text.partition("%")
    if mark and not (bound.isdecimal() and 1 <= int(bound) <= MAX_ARRAY_SIZE):
        raise InvalidRequestError("array.max_running", f"{bound!r} is no bound on running elements", _HINT)
    return parse_indices(listed), int(bound or 0)


def format_indices(indices: Sequence[int]) -> str:
    """The shortest text that :func:`parse_indices` reads as these indices, in this order, made of steps of one."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _ranges(indices))


def _ranges(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = indices[0]
    for index in indices[1:]:
        if index != last + 1:
            yield first, last
            first = index
        last = index
    yield first, last
