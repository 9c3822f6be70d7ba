"""Nodes, engines and queues: what the center has to run work on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suanli.kernel.authority import require, require_admin, require_operator
from suanli.model.errors import ConflictError, InvalidRequestError, UnsupportedError
from suanli.model.facts import SYSTEM, NodeRegistered, NodeStateChanged, QueueDefined
from suanli.model.ids import EngineName, NodeName, QueueName
from suanli.model.quantities import check_bounds
from suanli.model.resources import Node, NodeHold, NodeState, Queue
from suanli.model.spec import MAX_PRIORITY, MAX_TIME_LIMIT_S
from suanli.model.tenancy import Caller, Scope
from suanli.model.workload import Run
from suanli.ports import engine as abilities
from suanli.ports.engine import Engine, EngineDescription, NodeReadings
from suanli.ports.store import Reading, Store, Transaction

DEFAULT_QUEUE = QueueName("default")

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")

_ABILITIES = (
    abilities.Watches,
    abilities.Signals,
    abilities.ChangesTimeLimit,
    abilities.Logs,
    abilities.KeepsOutputs,
    abilities.ReadsDevices,
    abilities.Forgets,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """An engine, what it last said of itself, and the names of the optional abilities its class has."""

    name: EngineName
    description: EngineDescription
    abilities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node and what runs hold of it now."""

    node: Node
    holds: tuple[tuple[Run, NodeHold], ...]


class Inventory:
    """Keeps the center's nodes as the engines describe them and as its operators want them."""

    def __init__(self, store: Store, engines: Mapping[EngineName, Engine]) -> None:
        self._store = store
        self._engines = engines
        self._descriptions: dict[EngineName, EngineDescription] = {}

    def nodes(self, caller: Caller) -> Sequence[NodeView]:
        """All nodes with what is held of each."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return _views(tables, tables.nodes())

    def node(self, caller: Caller, name: NodeName) -> NodeView:
        """One node with what is held of it."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return _views(tables, [tables.node(name)])[0]

    def readings(self, caller: Caller, name: NodeName) -> NodeReadings:
        """How the devices of one node are now, asked of its engine.

        Raises:
            NotFoundError: there is no such node.
            UnsupportedError: its engine cannot tell.
            EngineUnavailableError: it does not answer; try again.
        """
        require(caller, Scope.READ)
        with self._store.read() as tables:
            engine = self._engines[tables.node(name).engine]
        if not isinstance(engine, abilities.ReadsDevices):
            raise UnsupportedError("readings", f"the engine of node {name} does not tell how devices are now")
        return engine.readings(name)

    def drain(self, tx: Transaction, caller: Caller, name: NodeName, reason: str) -> Node:
        """Let a node finish what it has and take nothing new; for operators."""
        require_operator(caller, Scope.WRITE)
        return self._set_state(tx, caller, name, NodeState.DRAINING, reason)

    def resume(self, tx: Transaction, caller: Caller, name: NodeName) -> Node:
        """Let a drained node take work again; for operators.

        Raises:
            ConflictError: the node is down; only its engine can bring it back.
        """
        require_operator(caller, Scope.WRITE)
        if tx.node(name).state is NodeState.DOWN:
            raise ConflictError(f"node {name} is down: {tx.node(name).reason}", "it is back when its engine has it")
        return self._set_state(tx, caller, name, NodeState.READY, "")

    def _set_state(self, tx: Transaction, caller: Caller, name: NodeName, state: NodeState, reason: str) -> Node:
        node = tx.node(name)
        if (node.state, node.reason) != (state, reason):
            tx.append(NodeStateChanged(node=name, state=state, reason=reason), actor=caller.user)
        return tx.node(name)

    def engines(self, caller: Caller) -> Sequence[EngineView]:
        """All engines that have described themselves since the start."""
        require(caller, Scope.READ)
        return [
            EngineView(
                name=name,
                description=description,
                abilities=tuple(a.__name__ for a in _ABILITIES if isinstance(self._engines[name], a)),
            )
            for name, description in sorted(self._descriptions.items())
        ]

    def queues(self, caller: Caller) -> Sequence[Queue]:
        """All queues."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            return tables.queues()

    def define_queue(self, tx: Transaction, caller: Caller, queue: Queue) -> Queue:
        """Make or change a queue; for administrators.

        Raises:
            InvalidRequestError: the name or a limit is not one a queue can have.
        """
        require_admin(caller)
        if _NAME.fullmatch(queue.name) is None:
            raise InvalidRequestError(
                "name", f"{queue.name!r} cannot name a queue", "lower case letters, digits, _ . -"
            )
        check_bounds("priority", queue.priority, -MAX_PRIORITY, MAX_PRIORITY)
        check_bounds("default_time_limit", queue.default_time_limit_s, 0, MAX_TIME_LIMIT_S)
        check_bounds("max_time_limit", queue.max_time_limit_s, 0, MAX_TIME_LIMIT_S)
        if queue.max_time_limit_s and not 0 < queue.default_time_limit_s <= queue.max_time_limit_s:
            raise InvalidRequestError("default_time_limit", "the default must lie within the maximum")
        tx.append(QueueDefined(queue=queue), actor=caller.user)
        return tx.queue(queue.name)

    def bootstrap(self) -> None:
        """Make sure that the default queue exists, and that no node is of an engine that is not here.

        Raises:
            ConflictError: one is; what runs there could not be seen, and what was placed there would never begin.
        """

        def work(tx: Transaction) -> None:
            strange = sorted({node.engine for node in tx.nodes()} - set(self._engines))
            if strange:
                raise ConflictError(
                    f"this center has nodes of engine {strange[0]}, which is not served here",
                    "serve it as before, or another home",
                )
            if not tx.queues():
                tx.append(QueueDefined(queue=Queue(name=DEFAULT_QUEUE)), actor=SYSTEM)

        self._store.transact(work)

    def refresh(self, name: EngineName) -> None:
        """Ask one engine what it has and record what is new or different; nodes it no longer has are DOWN.

        A drained node stays drained whatever befalls it, until an operator resumes it: a repair may take it down.

        Raises:
            EngineUnavailableError: it does not answer; nothing was recorded.
        """
        description = self._engines[name].describe()
        with self._store.read() as tables:
            changed = _differences(tables, name, description)
        if changed:
            self._store.transact(lambda tx: _record(tx, name, description))
        self._descriptions[name] = description


def _record(tx: Transaction, engine: EngineName, description: EngineDescription) -> None:
    for fact in _differences(tx, engine, description):
        tx.append(fact, actor=SYSTEM)


def _differences(
    tables: Reading, engine: EngineName, description: EngineDescription
) -> list[NodeRegistered | NodeStateChanged]:
    known = {node.name: node for node in tables.nodes() if node.engine == engine}
    changes: list[NodeRegistered | NodeStateChanged] = []
    for node in description.nodes:
        stored = known.pop(node.name, None)
        if stored is None:
            changes.append(NodeRegistered(node=node))
            continue
        drained = stored.state is NodeState.DRAINING
        state, reason = (stored.state, stored.reason) if drained else (node.state, node.reason)
        wanted = replace(node, state=state, reason=reason, generation=stored.generation)
        if wanted != stored:
            changes.append(NodeRegistered(node=wanted))
    changes += [
        NodeStateChanged(node=gone.name, state=NodeState.DOWN, reason=f"engine {engine} no longer has it")
        for gone in known.values()
        if gone.state is NodeState.READY
    ]
    return changes


def _views(tables: Reading, nodes: Sequence[Node]) -> list[NodeView]:
    holds: dict[NodeName, list[tuple[Run, NodeHold]]] = {}
    for run in tables.active_runs():
        for hold in run.allocation.nodes:
            holds.setdefault(hold.node, []).append((run, hold))
    return [NodeView(node=node, holds=tuple(holds.get(node.name, ()))) for node in nodes]
