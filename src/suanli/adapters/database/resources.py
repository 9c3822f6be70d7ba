"""Nodes and queues."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, select

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Row, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.devices import Interconnect
from suanli.model.ids import NodeName, QueueName
from suanli.model.resources import Device, Node, NodeState, Queue

nodes = Table(
    "nodes",
    metadata,
    text("name", key=True),
    text("engine"),
    whole("cpu_milli"),
    whole("memory_bytes"),
    text("devices"),
    text("state"),
    text("reason"),
    text("features"),
    whole("generation"),
    text("switch"),
    whole("cpu_power_mw"),
    whole("disk_bytes"),
    text("links"),
    sqlite_strict=True,
)

queues = Table(
    "queues",
    metadata,
    text("name", key=True),
    whole("priority"),
    whole("default_time_limit_s"),
    whole("max_time_limit_s"),
    whole("generation"),
    sqlite_strict=True,
)

_read_devices = decoder(tuple[Device, ...])
_read_features = decoder(frozenset[str])
_read_links = decoder(dict[Interconnect, tuple[tuple[int, ...], ...]])


def _node_row(node: Node) -> Row:
    return (
        node.name,
        node.engine,
        node.cpu_milli,
        node.memory_bytes,
        encode(node.devices).decode(),
        node.state.value,
        node.reason,
        encode(node.features).decode(),
        node.generation,
        node.switch,
        node.cpu_power_mw,
        node.disk_bytes,
        encode(node.links).decode(),
    )


def _node_record(row: Row) -> Node:
    return Node(
        name=row[0],
        engine=row[1],
        cpu_milli=row[2],
        memory_bytes=row[3],
        devices=_read_devices(row[4]),
        state=NodeState(row[5]),
        reason=row[6],
        features=_read_features(row[7]),
        generation=row[8],
        switch=row[9],
        cpu_power_mw=row[10],
        disk_bytes=row[11],
        links=_read_links(row[12]),
    )


def _queue_row(queue: Queue) -> Row:
    return (queue.name, queue.priority, queue.default_time_limit_s, queue.max_time_limit_s, queue.generation)


def _queue_record(row: Row) -> Queue:
    return Queue(name=row[0], priority=row[1], default_time_limit_s=row[2], max_time_limit_s=row[3], generation=row[4])


NODES = Aggregate(
    kind=Node, noun="node", table=nodes, key=lambda node: (node.name,), row=_node_row, record=_node_record
)
QUEUES = Aggregate(
    kind=Queue, noun="queue", table=queues, key=lambda queue: (queue.name,), row=_queue_row, record=_queue_record
)


class ResourceQueries(View):
    """Questions about nodes and queues: few enough to sort them here, whatever the database's collation."""

    def node(self, node: NodeName) -> Node:
        return self._find(NODES, (node,))

    def nodes(self) -> Sequence[Node]:
        return sorted(self._records(NODES, select(nodes)), key=lambda node: node.name)

    def queue(self, queue: QueueName) -> Queue:
        return self._find(QUEUES, (queue,))

    def queues(self) -> Sequence[Queue]:
        return sorted(self._records(QUEUES, select(queues)), key=lambda queue: queue.name)
