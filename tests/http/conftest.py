"""One center for all tests of this folder; each test makes what it needs under names of its own."""

from collections.abc import Iterator

import pytest

from tests.http.center import RunningCenter, running


@pytest.fixture(scope="session")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    with running(tmp_path_factory.mktemp("center") / "home") as up:
        yield up
