"""Deadlines: what cannot be in time is refused or ends, and what is near its own goes first by what that is worth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.kernel.scheduling.plan import Policy, ReasonCode
from suanli.model.errors import AdmissionRefusedError
from suanli.model.quantities import Instant
from suanli.model.spec import TaskResources
from suanli.model.workload import EndCause
from suanli.services.deadlines import DeadlineCheck
from suanli.testing.builders import GIB, SetClock
from tests.unit.services.center import Center, opened
from tests.unit.services.turning import Turning

SECOND_US = 1_000_000
WHOLE = TaskResources(cpu_milli=8000, memory_bytes=GIB)
BEGIN = 1_800_000_000_000_000


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    with opened(tmp_path, checks=[DeadlineCheck(SetClock(at_us=BEGIN))]) as made:
        yield made


def in_s(center: Center, seconds: int) -> Instant:
    return Instant(center.clock.at_us + seconds * SECOND_US)


def test_a_limit_that_reaches_beyond_the_deadline_is_refused(center: Center) -> None:
    assert center.submit(time_limit_s=100, deadline=in_s(center, 100))
    with pytest.raises(AdmissionRefusedError) as refused:
        center.submit(time_limit_s=101, deadline=in_s(center, 100))
    assert refused.value.reason == "deadline_too_near"


def test_what_waits_beyond_its_latest_start_ends_without_a_run(center: Center) -> None:
    turning = Turning(center)
    taken = turning.submit(resources=WHOLE, time_limit_s=1000)
    late = turning.submit(resources=WHOLE, time_limit_s=60, deadline=in_s(center, 100))
    later = turning.submit(resources=WHOLE, time_limit_s=60, deadline=in_s(center, 500))
    turning.settle()
    center.clock.at_us += 40 * SECOND_US
    turning.settle()
    assert center.states(late) == ["waiting"]
    center.clock.at_us += 1
    turning.settle()
    assert center.states(taken, late, later) == ["running", "cancelled", "waiting"]
    ended = center.workload(late)
    assert (ended.cause, ended.attempt) == (EndCause.DEADLINE, 0)


def test_what_is_foreseen_to_be_late_says_so(center: Center) -> None:
    turning = Turning(center)
    turning.submit(resources=WHOLE, time_limit_s=1000)
    late = turning.submit(resources=WHOLE, time_limit_s=60, deadline=in_s(center, 100))
    turning.settle()
    explanation = turning.planner.explain(late).explanation
    assert explanation is not None
    (reason,) = [reason for reason in explanation.reasons if reason.code is ReasonCode.DEADLINE]
    assert (reason.needed, reason.available) == (1000, 40)


@pytest.mark.parametrize(("worth_s", "first"), [(0, 0), (3600, 1)])
def test_nearness_to_a_deadline_is_worth_what_the_center_says(center: Center, worth_s: int, first: int) -> None:
    turning = Turning(center, Policy(shares=ShareWeights(deadline_s=worth_s)))
    taken = turning.submit(resources=WHOLE)
    waits = turning.submit(resources=WHOLE, time_limit_s=600)
    center.clock.at_us += 600 * SECOND_US
    # It may start half an hour from now at the latest: so it counts as waiting for half an hour.
    near = turning.submit(resources=WHOLE, time_limit_s=600, deadline=in_s(center, 2400))
    turning.settle()
    turning.end(taken)
    turning.settle()
    assert turning.running() == [(waits, near)[first]]
