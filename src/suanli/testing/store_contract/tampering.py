"""The chain and the tables guard each other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from suanli.model.errors import (
    ChainBrokenError,
    StoreError,
)
from suanli.model.facts import (
    UserDefined,
)
from suanli.model.ids import FactSeq
from suanli.model.spec import Dependency, DependencyKind
from suanli.model.tenancy import Role, User
from suanli.ports.store import Store, Transaction
from suanli.testing.builders import ANN, submit
from suanli.testing.builders import place as place_run
from suanli.testing.store_contract.common import EVERYTHING, StorePlace, agreed

_COPY, _REST = "INSERT INTO facts SELECT", "at_us, type, actor, workload, owner, body, hash FROM facts"


class TamperingContract:
    """The chain and the tables guard each other."""

    @pytest.mark.parametrize(
        ("statements", "broken_at"),
        [
            (["UPDATE facts SET body = replace(body, 'sample', 'simple') WHERE seq = 3"], 3),
            (["UPDATE facts SET actor = 'eve' WHERE seq = 3"], 3),
            (["UPDATE facts SET at_us = at_us + 1 WHERE seq = 3"], 3),
            (["UPDATE facts SET type = 'WorkloadHeld' WHERE seq = 3"], 3),
            (["UPDATE facts SET hash = (SELECT f.hash FROM facts f WHERE f.seq = 2) WHERE seq = 3"], 3),
            (["DELETE FROM facts WHERE seq = 3"], 3),
            (["DELETE FROM facts WHERE seq = 1"], 1),
            (["DELETE FROM facts WHERE seq = 3", "UPDATE facts SET seq = seq - 1 WHERE seq = 4"], 3),
            (["DELETE FROM facts WHERE seq >= 4"], 4),
            (["DELETE FROM facts"], 1),
            (
                [f"{_COPY} seq + 1, {_REST} WHERE seq = 5"],
                6,
            ),
            (
                [f"{_COPY} 0, {_REST} WHERE seq = 5"],
                0,
            ),
            (
                [
                    "UPDATE facts SET seq = 100 WHERE seq = 2",
                    "UPDATE facts SET seq = 2 WHERE seq = 3",
                    "UPDATE facts SET seq = 3 WHERE seq = 100",
                ],
                2,
            ),
            (["UPDATE chain_head SET seq = 4"], 5),
        ],
    )
    def test_a_changed_log_is_caught(
        self, place: StorePlace, store: Store, statements: Sequence[str], broken_at: int
    ) -> None:
        for _ in range(5):
            store.transact(submit)
        before = store.verify()
        assert before.facts == 5
        place.alter(*statements)
        with pytest.raises(ChainBrokenError) as caught:
            store.verify()
        assert caught.value.seq == broken_at

    @pytest.mark.parametrize(
        ("statement", "table", "key"),
        [
            ("UPDATE workloads SET priority = 9 WHERE id = 2", "workloads", "2"),
            ("DELETE FROM runs WHERE workload = 1", "runs", "1.1"),
            ("INSERT INTO users SELECT 'eve', role, account, default_project, active, 0, 1 FROM users", "users", "eve"),
            ("DELETE FROM dependencies", "dependencies", "1.2"),
            ("UPDATE facts SET owner = 'eve' WHERE seq = 2", "facts", "2"),
        ],
    )
    def test_a_changed_table_is_caught(
        self, place: StorePlace, store: Store, statement: str, table: str, key: str
    ) -> None:
        def work(tx: Transaction) -> None:
            tx.append(UserDefined(user=User(name=ANN, role=Role.USER)), actor=ANN)
            first = submit(tx)
            submit(tx, dependencies=(Dependency(kind=DependencyKind.AFTEROK, workload=first),))
            place_run(tx, first)

        store.transact(work)
        agreed(store)
        place.alter(statement)
        assert [(found.table, found.key) for found in store.differences()] == [(table, key)]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE workloads SET state = 'dancing'",
            "UPDATE workloads SET retry = '{'",
            "UPDATE workloads SET dependencies = '[7]'",
            "UPDATE workloads SET cause = 'whim'",
        ],
    )
    def test_a_row_that_cannot_be_read_is_an_error(self, place: StorePlace, store: Store, statement: str) -> None:
        first = store.transact(submit)
        place.alter(statement)
        with store.read() as tables, pytest.raises(StoreError, match="workloads"):
            tables.workload(first)

    def test_a_fact_that_cannot_be_read_is_an_error(self, place: StorePlace, store: Store) -> None:
        store.transact(submit)
        place.alter("UPDATE facts SET type = 'Unheard'")
        with store.read() as tables, pytest.raises(StoreError, match="facts"):
            tables.facts(FactSeq(0), EVERYTHING, 1)
