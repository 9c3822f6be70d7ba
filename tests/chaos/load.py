"""Submitters that never stop: singles, arrays and batches, each sent again under its key until it is acknowledged."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bench.rig.wire import Address, RefusedError, Wire, WireError

SINGLES = 3
BATCH = 8
_AGAIN_S = 0.05
_UNAVAILABLE = 503
# Its own account of what happened, one line at a time: the center's word is what is to be judged by it.
_WORK = 'echo "began $SUANLI_RUN_ID" >> "$1"; sleep "$2"; echo "ended $SUANLI_RUN_ID" >> "$1"; exit "$3"'


@dataclass(frozen=True, slots=True)
class Ask:
    """A workload that is asked for: how it will behave, under a name that no other has."""

    name: str
    sleep_s: float
    exit_code: int
    size: int = 0
    """Elements of the array; 0: none."""

    @property
    def count(self) -> int:
        return self.size or 1

    def spec(self, ledger: Path) -> dict[str, Any]:
        # An array's elements tell themselves apart by their index, which the shell puts behind the name.
        index = ".${SUANLI_ARRAY_INDEX:-0}"
        script = f'set -- "$1{index}" "$2" "$3"; {_WORK}'
        words = ["/bin/sh", "-c", script, "work", str(ledger / self.name), str(self.sleep_s), str(self.exit_code)]
        found: dict[str, Any] = {"name": self.name, "command": words, "working_directory": str(ledger)}
        found["resources"] = {"cpus": 0.5, "memory": "32MiB"}
        if self.size:
            found["array"] = f"0-{self.size - 1}"
        return found


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the server promised: this ask has these ids."""

    ask: Ask
    first: int
    count: int

    @property
    def ids(self) -> range:
        return range(self.first, self.first + self.count)


@dataclass(slots=True)
class Tally:
    """Everything asked for and everything acknowledged, in the order in which it happened."""

    asked: list[Ask] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, acknowledged: list[Acknowledged]) -> None:
        with self.news:
            self.acknowledged += acknowledged
            self.news.notify_all()

    def wait_for(self, more: int, timeout_s: float) -> bool:
        """Return the moment so many more workloads are acknowledged."""
        with self.news:
            enough = len(self.acknowledged) + more
            return self.news.wait_for(lambda: len(self.acknowledged) >= enough, timeout_s)


class Load:
    """Submitters on threads of their own, each with its own seeded randomness, until the block is left."""

    def __init__(self, address: Address, ledger: Path, seed: int) -> None:
        self.tally = Tally()
        self._address = address
        self._ledger = ledger
        self._over = threading.Event()
        submitters = [(self._single, n) for n in range(SINGLES)] + [(self._batch, SINGLES)]
        self._threads = [
            threading.Thread(target=submit, args=(n, random.Random(f"{seed}-{n}"))) for submit, n in submitters
        ]

    def __enter__(self) -> Tally:
        for thread in self._threads:
            thread.start()
        return self.tally

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _single(self, submitter: int, dice: random.Random) -> None:
        wire = Wire(self._address)
        for ask in self._asks(submitter, dice):
            answer = self._until_answered(wire, "/v1/workloads", ask.spec(self._ledger), ask.name)
            if answer is not None:
                self.tally.keep([Acknowledged(ask, answer["id"], answer["count"])])
            self._over.wait(dice.uniform(0.02, 0.2))
        wire.close()

    def _batch(self, submitter: int, dice: random.Random) -> None:
        wire = Wire(self._address)
        asks = self._asks(submitter, dice)
        while several := list(islice(asks, BATCH)):
            body = {"workloads": [ask.spec(self._ledger) for ask in several]}
            answer = self._until_answered(wire, "/v1/workloads/batch", body, several[0].name)
            if answer is not None:
                made = zip(several, answer["workloads"], strict=True)
                self.tally.keep([Acknowledged(ask, item["id"], item["count"]) for ask, item in made])
            self._over.wait(dice.uniform(0.5, 1.0))
        wire.close()

    def _asks(self, submitter: int, dice: random.Random) -> Iterator[Ask]:
        number = 0
        while not self._over.is_set():
            number += 1
            ask = Ask(
                name=f"ask-{submitter}-{number}",
                sleep_s=dice.choice((0, 0, 0, round(dice.uniform(0.2, 3.0), 2))),
                exit_code=dice.choice((0, 0, 1, 3, 42, 255)),
                size=dice.choice((0, 0, 0, 0, 3)),
            )
            self.tally.asked.append(ask)
            yield ask

    def _until_answered(self, wire: Wire, path: str, body: object, key: str) -> Any:
        while not self._over.is_set():
            try:
                return wire.call("POST", path, body, key=key)
            except WireError:
                self._over.wait(_AGAIN_S)
            except RefusedError as error:
                if error.status != _UNAVAILABLE:
                    self.tally.refused.append(str(error))
                    return None
                self._over.wait(_AGAIN_S)
        return None
