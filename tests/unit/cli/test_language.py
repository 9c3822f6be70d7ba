"""Both catalogues say the same things, and nothing is said that is not in them."""

import re
import string
from pathlib import Path

import pytest

import suanli_cli
from suanli_cli.language import Language, catalogue, wanted

SOURCE = Path(suanli_cli.__file__).parent
KEY = r"[a-z_]+(?:\.[a-z_]+)*"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def spoken() -> tuple[set[str], set[str]]:
    """Keys written out in the source, and the prefixes of those that are put together."""
    modules = [path for path in SOURCE.rglob("*.py") if path.parent.name != "messages"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    whole = set(re.findall(rf"say\(\s*[\"\']({KEY})[\"\']", text)) | set(re.findall(rf'says="({KEY})"', text))
    whole |= set(re.findall(rf'"((?:section|column|usage|server|run|verb|hint|error)\.{KEY})"', text)) | {"yes", "no"}
    return whole, set(re.findall(r'says?[(=]\s*f"([a-z_]+\.)\{', text)) | {"command."}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    assert english.keys() == chinese.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in chinese.items()
    }


def test_every_key_that_is_spoken_is_written() -> None:
    whole, _ = spoken()
    assert whole - catalogue("en").keys() == set()


def test_every_key_that_is_written_is_spoken() -> None:
    whole, prefixes = spoken()
    assert {key for key in catalogue("en").keys() - whole if not key.startswith(tuple(prefixes))} == set()


def test_no_chinese_text_was_left_in_english() -> None:
    own_words = {"queues.no_limit", "hint.chmod", "run.ended", "column.cpus"}
    assert {key for key, text in catalogue("zh").items() if text == catalogue("en")[key]} <= own_words


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ([], {"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        (["ps", "--lang", "zh"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en", "ps"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["run", "--", "prog", "--lang", "zh"], {}, "en"),
        (["ps", "--lang", "fr"], {"LANG": "zh_CN.UTF-8"}, "zh"),
        (["ps", "--lang"], {}, "en"),
    ],
)
def test_language_is_chosen_by_option_then_locale(
    arguments: list[str], environment: dict[str, str], language: Language
) -> None:
    assert wanted(arguments, environment) == language
