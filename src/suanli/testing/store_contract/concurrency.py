"""Many callers, many readers, sudden death."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing
from threading import Event, Thread

import pytest

from suanli.kernel.lifecycle import fold
from suanli.model.errors import (
    NotFoundError,
    StoreError,
)
from suanli.model.facts import (
    TokenIssued,
    WorkloadSubmitted,
)
from suanli.model.ids import FactSeq, TokenId, WorkloadId
from suanli.model.tenancy import Token
from suanli.model.workload import WorkloadState
from suanli.ports.store import Store, Transaction, WorkloadFilter
from suanli.testing.builders import ANN, SetClock, submit
from suanli.testing.store_contract.common import EVERYTHING, Oops, StorePlace, agreed, together


class ConcurrencyContract:
    """Many callers, many readers, sudden death."""

    def test_many_callers_at_once_are_serial_and_none_undoes_another(self, store: Store) -> None:
        def work(number: int) -> None:
            for turn in range(20):
                if (number + turn) % 5 == 0:
                    with pytest.raises(Oops):
                        store.transact(fails)
                else:
                    first = store.transact(submit)
                    with store.read() as tables:
                        assert tables.workload(first).state is WorkloadState.WAITING

        def fails(tx: Transaction) -> None:
            submit(tx)
            tx.counts(WorkloadFilter())
            raise Oops

        together(10, work)
        with store.read() as tables:
            assert tables.counts(WorkloadFilter()).by_state == {WorkloadState.WAITING: 160}
            numbers = [recorded.seq for recorded in tables.facts(FactSeq(0), EVERYTHING, 1000)]
        assert numbers == list(range(1, 161))
        agreed(store)

    def test_each_of_several_works_has_its_own_outcome(self, store: Store) -> None:
        def fails(tx: Transaction) -> WorkloadId:
            submit(tx)
            raise Oops

        assert store.transact_each([]) == []
        ok, failed, again = store.transact_each([submit, fails, submit])
        assert again.result() > ok.result()
        with pytest.raises(Oops):
            failed.result()
        with store.read() as tables:
            assert tables.counts(WorkloadFilter()).by_state == {WorkloadState.WAITING: 2}
        agreed(store)

    def test_callers_with_several_works_each_share_the_line(self, store: Store) -> None:
        def work(_: int) -> None:
            for _ in range(5):
                firsts = [outcome.result() for outcome in store.transact_each([submit] * 7)]
                assert firsts == sorted(set(firsts))
                store.transact(submit)

        together(6, work)
        with store.read() as tables:
            assert tables.counts(WorkloadFilter()).by_state == {WorkloadState.WAITING: 6 * 5 * 8}
        agreed(store)

    def test_works_of_one_group_fail_alone(self, store: Store) -> None:
        """The first work holds the writer until all others stand in line behind it, so they share a transaction."""
        inside, lined_up = Event(), Event()
        token = Token(id=TokenId("t"), user=ANN, digest="same", scopes=frozenset())

        def first(tx: Transaction) -> None:
            inside.set()
            assert lined_up.wait(10)
            tx.append(TokenIssued(token=token), actor=ANN)

        def refused(tx: Transaction) -> None:
            twin = Token(id=TokenId("twin"), user=ANN, digest="same", scopes=frozenset())
            tx.append(TokenIssued(token=twin), actor=ANN)

        def raises(tx: Transaction) -> None:
            submit(tx)
            raise Oops

        def work(number: int) -> None:
            inside.wait(10)
            if number == 0:
                lined_up.set()
            match number % 3:
                case 0:
                    store.transact(submit)
                case 1:
                    with pytest.raises(StoreError, match="refuses"):
                        store.transact(refused)
                case _:
                    with pytest.raises(Oops):
                        store.transact(raises)

        leader = Thread(target=store.transact, args=(first,))
        leader.start()
        together(12, work)
        leader.join()
        with store.read() as tables:
            assert tables.counts(WorkloadFilter()).by_state == {WorkloadState.WAITING: 4}
            assert tables.last_fact() == 5
        agreed(store)

    def test_two_processes_write_in_turn(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as one, closing(place.open(fold, clock)) as other:
            got: list[WorkloadId] = []

            def work(number: int) -> None:
                got.extend((one, other)[number % 2].transact(submit) for _ in range(15))

            together(4, work)
            assert sorted(got) == list(range(1, 61))
            agreed(one)

    def test_a_reading_is_one_view_and_holds_nobody_up(self, store: Store) -> None:
        store.transact(submit)
        with store.read() as tables:
            assert tables.last_fact() == 1
            second = store.transact(submit)
            assert tables.last_fact() == 1
            assert len(tables.workloads(WorkloadFilter())) == 1
            with pytest.raises(NotFoundError):
                tables.workload(second)
        with store.read() as tables:
            assert tables.last_fact() == 2

    def test_waiting_ends_with_a_newer_fact_or_with_the_time(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as store:
            store.transact(submit)
            assert store.wait(FactSeq(0), 10) == 1
            assert store.wait(FactSeq(1), 0) == 1
            woken: list[FactSeq] = []
            sleeper = Thread(target=lambda: woken.append(store.wait(FactSeq(1), 60)))
            sleeper.start()
            store.transact(submit)
            sleeper.join(10)
            assert woken == [2]
        with closing(place.open(fold, clock)) as store, closing(place.open(fold, clock)) as elsewhere:
            assert store.wait(FactSeq(0), 0) == 2
            elsewhere.transact(submit)
            assert store.wait(FactSeq(2), 60) == 3

    def test_what_was_acknowledged_survives_a_sudden_death(self, place: StorePlace, clock: SetClock) -> None:
        with subprocess.Popen(place.acknowledging(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(200)]
            process.send_signal(signal.SIGKILL)
            # A line cut short was not acknowledged.
            lines += [line for line in process.stdout if line.endswith("\n")]
        assert process.returncode == -signal.SIGKILL
        acknowledged = {int(workload): int(seq) for workload, seq in map(str.split, lines)}
        with closing(place.open(fold, clock)) as store:
            with store.read() as tables:
                for workload, seq in acknowledged.items():
                    recorded = tables.facts(FactSeq(seq - 1), EVERYTHING, 1)[0].fact
                    assert isinstance(recorded, WorkloadSubmitted)
                    assert recorded.first == workload == tables.workload(WorkloadId(workload)).id
            assert store.transact(submit) > max(acknowledged)
            agreed(store)
