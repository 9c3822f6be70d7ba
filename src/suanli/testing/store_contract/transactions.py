"""Appending, undoing, ids, kept answers."""

from __future__ import annotations

from contextlib import closing, suppress

import pytest

from suanli.kernel.lifecycle import fold
from suanli.model.errors import (
    IllegalTransitionError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
)
from suanli.model.facts import (
    CancelRequested,
    TokenIssued,
    WorkloadHeld,
)
from suanli.model.ids import FactSeq, TokenId, WorkloadId
from suanli.model.tenancy import Token
from suanli.model.workload import WorkloadState
from suanli.ports.store import KeptAnswer, Store, Transaction, WorkloadFilter
from suanli.testing.builders import ANN, BOB, SetClock, spec, submit
from suanli.testing.store_contract.common import DAY_US, EVERYTHING, Oops, StorePlace, agreed


def _submit_and_fail(tx: Transaction) -> None:
    submit(tx)
    raise Oops


class TransactionContract:
    """Appending, undoing, ids, kept answers."""

    def test_what_is_appended_is_there_after_opening_anew(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as store:
            first = store.transact(submit)
        with closing(place.open(fold, clock)) as again, again.read() as tables:
            assert tables.workload(first).state is WorkloadState.WAITING
            assert tables.submission(first).spec == spec()
            assert tables.submissions([first]) == {first: tables.submission(first)}
            assert tables.last_fact() == 1

    def test_a_work_sees_its_own_appends(self, store: Store) -> None:
        def work(tx: Transaction) -> None:
            first = submit(tx)
            assert tx.workload(first).name == "sample"
            assert tx.submission(first).spec == spec()
            assert [found.id for found in tx.workloads(WorkloadFilter(owner=ANN))] == [first]
            assert tx.last_fact() == 1
            assert [recorded.seq for recorded in tx.facts(FactSeq(0), EVERYTHING, 10)] == [1]
            tx.append(WorkloadHeld(workload=first), actor=ANN)
            assert tx.workload(first).state is WorkloadState.HELD
            assert [found.state for found in tx.these([first])] == [WorkloadState.HELD]
            assert tx.counts(WorkloadFilter()).by_state == {WorkloadState.HELD: 1}

        store.transact(work)
        agreed(store)

    def test_a_cursor_stands_where_it_was_moved_last(self, place: StorePlace, clock: SetClock) -> None:
        def move_and_fail(tx: Transaction) -> None:
            tx.move_cursor("letters", FactSeq(9))
            assert tx.cursor("letters") == 9
            raise Oops

        with closing(place.open(fold, clock)) as store:
            store.transact(lambda tx: tx.move_cursor("letters", FactSeq(3)))
            store.transact(lambda tx: tx.move_cursor("letters", FactSeq(7)))
            with pytest.raises(Oops):
                store.transact(move_and_fail)
        with closing(place.open(fold, clock)) as again, again.read() as tables:
            assert tables.cursor("letters") == 7
            with pytest.raises(NotFoundError):
                tables.cursor("others")

    def test_news_are_the_facts_on_record_whoever_recorded_them(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as store, closing(place.open(fold, clock)) as other:
            for recording in (store, store, other, store):
                recording.transact(submit)
                with suppress(Oops):
                    recording.transact(_submit_and_fail)
            for asked in (store, other):
                asked.wait(FactSeq(3), 10)
                with asked.read() as tables:
                    on_record = tables.facts(FactSeq(0), EVERYTHING, 10)
                for after in range(5):
                    assert list(asked.news(FactSeq(after), 2)) == list(on_record[after : after + 2])

    @pytest.mark.parametrize("asks", [False, True], ids=["from-memory", "through-sql"])
    def test_a_work_that_raises_leaves_nothing(self, store: Store, asks: bool) -> None:  # noqa: FBT001 - a parameter
        kept = store.transact(submit)

        def work(tx: Transaction) -> None:
            tx.append(WorkloadHeld(workload=kept), actor=ANN)
            submit(tx)
            tx.keep_answer(ANN, "k", KeptAnswer(fingerprint="f", body="b"))
            if asks:
                assert tx.counts(WorkloadFilter()).by_state == {WorkloadState.HELD: 1, WorkloadState.WAITING: 1}
            raise Oops

        with pytest.raises(Oops):
            store.transact(work)
        with store.read() as tables:
            assert tables.last_fact() == 1
            assert [found.state for found in tables.workloads(WorkloadFilter())] == [WorkloadState.WAITING]
            with pytest.raises(NotFoundError):
                tables.kept_answer(ANN, "k")
        store.transact(submit)
        agreed(store)

    def test_a_fact_that_does_not_fit_is_not_appended_and_the_work_goes_on(self, store: Store) -> None:
        def work(tx: Transaction) -> WorkloadId:
            first = submit(tx, held=True)
            with pytest.raises(IllegalTransitionError):
                tx.append(WorkloadHeld(workload=first), actor=ANN)
            with pytest.raises(NotFoundError):
                tx.append(CancelRequested(workload=WorkloadId(99)), actor=ANN)
            tx.append(CancelRequested(workload=first), actor=BOB)
            return first

        first = store.transact(work)
        with store.read() as tables:
            recorded = tables.facts(FactSeq(0), EVERYTHING, 10)
        assert [(one.seq, one.actor) for one in recorded] == [(1, ANN), (2, BOB)]
        assert recorded[1].fact == CancelRequested(workload=first)
        agreed(store)

    def test_ids_are_consecutive_and_never_given_twice(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as store:
            assert store.transact(lambda tx: tx.allocate(3)) == 1
            assert store.transact(lambda tx: tx.allocate(2)) == 4

            def fails(tx: Transaction) -> None:
                seen.append(tx.allocate(1))
                raise Oops

            seen: list[WorkloadId] = []
            with pytest.raises(Oops):
                store.transact(fails)
            assert store.transact(lambda tx: tx.allocate(1)) > seen[0]
        with closing(place.open(fold, clock)) as again:
            assert again.transact(lambda tx: tx.allocate(1)) > seen[0] + 1

    def test_time_on_record_never_goes_back(self, place: StorePlace, clock: SetClock) -> None:
        with closing(place.open(fold, clock)) as store:
            store.transact(submit)
            clock.at_us -= 500
            store.transact(submit)
        with closing(place.open(fold, clock)) as store:
            store.transact(submit)
            clock.at_us += 501
            store.transact(submit)
            with store.read() as tables:
                recorded = tables.facts(FactSeq(0), EVERYTHING, 10)
        assert [one.at for one in recorded] == [1_000_000, 1_000_000, 1_000_000, 1_000_001]

    def test_an_answer_is_kept_for_a_day_and_then_forgotten(self, store: Store, clock: SetClock) -> None:
        answer = KeptAnswer(fingerprint="abc", body='{"id": 1}')

        def keep(key: str) -> KeptAnswer:
            def work(tx: Transaction) -> KeptAnswer:
                tx.keep_answer(ANN, key, answer)
                return tx.kept_answer(ANN, key)

            return store.transact(work)

        assert keep("k") == answer
        clock.at_us += DAY_US
        keep("l")
        with store.read() as tables:
            assert tables.kept_answer(ANN, "k") == answer
            with pytest.raises(NotFoundError):
                tables.kept_answer(BOB, "k")
        clock.at_us += 1
        keep("m")
        with store.read() as tables:
            assert tables.kept_answer(ANN, "l") == answer
            with pytest.raises(NotFoundError):
                tables.kept_answer(ANN, "k")

    def test_kept_answers_are_found_together_and_in_the_transaction_that_asks(self, store: Store) -> None:
        def answer(number: int) -> KeptAnswer:
            return KeptAnswer(fingerprint=f"f{number}", body=str(number))

        def keep(tx: Transaction) -> None:
            for number in range(70):
                tx.keep_answer(ANN, f"k{number}", answer(number))
            tx.keep_answer(BOB, "k0", answer(100))

        store.transact(keep)
        asked = [(ANN, f"k{number}") for number in range(75)] + [(BOB, "k0"), (BOB, "k1")]
        kept = {(ANN, f"k{number}"): answer(number) for number in range(70)} | {(BOB, "k0"): answer(100)}

        def work(tx: Transaction) -> None:
            assert tx.kept_answers(asked) == kept
            assert tx.kept_answer(ANN, "k69") == answer(69)
            with pytest.raises(NotFoundError):
                tx.kept_answer(ANN, "k70")
            tx.keep_answer(ANN, "k70", answer(70))
            tx.keep_answer(ANN, "k0", answer(71))
            own = kept | {(ANN, "k70"): answer(70), (ANN, "k0"): answer(71)}
            assert (tx.kept_answer(ANN, "k70"), tx.kept_answer(ANN, "k0")) == (answer(70), answer(71))
            assert tx.kept_answers(asked) == own

        store.transact(work)
        with store.read() as tables:
            assert tables.kept_answers([]) == {}
            assert tables.kept_answers([(ANN, "k70"), (BOB, "x")]) == {(ANN, "k70"): answer(70)}

    def test_a_number_too_large_for_its_column_is_refused(self, store: Store) -> None:
        with pytest.raises(StoreError):
            store.transact(lambda tx: submit(tx, priority=2**63))
        store.transact(lambda tx: submit(tx, priority=2**63 - 1))
        agreed(store)

    def test_a_row_the_database_refuses_is_the_fault_of_its_work_alone(self, store: Store) -> None:
        token = Token(id=TokenId("t1"), user=ANN, digest="same", scopes=frozenset())
        twin = Token(id=TokenId("t2"), user=ANN, digest="same", scopes=frozenset())
        store.transact(lambda tx: tx.append(TokenIssued(token=token), actor=ANN))
        with pytest.raises(StoreError, match="refuses"):
            store.transact(lambda tx: tx.append(TokenIssued(token=twin), actor=ANN))
        store.transact(submit)
        agreed(store)

    def test_a_closed_store_says_so_and_closes_again(self, place: StorePlace, clock: SetClock) -> None:
        store = place.open(fold, clock)
        store.close()
        store.close()
        with pytest.raises(StoreUnavailableError):
            store.transact(submit)
        with pytest.raises(StoreUnavailableError), store.read():
            pass
