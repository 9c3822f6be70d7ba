from collections.abc import Iterator

import pytest

from tests.live.house import House, Person, standing


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as made:
        yield made


@pytest.fixture
def admin(house: House) -> Iterator[Person]:
    made = house.admin()
    yield made
    made.close()
