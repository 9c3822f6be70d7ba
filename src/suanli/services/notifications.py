"""Notifications: which facts somebody asked to be told of, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suanli.model.errors import NotFoundError
from suanli.model.facts import (
    CancelRequested,
    DeadlineMissed,
    DependencyFailed,
    Fact,
    RecordedFact,
    RunEnded,
    RunStarted,
)
from suanli.model.ids import FactSeq, WorkloadId, run_id
from suanli.model.spec import Notification, NotifyEvent
from suanli.model.workload import EndCause, Workload, WorkloadState
from suanli.ports.notify import Message
from suanli.ports.store import FactFilter, Reading, Store, Transaction, WorkloadFilter

_CURSOR = "notifications"
_START = frozenset({RunStarted.__name__})
_TELLING = (RunStarted, RunEnded, CancelRequested, DeadlineMissed, DependencyFailed)
_ARRAYS_KEPT = 10_000
_WEIGHTIEST_FIRST = (NotifyEvent.FAILED, NotifyEvent.ENDED, NotifyEvent.STARTED)
_LIVE = frozenset(state for state in WorkloadState if not state.final)

_WORDS: Mapping[str, Mapping[NotifyEvent, str]] = {
    "en": {
        NotifyEvent.STARTED: "{name} ({ref}) has started",
        NotifyEvent.ENDED: "{name} ({ref}) has ended: {state}",
        NotifyEvent.FAILED: "{name} ({ref}) has failed: {state}",
    },
    "zh": {
        NotifyEvent.STARTED: "{name}（{ref}）已开始运行",
        NotifyEvent.ENDED: "{name}（{ref}）已结束：{state}",
        NotifyEvent.FAILED: "{name}（{ref}）运行失败：{state}",
    },
}
LANGUAGES = tuple(_WORDS)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, and the fact that it tells of."""

    seq: FactSeq
    message: Message


class Notifications:
    """What the facts give reason to tell; of an array as a whole: when its first element starts, and its last ends."""

    def __init__(self, store: Store, language: str) -> None:
        self._store = store
        self._words = _WORDS[language]
        self._arrays = _Arrays()

    def begin(self) -> FactSeq:
        """Up to which fact everything was told; the newest one where nothing ever was."""
        with self._store.read() as tables:
            try:
                return tables.cursor(_CURSOR)
            except NotFoundError:
                newest = tables.last_fact()
        self.told(newest)
        return newest

    def told(self, upto: FactSeq) -> None:
        """Put on record that everything up to a fact was told."""

        def work(tx: Transaction) -> None:
            tx.move_cursor(_CURSOR, upto)

        self._store.transact(work)

    def letters(self, news: Sequence[RecordedFact]) -> list[Letter]:
        """What is to be told of these facts, as the tables stand now."""
        telling = [(recorded, recorded.fact) for recorded in news if isinstance(recorded.fact, _TELLING)]
        if not telling:
            return []
        with self._store.read() as tables:
            workloads = {found.id: found for found in tables.these([fact.workload for _, fact in telling])}
            asked = {
                submission.id: submission.spec.notify
                for submission in tables.submissions({found.submission for found in workloads.values()}).values()
            }
            letters = []
            for recorded, fact in telling:
                workload = workloads[fact.workload]
                if notify := asked[workload.submission]:
                    letters += self._of(tables, recorded, workload, notify)
            return letters

    def _of(
        self, tables: Reading, recorded: RecordedFact, workload: Workload, notify: Sequence[Notification]
    ) -> list[Letter]:
        events = _events(tables, recorded, workload)
        if events and workload.array_id:
            events, workload = self._arrays.told_by(tables, recorded, workload, events)
        # One fact is one thing to tell, by the most that it means of what was asked for.
        return [
            Letter(recorded.seq, self._message(asked.address, told[0], workload))
            for asked in notify
            if (told := [event for event in _WEIGHTIEST_FIRST if event in events & asked.events])
        ]

    def _message(self, address: str, event: NotifyEvent, workload: Workload) -> Message:
        ref = str(workload.array_id or workload.id)
        content: dict[str, str | int] = {
            "event": event.value,
            "workload": workload.array_id or workload.id,
            "name": workload.name,
            "owner": workload.owner,
            "project": workload.project,
            "state": workload.state.value,
        }
        if workload.cause is not None:
            content["cause"] = workload.cause.value
        if workload.state.final and workload.exit_code >= 0 and not workload.array_id:
            content["exit_code"] = workload.exit_code
        line = self._words[event].format(name=workload.name, ref=ref, state=workload.state.value)
        text = "\n".join([line, "", *(f"{name}: {value}" for name, value in content.items()), ""])
        return Message(address=address, subject=f"[suanli] {line}", text=text, content=content)


def _events(tables: Reading, recorded: RecordedFact, workload: Workload) -> set[NotifyEvent]:
    """What a fact meant for a workload, as far as that still holds: a requeue makes an end no end."""
    fact: Fact = recorded.fact
    if isinstance(fact, RunStarted):
        return {NotifyEvent.STARTED} if fact.run == run_id(workload.id, 1) else set()
    if isinstance(fact, RunEnded):
        begun = {NotifyEvent.STARTED} if _started_unseen(tables, fact) else set()
        ended = fact.run == run_id(workload.id, workload.attempt)
    else:
        begun, ended = set(), workload.ended_at == recorded.at
    return begun | (_ends(workload) if ended and workload.state.final else set())


def _started_unseen(tables: Reading, ended: RunEnded) -> bool:
    """Tell whether a first run was so short that its start is on record with its end alone."""
    if not ended.started_at or ended.run != run_id(ended.workload, 1):
        return False
    return not tables.facts(FactSeq(0), FactFilter(workload=ended.workload, types=_START), 1)


def _ends(workload: Workload) -> set[NotifyEvent]:
    fine = workload.state is WorkloadState.COMPLETED or workload.cause is EndCause.CANCELLED
    return {NotifyEvent.ENDED} if fine else {NotifyEvent.ENDED, NotifyEvent.FAILED}


class _Arrays:
    """What events of elements mean for their arrays. Facts are looked at in order, and the tables may be ahead."""

    def __init__(self) -> None:
        self._over: dict[WorkloadId, FactSeq] = {}

    def told_by(
        self, tables: Reading, recorded: RecordedFact, element: Workload, events: set[NotifyEvent]
    ) -> tuple[set[NotifyEvent], Workload]:
        """What an element's events give reason to tell, and the element that stands for how the array is."""
        array = element.array_id
        begun = events & {NotifyEvent.STARTED} if element.id == array else set()
        # What ended before the array was found to be over was told then.
        if events <= {NotifyEvent.STARTED} or recorded.seq <= self._over.get(array, 0):
            return begun, element
        if tables.workloads(WorkloadFilter(array_id=array, states=_LIVE), limit=1):
            return begun, element
        if len(self._over) >= _ARRAYS_KEPT:
            self._over.clear()
        self._over[array] = tables.last_fact()
        worst = next((member for member in tables.members(array) if NotifyEvent.FAILED in _ends(member)), element)
        return begun | _ends(worst), worst
