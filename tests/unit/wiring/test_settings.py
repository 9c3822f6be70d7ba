"""The guides name every setting, and what is set up wrongly is told before a center is built."""

from pathlib import Path

import pytest

from suanli.model.errors import InvalidRequestError
from suanli.wiring.build import build_center
from suanli.wiring.settings import Settings

GUIDES = Path(__file__).parents[3] / "docs" / "guide"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_guide_names_every_setting(language: str) -> None:
    text = (GUIDES / language / "settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`SUANLI_{name.upper()}`" not in text] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mail_server": "localhost", "mail_sender": "a@example.org"}, "mail_server"),
        ({"mail_server": "localhost:x", "mail_sender": "a@example.org"}, "mail_server"),
        ({"mail_server": "localhost:25"}, "mail_sender"),
        ({"mail_server": "localhost:25", "mail_sender": "a@example.org\nBcc: b@example.org"}, "address"),
    ],
)
def test_mail_that_is_set_up_in_part_is_refused(tmp_path: Path, given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        build_center(Settings(home=tmp_path / "home", **given))  # type: ignore[arg-type]
    assert caught.value.field == field
