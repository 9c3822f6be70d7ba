"""Names of device models as people ask for them: ``A100``, ``A100|H800|910B``, ``910B1..910B3``.

A name means every model that has all of its words, whatever stands between, before or after them; so ``A100`` means
``A100 SXM4 80GB`` and ``A100-PCIE-40GB``, and ``A10`` neither. A hyphen joins a word of a model, so that ``V100`` does
not mean ``BI-V100``, and after a digit it may also part words; as asked for it may part them anywhere. A range
means each name from its first number to its last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from suanli.model.errors import InvalidRequestError

MAX_NAMES = 256
"""Most names that one request can mean, those within ranges counted one by one."""

_FIELD = "resources.devices.model"
_WORD = re.compile(r"(?:[^\W_]|[-+.])+")
_PARTING = re.compile(r"(?<=[0-9])-")
_RANGE = re.compile(r"(.*?)([0-9]{1,9})(\D*)\.\.\1([0-9]{1,9})\3")


def words_of(name: str) -> frozenset[str]:
    """The words of a name, in lower case."""
    return frozenset(_WORD.findall(name.lower()))


def words_of_model(name: str) -> frozenset[str]:
    """The words of a model's name, with hyphens after digits joining and parting them."""
    return words_of(name) | words_of(_PARTING.sub(" ", name))


@lru_cache(1024)
def parse_names(text: str) -> tuple[frozenset[str], ...]:
    """The words of each name that will do; twice where hyphens may part or join them.

    Raises:
        InvalidRequestError: a name has no words, a range no order, or there are more than ``MAX_NAMES``.
    """
    names = [name for part in text.split("|") for name in _each(part.strip())]
    if len(names) > MAX_NAMES:
        raise InvalidRequestError(_FIELD, f"{len(names)} names of models are more than {MAX_NAMES}")
    found = [words_of(form) for name in names for form in (name, name.replace("-", " "))]
    if not all(found):
        raise InvalidRequestError(_FIELD, f"{text!r} has an empty name", "write names like A100|H800")
    return tuple(dict.fromkeys(found))


def _each(part: str) -> Iterable[str]:
    """The names of a range, or the one name."""
    if ".." not in part:
        return [part]
    ends = _RANGE.fullmatch(part)
    if ends is None or not 0 <= int(ends[4]) - int(ends[2]) < MAX_NAMES:
        raise InvalidRequestError(
            _FIELD, f"{part!r} is no range of models", "write two names that differ in a number, like 910B1..910B3"
        )
    return [f"{ends[1]}{number}{ends[3]}" for number in range(int(ends[2]), int(ends[4]) + 1)]


def are_meant(text: str, name: str) -> bool:
    """Tell whether names as asked for mean the model called ``name``."""
    words = words_of_model(name)
    return any(asked <= words for asked in parse_names(text))
