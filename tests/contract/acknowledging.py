"""Submits to the store at argv[1] without end, and acknowledges each submission on stdout once it is durable."""

import sys
from threading import Thread
from typing import NoReturn

from suanli.adapters.database import open_store
from suanli.kernel.lifecycle import fold
from suanli.ports.store import Store, Transaction
from suanli.testing.builders import SetClock, submit


def submit_for_ever(store: Store) -> NoReturn:
    def work(tx: Transaction) -> tuple[int, int]:
        return submit(tx), tx.last_fact()

    while True:
        workload, fact = store.transact(work)
        sys.stdout.write(f"{workload} {fact}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    opened = open_store(sys.argv[1], fold=fold, clock=SetClock())
    for _ in range(4):
        Thread(target=submit_for_ever, args=(opened,)).start()
