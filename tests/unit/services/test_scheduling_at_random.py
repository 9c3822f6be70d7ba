"""Random days of a center: nothing is ever given away twice, and a planner that starts anew decides the same."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.model.devices import DeviceRequest
from suanli.model.errors import AdmissionRefusedError, ConflictError, NotFoundError
from suanli.model.facts import NodeRegistered
from suanli.model.ids import NodeName, QueueName, ReservationName, RunId, WorkloadId
from suanli.model.quantities import WHOLE_DEVICE, Instant
from suanli.model.reservations import AdvanceReservation, ReservationPurpose
from suanli.model.resources import NodeState, Queue
from suanli.model.spec import ArraySpec, Dependency, DependencyKind, Request, RetryCause, RetryPolicy, TaskResources
from suanli.model.workload import EndCause, Run, Workload, WorkloadState
from suanli.ports.store import Reading, WorkloadFilter
from suanli.services.workloads import Update, parse_ref
from suanli.testing.builders import GIB, node
from tests.unit.services.center import Center, admin, ann, opened, operator
from tests.unit.services.turning import Turning, planning, would_record

STEPS = 120
URGENT = QueueName("urgent")
MOST = 10_000


def asked(chance: Random, newest: int) -> dict[str, Any]:
    dependencies: list[Dependency] = []
    if newest and chance.random() < 0.3:
        kind = chance.choice(list(DependencyKind))
        other = WorkloadId(0 if kind is DependencyKind.SINGLETON else chance.randint(1, newest))
        dependencies.append(Dependency(kind=kind, workload=other))
    device = DeviceRequest(share=chance.choice([WHOLE_DEVICE, 300])) if chance.random() < 0.3 else None
    across = chance.choice([0, 0, 0, 2])
    return {
        "name": chance.choice(["a", "b"]),
        "resources": TaskResources(
            cpu_milli=chance.choice([500, 2000, 5000]), memory_bytes=chance.choice([1, 9]) * GIB, devices=device
        ),
        "tasks": (across or 1) * chance.choice([1, 1, 2]),
        "nodes": across,
        "exclusive": chance.random() < 0.1,
        "time_limit_s": chance.choice([10, 60, 600]),
        "queue": chance.choice([QueueName("default"), QueueName("default"), URGENT]),
        "priority": chance.choice([0, 0, 5]),
        "preemptible": chance.random() < 0.4,
        "array": ArraySpec(indices=(0, 1, 4), max_running=chance.choice([0, 1, 2])) if chance.random() < 0.2 else None,
        "dependencies": tuple(dependencies),
        "retry": RetryPolicy(max_attempts=2, on=frozenset({RetryCause.FAILED})),
        "reservation": ReservationName(chance.choice(["", "", "", "r0", "r1"])),
        **in_forms(chance, across),
    }


def in_forms(chance: Random, across: int) -> dict[str, Any]:
    """What makes some work moldable, and gives some an alternative."""
    if chance.random() < 0.5:
        return {}
    small = TaskResources(cpu_milli=chance.choice([500, 1000]), memory_bytes=GIB)
    other = Request(tasks=3, min_tasks=chance.choice([0, 1]), resources=small, time_limit_s=chance.choice([0, 20]))
    tasks = (across or 1) * chance.choice([2, 4])
    return {"tasks": tasks, "min_tasks": tasks // 2, "alternatives": chance.choice([(), (other,)])}


def everything(center: Center) -> list[Workload]:
    with center.store.read() as tables:
        return list(reversed(tables.workloads(WorkloadFilter(), limit=MOST)))


def happens(turning: Turning, chance: Random) -> None:
    """One thing that people, engines or nodes do, apart from the planner."""
    center, known = turning.center, everything(turning.center)
    ids = [w.id for w in known if not w.state.final] or [WorkloadId(0)]
    some, workloads = chance.choice(ids), center.workloads
    seldom = ["update", "node", "reserve", "pause"]
    match chance.choice(["submit"] * 4 + ["end"] * 4 + ["engine"] * 3 + ["change"] * 2 + seldom):
        case "submit":
            # Where it names a reservation that is not there, or too short.
            with suppress(AdmissionRefusedError):
                center.submit(operator, held=chance.random() < 0.2, **asked(chance, len(known)))
        case "reserve":
            reserve(center, chance)
        case "end":
            end_one(turning, chance)
        case "engine":
            turning.engine()
        case "change" if some:
            verb = chance.choice([workloads.hold, workloads.release, workloads.cancel, workloads.requeue])
            center.change(verb, some, operator)
        case "update" if some:
            limit, priority = chance.choice([None, 30, 900]), chance.choice([None, 0, 7])
            center.do(
                lambda tx: workloads.update(
                    tx, operator, parse_ref(str(some)), Update(time_limit_s=limit, priority=priority)
                )
            )
        case "node":
            name = NodeName(chance.choice(["n1", "n2", "n3"]))
            if chance.random() < 0.5:
                center.do(lambda tx: center.inventory.drain(tx, operator, name, "at random"))
            else:
                center.do(lambda tx: center.inventory.resume(tx, operator, name))
        case _:
            center.clock.at_us += chance.randint(1, 100) * 1_000_000


def reserve(center: Center, chance: Random) -> None:
    """Set some nodes aside for a while, change what is set aside, or set it aside no longer."""
    name, begin = ReservationName(chance.choice(["r0", "r1", "r2"])), center.clock.at_us
    use = chance.random() < 0.6
    wanted = AdvanceReservation(
        name=name,
        starts_at=Instant(begin + chance.choice([0, 30, 200]) * 1_000_000),
        ends_at=Instant(begin + chance.choice([300, 900]) * 1_000_000),
        nodes=tuple(NodeName(f"n{number}") for number in chance.sample([1, 2, 3], chance.randint(1, 3))),
        purpose=ReservationPurpose.USE if use else ReservationPurpose.MAINTENANCE,
        users=frozenset({operator.user} if use else ()),
    )
    with suppress(ConflictError, NotFoundError):
        if chance.random() < 0.3:
            center.do(lambda tx: center.reservations.remove(tx, admin, name))
        else:
            center.do(lambda tx: center.reservations.define(tx, admin, wanted))


def end_one(turning: Turning, chance: Random) -> None:
    running = turning.running()
    if running:
        run = RunId(f"{(some := chance.choice(running))}.{turning.center.workload(some).attempt}")
        cause = chance.choice([EndCause.EXITED, EndCause.EXITED, EndCause.EXITED, EndCause.TIMEOUT])
        turning.center.engine.end(run, exit_code=chance.choice([0, 0, 1]), cause=cause)
        turning.center.observed(run)


def check_holds(tables: Reading) -> None:
    """No node and no device is held beyond what it has, nor beside somebody who has it alone."""
    runs = tables.active_runs()
    holds = [(run, hold) for run in runs for hold in run.allocation.nodes]
    for known in tables.nodes():
        here = [(run, hold) for run, hold in holds if hold.node == known.name]
        assert sum(hold.cpu_milli for _, hold in here) <= known.cpu_milli
        assert sum(hold.memory_bytes for _, hold in here) <= known.memory_bytes
        shares: Counter[int] = Counter()
        for _, hold in here:
            shares.update({device.index: device.share for device in hold.devices})
        assert all(share <= WHOLE_DEVICE for share in shares.values())
        assert set(shares) <= {device.index for device in known.devices}
        assert len(here) <= 1 or not any(run.allocation.exclusive for run, _ in here)


def check_arrays(tables: Reading, known: list[Workload]) -> None:
    active = Counter(w.submission for w in known if w.array_id and w.state.active)
    for first, running in active.items():
        array = tables.submission(first).spec.array
        assert array is not None
        assert not array.max_running or running <= array.max_running


def check_what_was_placed(tables: Reading, before: dict[RunId, Run], drained: set[NodeName]) -> None:
    """What this turn placed holds what was asked, on nodes that took work."""
    for run in tables.active_runs():
        if run.id in before:
            continue
        spec = tables.submission(tables.workload(run.workload).submission).spec
        assert not {hold.node for hold in run.allocation.nodes} & drained
        wanted, tasks = spec.form(run.alternative), run.allocation.tasks
        assert (wanted.min_tasks or wanted.tasks) <= tasks <= wanted.tasks
        assert not wanted.nodes or len(run.allocation.nodes) * wanted.tasks == tasks * wanted.nodes


def check_windows(tables: Reading, before: dict[RunId, Run], now: int) -> None:
    """What this turn placed ends before windows that it does not belong to start, and within the one it names."""
    windows = tables.advance_reservations()
    for run in tables.active_runs():
        if run.id in before:
            continue
        named = tables.submission(tables.workload(run.workload).submission).spec.reservation
        nodes, end = {hold.node for hold in run.allocation.nodes}, now + run.time_limit_s * 1_000_000
        for window in windows:
            if window.name == named:
                assert nodes <= set(window.nodes)
                assert window.starts_at <= now < end <= window.ends_at
            else:
                assert not (nodes & set(window.nodes) and window.overlaps(now, end))
        assert not named or named in {window.name for window in windows}


def turn(turning: Turning) -> None:
    """Take one turn, beside a planner that knows only the tables, and check what it did."""
    center = turning.center
    with center.store.read() as tables:
        before = {run.id: run for run in tables.active_runs()}
        drained = {known.name for known in tables.nodes() if known.state is not NodeState.READY}
        upto = tables.last_fact()
    expected = would_record(center)
    turning.planner.turn()
    with center.store.read() as tables:
        assert turning.recorded_after(upto) == expected
        check_holds(tables)
        check_arrays(tables, everything(center))
        check_what_was_placed(tables, before, drained)
        check_windows(tables, before, center.clock.at_us)


def check_explanations(turning: Turning) -> None:
    """Who followed all facts and who knows only the tables explain alike."""
    fresh = planning(turning.center.store, turning.center.clock)
    for workload in everything(turning.center):
        assert turning.planner.explain(workload.id) == fresh.explain(workload.id)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32))
@settings(max_examples=8)
def test_random_days(seed: int) -> None:
    chance = Random(seed)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as center:
        turning = Turning(center)
        center.tell(
            NodeRegistered(node=node("n2", cpu_milli=4000, devices=())),
            NodeRegistered(node=replace(node("n3"), memory_bytes=16 * GIB)),
        )
        center.do(lambda tx: center.inventory.define_queue(tx, admin, Queue(name=URGENT, priority=3)))
        for _ in range(STEPS):
            happens(turning, chance)
            if chance.random() < 0.5:
                turn(turning)
        check_explanations(turning)
        finish(turning)


def finish(turning: Turning) -> None:
    """Everything that can run does, and nothing is left behind."""
    center = turning.center
    for name in ("n1", "n2", "n3"):
        center.do(partial(center.inventory.resume, caller=operator, name=NodeName(name)))
    for held in [w.id for w in everything(center) if w.state is WorkloadState.HELD]:
        center.change(center.workloads.release, held, ann if center.workload(held).owner == "ann" else operator)
    turning.settle()
    while running := turning.running():
        turning.end(running[0])
    left = [w for w in everything(center) if not w.state.final]
    assert all(turning.planner.reasons([w]) for w in left if w.state is WorkloadState.WAITING)
    assert not [w for w in left if w.state.active]
    with center.store.read() as tables:
        assert not tables.active_runs()
