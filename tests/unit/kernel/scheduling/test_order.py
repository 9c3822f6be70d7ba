"""Who goes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suanli.kernel.scheduling.plan import Policy
from suanli.model.errors import NotFoundError
from suanli.model.ids import QueueName
from suanli.model.quantities import Instant
from suanli.model.spec import WorkloadSpec
from tests.unit.kernel.scheduling.center import Center, node


def ordered(center: Center) -> list[int]:
    return list(center.queue())


def test_queue_then_priority_then_eligible_time_then_id() -> None:
    center = Center()
    center.set_queue("urgent", 5)
    plain = WorkloadSpec()
    late = center.add(plain)
    first, second = center.submit(plain, 2)
    important = center.add(replace(plain, priority=1))
    urgent = center.add(replace(plain, queue=QueueName("urgent"), priority=-1))
    center.state.enqueue(replace(center.waiting[late], eligible_at=Instant(center.now + 1)), plain)
    assert ordered(center) == [urgent, important, first, second, late]


def test_a_changed_queue_and_a_changed_priority_move_what_waits() -> None:
    center = Center()
    first = center.add(WorkloadSpec())
    other = center.add(WorkloadSpec(queue=QueueName("other")))
    assert ordered(center) == [first, other]
    center.set_queue("other", 1)
    assert ordered(center) == [other, first]
    center.set_queue("other", 0)
    center.change(other, priority=2, time_limit_s=0)
    assert ordered(center) == [other, first]


def test_what_left_is_in_no_order() -> None:
    center = Center()
    first, second, third = center.submit(WorkloadSpec(), 3)
    center.withdraw(second)
    assert ordered(center) == [first, third]
    center.withdraw(first)
    center.withdraw(third)
    assert ordered(center) == []


def test_an_unknown_policy_is_named() -> None:
    center = Center(policy=Policy(score="luck")).with_nodes(node("n0"))
    with pytest.raises(NotFoundError, match="no score policy luck"):
        center.plan()
