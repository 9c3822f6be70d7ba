"""What all parts of the contract share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from threading import Barrier, Thread
from typing import Protocol

import pytest

from suanli.kernel.lifecycle import fold
from suanli.ports.clock import Clock
from suanli.ports.store import FactFilter, Fold, Store
from suanli.testing.builders import SetClock

DAY_US = 24 * 3600 * 1_000_000
EVERYTHING = FactFilter()


class StorePlace(Protocol):
    """Where one store lives while a test lasts."""

    def open(self, fold: Fold, clock: Clock) -> Store:
        """Open it once more, as another process would."""
        ...

    def alter(self, *statements: str) -> None:
        """Run SQL behind the store's back, in one transaction."""
        ...

    def acknowledging(self) -> Sequence[str]:
        """A command that submits without end and prints ``<id> <fact>`` on a line of its own after each success."""
        ...


class Oops(Exception):
    """What a caller's work raises."""


@pytest.fixture
def clock() -> SetClock:
    """The store's clock, in the test's hand."""
    return SetClock()


@pytest.fixture
def store(place: StorePlace, clock: SetClock) -> Iterator[Store]:
    """The store under test."""
    with closing(place.open(fold, clock)) as opened:
        yield opened


def together(count: int, work: Callable[[int], None]) -> None:
    """Call ``work(0) .. work(count - 1)`` in as many threads, all at once, and wait for them."""
    gate, failures = Barrier(count), []

    def call(number: int) -> None:
        gate.wait()
        try:
            work(number)
        except AssertionError as error:
            failures.append(error)

    threads = [Thread(target=call, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def agreed(store: Store) -> None:
    """Assert that the chain holds and that the tables are what the facts make them."""
    store.verify()
    assert list(store.differences()) == []
