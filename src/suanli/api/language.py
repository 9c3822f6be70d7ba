"""The languages answers are written in, and how a reader's header chooses one."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    """A language of answers."""

    EN = "en"
    ZH = "zh"


_TAGS = frozenset(language.value for language in Language)


class Words(NamedTuple):
    """One thing said in both languages."""

    en: str
    zh: str

    def say(self, language: Language) -> str:
        """The words in the language asked for."""
        return self.zh if language is Language.ZH else self.en


def choose(accept_language: str) -> Language:
    """The language an ``Accept-Language`` header (RFC 9110, section 12.5.4) prefers, English where it names neither."""
    best, weight = Language.EN, 0.0
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        quality = _quality(parameter)
        if primary in _TAGS and quality > weight:
            best, weight = Language(primary), quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
