"""The language people are spoken to in, settled once per process before any command is imported.

Commands take their help texts when their module is imported, so `settle` comes first (see `main`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Speaker:
    """Holds the language in force; its catalogue is imported at the first word."""

    def __init__(self) -> None:
        self.language: Language = "en"

    def say(self, key: str, **params: object) -> str:
        return catalogue(self.language)[key].format(**params)


_SPEAKER = _Speaker()
say = _SPEAKER.say
"""The text of a key in the language in force, its placeholders filled. A key nobody wrote is a KeyError."""


def catalogue(language: Language) -> Mapping[str, str]:
    """Every text of one language by its key."""
    if language == "zh":
        from suanli_cli.messages.zh import TEXTS
    else:
        from suanli_cli.messages.en import TEXTS
    return TEXTS


def active() -> Language:
    """The language in force."""
    return _SPEAKER.language


def settle(language: Language) -> None:
    """Put a language in force."""
    _SPEAKER.language = language


def wanted(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language asked for by ``--lang`` before any ``--``, else by the locale as POSIX orders it, else English."""
    own = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    for position, word in enumerate(own):
        chosen = own[position + 1] if word == "--lang" and position + 1 < len(own) else word.removeprefix("--lang=")
        if word.startswith("--lang") and chosen in LANGUAGES:
            return chosen
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(variable):
            return "zh" if environment[variable].startswith("zh") else "en"
    return "en"
