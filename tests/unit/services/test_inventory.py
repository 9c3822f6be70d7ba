"""Nodes as their engine describes them and as operators want them; engines and queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from suanli.model.discovery import Health, Readings
from suanli.model.errors import ConflictError, InvalidRequestError, NotFoundError, NotPermittedError
from suanli.model.ids import NodeName, QueueName
from suanli.model.resources import Node, NodeState, Queue
from suanli.model.tenancy import Caller
from suanli.ports.engine import DeviceReading, EngineDescription
from suanli.services.inventory import Inventory
from suanli.testing.builders import SetClock, node
from suanli.testing.fake_engine import FakeEngine
from tests.unit.services.center import Center, admin, ann, caller, operator

N1, N2 = NodeName("n1"), NodeName("n2")


class Changing(FakeEngine):
    """An engine whose nodes a test exchanges."""

    def __init__(self, *nodes: Node) -> None:
        super().__init__([node()], SetClock())
        self.has: Sequence[Node] = nodes

    def describe(self) -> EngineDescription:
        return replace(super().describe(), nodes=tuple(self.has))


class Machines:
    """An inventory over an engine whose nodes change."""

    def __init__(self, center: Center) -> None:
        self.center = center
        self.engine = Changing(node("n1"), node("n2"))
        self.inventory = Inventory(center.store, {self.engine.name: self.engine})
        self.refresh()

    def refresh(self, *nodes: Node) -> int:
        if nodes:
            self.engine.has = nodes
        before = self.center.facts()
        self.inventory.refresh(self.engine.name)
        return self.center.facts() - before

    def states(self) -> dict[str, str]:
        return {view.node.name: view.node.state.value for view in self.inventory.nodes(ann)}

    def drain(self, name: NodeName, reason: str = "fan") -> Node:
        return self.center.do(lambda tx: self.inventory.drain(tx, operator, name, reason))

    def resume(self, name: NodeName) -> Node:
        return self.center.do(lambda tx: self.inventory.resume(tx, operator, name))


@pytest.fixture
def machines(center: Center) -> Machines:
    return Machines(center)


def test_new_nodes_are_recorded_once(machines: Machines) -> None:
    assert machines.states() == {"n1": "ready", "n2": "ready"}
    assert machines.refresh() == 0


def test_a_changed_node_is_recorded_anew(machines: Machines) -> None:
    assert machines.refresh(node("n1", cpu_milli=4000), node("n2")) == 1
    assert machines.inventory.node(ann, N1).node == node("n1", cpu_milli=4000, generation=2)
    assert machines.refresh() == 0


def test_a_vanished_node_is_down_until_it_is_back(machines: Machines) -> None:
    assert machines.refresh(node("n1")) == 1
    gone = machines.inventory.node(ann, N2).node
    assert (gone.state, gone.reason) == (NodeState.DOWN, "engine local no longer has it")
    assert machines.refresh() == 0
    assert machines.refresh(node("n1"), node("n2")) == 1
    assert machines.states() == {"n1": "ready", "n2": "ready"}


def test_a_drain_outlives_descriptions_changes_and_absence(machines: Machines) -> None:
    machines.drain(N1)
    assert machines.refresh() == 0
    assert machines.refresh(node("n1", cpu_milli=4000), node("n2")) == 1
    assert machines.refresh(node("n1", cpu_milli=4000, state=NodeState.DOWN, reason="off"), node("n2")) == 0
    assert machines.refresh(node("n2")) == 0
    assert machines.refresh(node("n1", cpu_milli=4000), node("n2")) == 0
    drained = machines.inventory.node(ann, N1).node
    assert (drained.state, drained.reason, drained.cpu_milli) == (NodeState.DRAINING, "fan", 4000)
    assert machines.resume(N1).state is NodeState.READY


def test_draining_twice_is_once_unless_the_reason_is_new(machines: Machines) -> None:
    machines.drain(N1)
    before = machines.center.facts()
    machines.drain(N1)
    assert machines.center.facts() == before
    assert machines.drain(N1, "disk").reason == "disk"
    machines.resume(N1)
    before = machines.center.facts()
    assert machines.resume(N1).reason == ""
    assert machines.center.facts() == before


def test_nobody_resumes_what_its_engine_says_is_down(machines: Machines) -> None:
    machines.refresh(node("n1", state=NodeState.DOWN, reason="no power"), node("n2"))
    with pytest.raises(ConflictError) as refused:
        machines.resume(N1)
    assert "no power" in refused.value.detail
    assert machines.drain(N1).state is NodeState.DRAINING


def test_nodes_are_operators_to_handle(machines: Machines) -> None:
    do = machines.center.do
    with pytest.raises(NotPermittedError):
        do(lambda tx: machines.inventory.drain(tx, ann, N1, ""))
    with pytest.raises(NotPermittedError):
        do(lambda tx: machines.inventory.resume(tx, ann, N1))
    with pytest.raises(NotFoundError):
        machines.drain(NodeName("n9"))
    with pytest.raises(NotFoundError):
        machines.inventory.node(ann, NodeName("n9"))


def test_a_node_shows_what_runs_hold_of_it(machines: Machines) -> None:
    running = machines.center.running()
    views = {view.node.name: view.holds for view in machines.inventory.nodes(ann)}
    run = machines.center.run(running)
    assert views == {"n1": ((run, run.allocation.nodes[0]),), "n2": ()}


def test_engines_tell_what_they_are_and_can(center: Center) -> None:
    assert center.inventory.engines(ann) == []
    center.inventory.refresh(center.engine.name)
    [view] = center.inventory.engines(ann)
    assert (view.name, view.description) == ("local", center.engine.describe())
    assert view.abilities == ("Watches", "Signals", "Logs", "KeepsOutputs", "ReadsDevices", "Forgets")


def test_the_default_queue_comes_once(center: Center) -> None:
    before = center.facts()
    center.inventory.bootstrap()
    assert center.facts() == before
    assert [queue.name for queue in center.inventory.queues(ann)] == ["default"]


def define(center: Center, **asked: int | str) -> Queue:
    name = QueueName(str(asked.pop("name", "long")))
    limits = {key: int(value) for key, value in asked.items()}
    return center.do(lambda tx: center.inventory.define_queue(tx, admin, Queue(name=name, **limits)))


def test_queues_are_made_and_changed_by_administrators(center: Center) -> None:
    assert define(center, priority=5).generation == 1
    assert define(center, priority=6, max_time_limit_s=90_000).generation == 2
    assert [(queue.name, queue.priority) for queue in center.inventory.queues(ann)] == [("default", 0), ("long", 6)]
    for by in (ann, operator):
        with pytest.raises(NotPermittedError):
            center.do(partial(center.inventory.define_queue, caller=by, queue=Queue(name=QueueName("x"))))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Long"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"default_time_limit_s": -1}, "default_time_limit"),
        ({"max_time_limit_s": -1}, "max_time_limit"),
        ({"default_time_limit_s": 91, "max_time_limit_s": 90}, "default_time_limit"),
        ({"default_time_limit_s": 0, "max_time_limit_s": 90}, "default_time_limit"),
    ],
)
def test_what_is_no_queue(center: Center, asked: dict[str, int | str], field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        define(center, **asked)
    assert refused.value.field == field


def test_a_token_without_scopes_sees_nothing(center: Center) -> None:
    nobody = caller(ann.user, scopes=frozenset())
    for question in (center.inventory.nodes, center.inventory.engines, center.inventory.queues):
        with pytest.raises(NotPermittedError):
            question(nobody)


def test_a_center_is_not_served_without_an_engine_of_its_nodes(machines: Machines) -> None:
    store = machines.center.store
    machines.inventory.bootstrap()
    elsewhere = Inventory(store, {})
    with pytest.raises(ConflictError, match="nodes of engine local"):
        elsewhere.bootstrap()


def test_readings_are_asked_of_the_nodes_own_engine(machines: Machines) -> None:
    told = (DeviceReading(index=1, health=Health.DEGRADED, reason="hot", readings=Readings(temperature_c=95)),)
    machines.engine.read[N2] = told
    machines.inventory.refresh(machines.engine.name)
    assert machines.inventory.readings(ann, N2).devices == told
    with pytest.raises(NotFoundError):
        machines.inventory.readings(ann, NodeName("n9"))
    nobody = Caller(user=ann.user, role=ann.role, scopes=frozenset())
    with pytest.raises(NotPermittedError):
        machines.inventory.readings(nobody, N2)
