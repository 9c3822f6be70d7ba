"""What people are told: what they asked for, once, and of an array as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from suanli.loops.notify import Notify
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import DependencyFailed, RunEnded
from suanli.model.ids import WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, Notification, NotifyEvent, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.services.notifications import LANGUAGES, Notifications
from suanli.testing.builders import end, place, spec, start
from suanli.testing.fake_notifier import FakeNotifier
from tests.unit.services.center import Center, ann, opened, operator

ALL = frozenset(NotifyEvent)
AT = Instant(1_800_000_000_000_000)


class Post:
    """A center and those it tells."""

    def __init__(self, center: Center, notifier: FakeNotifier) -> None:
        self.center = center
        self.notifier = notifier
        self.open()

    def open(self, language: str = "en") -> None:
        """As a server that starts."""
        self.loop = Notify(self.center.store, Notifications(self.center.store, language), self.notifier)

    def asks(self, *addresses: str, events: frozenset[NotifyEvent] = ALL, **asked: Any) -> WorkloadId:
        """Submit work of which these are told."""
        notify = tuple(Notification(address=address, events=events) for address in addresses)
        return self.center.submit(name="relax", notify=notify, **asked)

    def runs(self, workload: WorkloadId, exit_code: int = 0) -> None:
        """Let it run to its end, on record."""
        self.center.do(lambda tx: place(tx, workload))
        self.center.do(lambda tx: start(tx, workload))
        self.center.do(lambda tx: end(tx, workload, exit_code=exit_code))

    def told(self) -> list[tuple[str, str]]:
        """Who was told what since this was last asked, after all facts there are."""
        while self.loop.caught_up < self.center.facts():
            self.loop.turn()
        said = [(sent.address, str(sent.content["event"])) for sent in self.notifier.sent]
        self.notifier.sent.clear()
        return said


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    notifier = FakeNotifier()
    with opened(tmp_path, notifier=notifier) as center:
        yield Post(center, notifier)


def test_each_is_told_what_was_asked_for(post: Post) -> None:
    fine = post.asks("ann@here", "bob@here", events=frozenset({NotifyEvent.STARTED, NotifyEvent.FAILED}))
    wrong = post.asks("ann@here", events=frozenset({NotifyEvent.ENDED}))
    post.center.submit(name="silent")
    for workload, exit_code in ((fine, 0), (wrong, 3)):
        post.runs(workload, exit_code)
    assert post.told() == [("ann@here", "started"), ("bob@here", "started"), ("ann@here", "ended")]


def test_an_end_in_failure_is_told_once_and_with_its_state(post: Post) -> None:
    post.runs(post.asks("ann@here"), 3)
    post.loop.turn()
    started, failed = post.notifier.sent
    assert started.content["state"] == "failed", "told as it stands when it is told"
    assert (failed.content["event"], failed.content["state"], failed.content["exit_code"]) == ("failed", "failed", 3)
    assert failed.subject == "[suanli] relax (1) has failed: failed"
    assert "state: failed" in failed.text.splitlines()


def test_a_start_that_was_seen_with_the_end_alone_is_told(post: Post) -> None:
    for events, told in (({NotifyEvent.STARTED}, "started"), (ALL, "ended")):
        workload = post.asks("ann@here", events=frozenset(events))
        post.center.do(partial(place, workload=workload))
        ended = RunEnded(workload=workload, run=run_id(workload, 1), cause=EndCause.EXITED, exit_code=0, started_at=AT)
        post.center.tell(ended)
        assert post.told() == [("ann@here", told)]


def test_every_language_tells_every_event(post: Post) -> None:
    for language in LANGUAGES:
        post.open(language)
        post.runs(post.asks("ann@here"))
        post.runs(post.asks("ann@here"), 1)
        post.loop.turn()
        subjects = [sent.subject for sent in post.notifier.sent]
        post.notifier.sent.clear()
        assert len(set(subjects)) == 4
        assert all("relax" in subject for subject in subjects)


def test_ends_without_a_run_are_told(post: Post) -> None:
    unwanted = post.asks("ann@here")
    post.center.change(post.center.workloads.cancel, unwanted)
    failing = post.asks("bob@here")
    dependency = Dependency(kind=DependencyKind.AFTEROK, workload=failing)
    hopeless = post.asks("ann@here", dependencies=(dependency,))
    post.runs(failing, 1)
    post.center.tell(DependencyFailed(workload=hopeless, dependency=dependency))
    assert post.told() == [
        ("ann@here", "ended"),
        ("bob@here", "started"),
        ("bob@here", "failed"),
        ("ann@here", "failed"),
    ]


def test_what_was_queued_again_has_not_ended(post: Post) -> None:
    workload = post.asks("ann@here")
    post.runs(workload)
    post.center.change(post.center.workloads.requeue, workload)
    assert post.told() == [("ann@here", "started")]
    post.runs(workload)
    assert post.told() == [("ann@here", "ended")]


def test_an_array_is_told_of_as_a_whole(post: Post) -> None:
    array = post.asks("ann@here", array=ArraySpec(indices=(0, 1, 2)))
    post.runs(WorkloadId(array + 1), 1)
    post.runs(array)
    assert post.told() == [("ann@here", "started")]
    post.center.change(post.center.workloads.cancel, array + 2)
    assert post.told() == [("ann@here", "failed")]
    post.center.change(post.center.workloads.requeue, array + 1)
    post.runs(WorkloadId(array + 1))
    assert post.told() == [("ann@here", "ended")]


def test_an_array_that_ended_before_anybody_looked_is_told_of_once(post: Post) -> None:
    array = post.asks("ann@here", array=ArraySpec(indices=(0, 1, 2)))
    for element in range(array, array + 3):
        post.runs(WorkloadId(element))
    assert post.told() == [("ann@here", "started"), ("ann@here", "ended")]


def test_what_cannot_be_sent_keeps_nobody_waiting_and_is_not_forgotten(post: Post) -> None:
    post.notifier.out_of_order.add("there")
    post.notifier.refused.add("eve@here")
    post.runs(post.asks("eve@here", "cid@there", "ann@here", events=frozenset({NotifyEvent.ENDED})))
    post.runs(post.asks("ann@here", events=frozenset({NotifyEvent.ENDED})))
    assert post.told() == [("ann@here", "ended")] * 2
    post.notifier.out_of_order.clear()
    post.open()
    # The server that starts knows only how far all was told: what came after the one that waited is told again.
    assert sorted(post.told()) == [("ann@here", "ended")] * 2 + [("cid@there", "ended")]
    post.open()
    assert post.told() == []


def test_who_is_told_for_the_first_time_is_not_told_of_the_past(tmp_path: Path) -> None:
    notifier = FakeNotifier()
    with opened(tmp_path, notifier=notifier) as center:
        center.running(notify=(Notification(address="ann@here", events=ALL),))
        post = Post(center, notifier)
        assert post.told() == []
        post.runs(post.asks("ann@here", events=frozenset({NotifyEvent.ENDED})))
        assert post.told() == [("ann@here", "ended")]


def test_an_address_is_judged_when_work_is_submitted(post: Post) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        post.asks("ann@here", "nowhere")
    assert caught.value.field == "notify.1.address"
    with pytest.raises(InvalidRequestError):
        post.center.workloads.normalize(ann, _asking("nowhere"))
    assert post.center.workloads.normalize(operator, _asking("ann@here")).notify


def _asking(address: str) -> WorkloadSpec:
    return spec(notify=(Notification(address=address),))
