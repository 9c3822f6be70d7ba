from collections.abc import Iterator
from pathlib import Path

import pytest

from suanli_cli import language
from tests.unit.cli.fake_server import FakeServer, fake_server


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A person in an English locale with an empty home of their own."""
    for name in ("SUANLI_SERVER", "SUANLI_TOKEN", "SUANLI_TOKEN_FILE", "LC_ALL", "LC_MESSAGES", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("SUANLI_HOME", str(tmp_path / "home"))
    yield
    language.settle("en")


@pytest.fixture
def server(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """The fake, as the server the person's environment names."""
    monkeypatch.setenv("SUANLI_SERVER", fake.url)
    monkeypatch.setenv("SUANLI_TOKEN", "sesame")
    return fake
