from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.services.center import Center, opened


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    with opened(tmp_path) as made:
        yield made
