from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from suanli.model.errors import StoreUnavailableError
from suanli.ports.store import Store, Transaction
from suanli.testing.builders import submit
from suanli.testing.store_contract import (
    ConcurrencyContract,
    ReadingContract,
    TamperingContract,
    TransactionContract,
    clock,
    store,
)
from tests.contract.database import DatabaseContract, DatabasePlace, Step, histories, replays
from tests.postgres import emptied, running_postgresql

__all__ = ["clock", "store"]

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_postgresql() as parameters:
        yield parameters


@pytest.fixture
def place(server: str) -> DatabasePlace:
    return DatabasePlace(emptied(server))


class TestTransactions(TransactionContract): ...


class TestConcurrency(ConcurrencyContract): ...


class TestReading(ReadingContract): ...


class TestTampering(TamperingContract): ...


class TestDatabase(DatabaseContract): ...


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(history=histories)
def test_replaying_any_facts_gives_the_tables(store: Store, history: list[list[Step]]) -> None:
    """Facts of all types in any order, those that fit; each example goes on where the last one ended."""
    replays(store, history)


def test_a_broken_connection_is_reported_and_then_replaced(server: str, place: DatabasePlace, store: Store) -> None:
    """The server ends all sessions in the middle of a transaction: nothing of it remains."""
    first = store.transact(submit)

    def work(tx: Transaction) -> None:
        submit(tx)
        with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    with pytest.raises(StoreUnavailableError):
        store.transact(work)
    assert store.transact(submit) > first
    with store.read() as tables:
        assert tables.last_fact() == 2
