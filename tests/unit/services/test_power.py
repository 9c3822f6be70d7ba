"""The power cap: who sets and sees it, that the planner keeps it, and what another one would do."""

from __future__ import annotations

from functools import partial

import pytest

from suanli.model.errors import InvalidRequestError, NotPermittedError
from suanli.model.facts import NodeRegistered, PowerCapSet
from suanli.model.ids import FactSeq
from suanli.model.power import MAX_WATTS, PowerCap
from suanli.model.spec import TaskResources
from suanli.model.tenancy import Caller
from suanli.services.power import Power
from suanli.services.scheduling import Asked
from suanli.testing.builders import GIB, node
from tests.unit.services.center import Center, ann, bob, operator, reader
from tests.unit.services.turning import Turning

TWO = TaskResources(cpu_milli=2000, memory_bytes=GIB)


@pytest.fixture
def power(center: Center) -> Power:
    return Power(center.store)


@pytest.fixture
def turning(center: Center) -> Turning:
    """Eight cpus of 10 W each."""
    made = Turning(center)
    center.tell(NodeRegistered(node=node("n1", cpu_power_mw=10_000)))
    return made


def cap(center: Center, power: Power, watts: int, by: Caller = operator) -> PowerCap:
    return center.do(partial(power.set_cap, caller=by, cap=PowerCap(watts=watts)))


def test_operators_set_it_and_everybody_sees_it(center: Center, power: Power) -> None:
    assert power.standing(reader).cap == PowerCap()
    assert cap(center, power, 500) == PowerCap(watts=500, generation=1)
    assert power.standing(bob).cap.watts == 500
    with pytest.raises(NotPermittedError):
        cap(center, power, 400, ann)
    with pytest.raises(InvalidRequestError):
        cap(center, power, MAX_WATTS + 1)
    assert cap(center, power, 0) == PowerCap(watts=0, generation=2)


def test_who_set_it_is_on_record(center: Center, power: Power) -> None:
    cap(center, power, 500)
    (recorded,) = center.store.news(FactSeq(center.facts() - 1), 10)
    assert (recorded.actor, recorded.fact) == (operator.user, PowerCapSet(cap=PowerCap(watts=500)))


def test_the_planner_keeps_it_as_it_is_set_and_lifted(turning: Turning, power: Power) -> None:
    center = turning.center
    cap(center, power, 50)
    jobs = [turning.submit(resources=TWO, time_limit_s=60) for _ in range(3)]
    assert turning.running() == jobs[:2]
    assert power.standing(ann).drawn_mw == 40_000
    why = turning.planner.explain(jobs[2]).explanation
    assert why is not None
    assert [(one.code, one.needed, one.available, one.in_use, one.cap) for one in why.reasons] == [
        ("power", 20_000, 10_000, 40_000, 50_000)
    ]
    turning.restart()
    assert turning.planner.explain(jobs[2]).explanation == why
    cap(center, power, 30)
    turning.settle()
    assert turning.running() == jobs[:2]
    turning.end(jobs[0])
    assert turning.running() == [jobs[1]]
    cap(center, power, 0)
    turning.settle()
    assert turning.running() == jobs[1:]


def test_what_is_not_known_is_said(turning: Turning, power: Power) -> None:
    turning.center.tell(NodeRegistered(node=node("n2")))
    standing = power.standing(ann)
    assert (standing.drawn_mw, standing.unknown_cpu_milli, standing.unknown_devices) == (0, 8000, 4)


def test_what_if_the_cap_were_another(turning: Turning, power: Power) -> None:
    cap(turning.center, power, 50)
    jobs = [turning.submit(resources=TWO, time_limit_s=60) for _ in range(3)]
    found = turning.planner.what_if(operator, Asked(power_cap=PowerCap(watts=60)))
    (stay, other) = (side.stays[jobs[2]] for side in (found.comparison.before, found.comparison.after))
    assert stay.start is not None
    assert other.start == turning.center.clock.now() < stay.start
    never = turning.planner.what_if(operator, Asked(power_cap=PowerCap(watts=10)))
    assert never.comparison.after.never == {jobs[2]: "power"}
    lifted = turning.planner.what_if(operator, Asked(power_cap=PowerCap()))
    assert lifted.comparison.after.stays[jobs[2]].start == turning.center.clock.now()
    assert power.standing(ann).cap.watts == 50
    with pytest.raises(NotPermittedError):
        turning.planner.what_if(ann, Asked(power_cap=PowerCap()))
