"""``suanlid`` with the durable commit taken out: it answers first and commits a moment later. Only the test runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from suanli.adapters.clock import SystemClock
from suanli.adapters.database.connections import connect
from suanli.adapters.database.migrate import upgrade
from suanli.adapters.database.store import DatabaseStore
from suanli.kernel.lifecycle import fold
from suanli.ports.store import Outcome, Store, Transaction
from suanli.wiring import build, main
from suanli.wiring.settings import Settings

T = TypeVar("T")

LAG_S = 0.05


class LaggingStore(DatabaseStore):
    """Acknowledges what its transactions did before it is durable."""

    _later = ThreadPoolExecutor(64)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        answer: Future[T] = Future()

        def done_early(tx: Transaction) -> None:
            try:
                answer.set_result(work(tx))
            finally:
                time.sleep(LAG_S)

        def tell(committed: Future[None]) -> None:
            error = committed.exception()
            if error is not None and not answer.done():
                answer.set_exception(error)

        self._later.submit(super().transact, done_early).add_done_callback(tell)
        return answer.result()

    def transact_each(self, works: Sequence[Callable[[Transaction], T]]) -> Sequence[Outcome[T]]:
        return [self._outcome(work) for work in works]

    def _outcome(self, work: Callable[[Transaction], T]) -> Outcome[T]:
        try:
            return Outcome(self.transact(work))
        except Exception as error:  # noqa: BLE001 - it is this work's outcome
            return Outcome(error=error)


def lagging_store(settings: Settings) -> Store:
    """The settings' store, made or upgraded, lagging."""
    engines = connect(settings.database_url, readers=48)
    upgrade(engines.writer)
    return LaggingStore(engines, fold=fold, clock=SystemClock())


if __name__ == "__main__":
    build.build_store = lagging_store
    main.main()
