"""The description of a center: groups of equal nodes, their devices, their power."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

from suanli.model.devices import MAX_DEVICES, DeviceClass, Interconnect
from suanli.model.errors import InvalidRequestError
from suanli.model.partitions import PartitionTemplate
from suanli.model.power import MAX_WATTS as MAX_CAP_W
from suanli.model.quantities import (
    MAX_CPU_MILLI,
    MAX_MEMORY_BYTES,
    WHOLE_DEVICE,
    Instant,
    check_bounds,
    parse_cpu,
    parse_duration,
    parse_memory,
)
from suanli.model.resources import Device, Node
from suanli.model.spec import MAX_TIME_LIMIT_S
from suanli.model.tariff import Tariff

MAX_NODES: Final = 1_000_000
MAX_SHARES: Final = 1_000_000
MAX_WATTS: Final = 1_000_000.0
"""Of one node or device."""
UNKNOWN_MEMORY_BYTES: Final = 2**42 - 1
"""Memory of a node of which only the processors are known: enough never to be what a job waits for, and
no amount that a machine has."""


TemplatesOf: TypeAlias = Callable[[str], tuple[PartitionTemplate, ...]]
"""By what the devices of a model may be parted, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRange:
    """Watts when nothing runs and when all of it is held."""

    idle_w: float = 0.0
    max_w: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGroup:
    """Equal devices of one node; ``power`` is that of one device."""

    model: str
    count: int
    memory_bytes: int = 0
    device_class: DeviceClass = DeviceClass.GPU
    power: PowerRange = PowerRange()
    partitions: tuple[PartitionTemplate, ...] = ()
    """By what each may be parted; the same of all devices of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """``count`` equal nodes; amounts and ``power`` (without its devices) are those of one node."""

    prefix: str
    count: int
    cpu_milli: int
    memory_bytes: int
    disk_bytes: int = 0
    devices: tuple[DeviceGroup, ...] = ()
    power: PowerRange = PowerRange()
    links: Mapping[Interconnect, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Groups of its devices that are so near each other or nearer, by their places among all of the node's from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An advance reservation: ``count`` nodes of each group of that prefix, from the ``first`` on.

    Without a prefix it is nodes of every group, with a count of 0 all that follow. Times are microseconds from the
    trace's origin. For nobody's ``users`` and ``projects`` it is maintenance.
    """

    name: str
    starts_us: int
    ends_us: int
    prefix: str = ""
    first: int = 0
    count: int = 0
    users: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterDescription:
    """Groups of nodes; nodes are numbered through in this order.

    ``reservations`` are set aside in advance, ``shares`` those of projects where they are not 1. ``power_cap_w`` bounds
    what work draws beyond idling, in watts; 0 does not. ``prices`` hold all the time.

    Raises:
        InvalidRequestError: there are no nodes or too many, a reservation lies on none of them, or devices of one model
            may be parted in different ways.
    """

    groups: tuple[NodeGroup, ...]
    reservations: tuple[SetAside, ...] = ()
    shares: Mapping[str, int] = field(default_factory=dict)
    power_cap_w: float = 0.0
    prices: Tariff | None = None

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidRequestError("nodes", "a center has at least one group of nodes")
        check_bounds("nodes", self.nodes, 1, MAX_NODES)
        for model, ways in self._ways_to_part().items():
            if len(ways) > 1:
                raise InvalidRequestError("nodes", f"devices of model {model!r} are parted in different ways")
        for one in self.reservations:
            if not self.rows_of(one):
                raise InvalidRequestError("reservations", f"no node is set aside by {one.name!r}", "name a prefix")

    def rows_of(self, reservation: SetAside) -> list[int]:
        """The numbers of the nodes that a reservation sets aside."""
        found: list[int] = []
        row = 0
        for group in self.groups:
            if reservation.prefix in {"", group.prefix}:
                first = row + reservation.first
                last = first + reservation.count if reservation.count else row + group.count
                found += range(min(first, row + group.count), min(last, row + group.count))
            row += group.count
        return found

    @property
    def partitions(self) -> Mapping[str, tuple[PartitionTemplate, ...]]:
        """By model, by what its devices may be parted."""
        return {model: next(iter(ways)) for model, ways in self._ways_to_part().items()}

    def _ways_to_part(self) -> dict[str, set[tuple[PartitionTemplate, ...]]]:
        found: dict[str, set[tuple[PartitionTemplate, ...]]] = {}
        for device in (device for group in self.groups for device in group.devices):
            found.setdefault(device.model, set()).add(device.partitions)
        return found

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return sum(group.count for group in self.groups)

    @property
    def cpu_milli(self) -> int:
        """Milli-cpus of all nodes."""
        return sum(group.count * group.cpu_milli for group in self.groups)

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory of all nodes."""
        return sum(group.count * group.memory_bytes for group in self.groups)

    @property
    def disk_bytes(self) -> int:
        """Bytes of local disk of all nodes; where none is said to have any, it is not counted."""
        return sum(group.count * group.disk_bytes for group in self.groups)

    @property
    def device_share(self) -> int:
        """Thousandths of all devices."""
        return WHOLE_DEVICE * sum(group.count * device.count for group in self.groups for device in group.devices)

    @property
    def is_linked(self) -> bool:
        """Whether any devices are said to be near each other; where none are, nothing is known of how near they are."""
        return any(group.links for group in self.groups)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the device models, in the order of their first appearance."""
        return tuple(dict.fromkeys(device.model for group in self.groups for device in group.devices))

    def scaled(self, factor: float) -> CenterDescription:
        """The same center with each group's nodes times a positive factor, rounded, at least one.

        Raises:
            InvalidRequestError: the factor is not positive, or there come out too many nodes.
        """
        if not (factor > 0 and math.isfinite(factor)):
            raise InvalidRequestError("scale", f"{factor} is not a positive number")
        return replace(
            self, groups=tuple(replace(group, count=max(1, round(group.count * factor))) for group in self.groups)
        )


def _not_known(_: str) -> tuple[PartitionTemplate, ...]:
    return ()


def from_mapping(document: object, templates_of: TemplatesOf = _not_known) -> CenterDescription:
    """The description that a parsed YAML or JSON document gives; the catalogue says by what a model may be parted.

    For example::

        scale: 2
        nodes:
          - {prefix: gpu, count: 10, cpus: 64, memory: 512GiB, disk: 2TB, power: {idle_w: 300, max_w: 900},
             devices: [{model: A100, count: 8, memory: 80GiB, class: gpu, power: {idle_w: 50, max_w: 400}}],
             links: {link: 4, node: [[0, 1, 2, 3], [4, 5, 6, 7]]}}
          - {prefix: mig, cpus: 64, memory: 512GiB, devices: [{model: H100, count: 8, partitions: true}]}
        reservations:
          - {name: repair, start: 7d, end: 7d12h, nodes: {prefix: gpu, count: 4}}
          - {name: course, start: 9d8h, end: 9d12h, nodes: {prefix: gpu, first: 4, count: 2}, projects: [physics]}
        shares: {physics: 3}
        power_cap_w: 50000
        prices: {currency: CNY, cpu_hour: 0.1, memory_gib_hour: 0.01, device_hour: {A100: 12}, class_hour: {gpu: 6}}

    Links are groups of devices that are so near each other (``model.devices.Interconnect``), or of how many neighbours.

    Raises:
        InvalidRequestError: ``field`` names the first place that is missing, unknown or wrong.
    """
    top = _mapping("center", document, {"nodes", "scale", "reservations", "shares", "power_cap_w", "prices"})
    listed = enumerate(_list("nodes", top.get("nodes")))
    groups = tuple(_group(f"nodes.{place}", item, templates_of) for place, item in listed)
    scaled = CenterDescription(groups=groups).scaled(_number("scale", top.get("scale", 1), MAX_NODES))
    set_aside = _list("reservations", top.get("reservations", []))
    reservations = tuple(_set_aside(f"reservations.{place}", item) for place, item in enumerate(set_aside))
    if len({one.name for one in reservations}) != len(reservations):
        raise InvalidRequestError("reservations", "two of them have one name")
    shares = top.get("shares", {})
    if not isinstance(shares, dict):
        raise InvalidRequestError("shares", "shares must be a mapping from projects to whole numbers")
    of_projects = {str(name): _whole(f"shares.{name}", count, 0, MAX_SHARES) for name, count in shares.items()}
    cap = _number("power_cap_w", top.get("power_cap_w", 0), float(MAX_CAP_W))
    prices = _prices(top["prices"]) if "prices" in top else None
    return replace(scaled, reservations=reservations, shares=of_projects, power_cap_w=cap, prices=prices)


def from_nodes(nodes: Sequence[Node]) -> CenterDescription:
    """The description of nodes on record, equal ones in one group; what they draw is not on record.

    Raises:
        InvalidRequestError: there are no nodes.
    """
    kinds = Counter(
        (
            node.cpu_milli,
            node.memory_bytes,
            node.disk_bytes,
            tuple(sorted(Counter(_kind(one) for one in node.devices).items(), key=lambda kind: kind[0][:3])),
            _linked(node),
        )
        for node in nodes
    )
    groups = (
        NodeGroup(
            prefix=f"node{place}-",
            count=count,
            cpu_milli=cpu_milli,
            memory_bytes=memory_bytes,
            disk_bytes=disk_bytes,
            devices=tuple(
                DeviceGroup(
                    model=model, count=several, memory_bytes=memory, device_class=device_class, partitions=partitions
                )
                for (model, memory, device_class, partitions), several in devices
            ),
            links=dict(links),
        )
        for place, ((cpu_milli, memory_bytes, disk_bytes, devices, links), count) in enumerate(kinds.items())
    )
    return CenterDescription(groups=tuple(groups))


def _kind(device: Device) -> tuple[str, int, DeviceClass, tuple[PartitionTemplate, ...]]:
    # Parts that are made already are places of one machine's own; a replay gives its devices whole.
    partitions = () if device.is_parted else device.partitions
    return device.model, device.memory_bytes, device.device_class, partitions


def _linked(node: Node) -> tuple[tuple[Interconnect, tuple[tuple[int, ...], ...]], ...]:
    """A node's links by the places of its devices among groups of equal ones."""
    ordered = sorted(node.devices, key=lambda device: (*_kind(device)[:3], device.index))
    places = {device.index: place for place, device in enumerate(ordered)}
    return tuple(
        (word, tuple(tuple(places[one] for one in group if one in places) for group in node.links[word]))
        for word in Interconnect
        if word in node.links
    )


def _group(where: str, item: object, templates_of: TemplatesOf) -> NodeGroup:
    given = _mapping(where, item, {"prefix", "count", "cpus", "memory", "disk", "devices", "links", "power"})
    devices = _list(f"{where}.devices", given.get("devices", []))
    groups = tuple(_device(f"{where}.devices.{place}", device, templates_of) for place, device in enumerate(devices))
    return NodeGroup(
        prefix=_text(f"{where}.prefix", given.get("prefix", "node")),
        count=_whole(f"{where}.count", given.get("count", 1), 1, MAX_NODES),
        cpu_milli=_cpu(f"{where}.cpus", given.get("cpus")),
        memory_bytes=_memory(f"{where}.memory", given.get("memory")),
        disk_bytes=_memory(f"{where}.disk", given.get("disk", 0)),
        devices=groups,
        links=_links(f"{where}.links", given.get("links", {}), sum(one.count for one in groups)),
        power=_power(f"{where}.power", given.get("power", {})),
    )


def _set_aside(where: str, item: object) -> SetAside:
    given = _mapping(where, item, {"name", "start", "end", "nodes", "users", "projects"})
    nodes = _mapping(f"{where}.nodes", given.get("nodes", {}), {"prefix", "first", "count"})
    starts, ends = (_since_origin(f"{where}.{name}", given.get(name)) for name in ("start", "end"))
    if starts >= ends:
        raise InvalidRequestError(f"{where}.end", "a reservation ends after it starts")
    return SetAside(
        name=_text(f"{where}.name", given.get("name")),
        starts_us=starts,
        ends_us=ends,
        prefix=_text(f"{where}.nodes.prefix", nodes["prefix"]) if "prefix" in nodes else "",
        first=_whole(f"{where}.nodes.first", nodes.get("first", 0), 0, MAX_NODES),
        count=_whole(f"{where}.nodes.count", nodes.get("count", 0), 0, MAX_NODES),
        users=_names(f"{where}.users", given.get("users", [])),
        projects=_names(f"{where}.projects", given.get("projects", [])),
    )


def _since_origin(where: str, item: object) -> int:
    """Microseconds; YAML reads a bare number, and ``1:30:00``, as a whole number of seconds."""
    try:
        since_s = parse_duration(str(item))
    except InvalidRequestError as error:
        raise InvalidRequestError(where, error.detail, error.hint) from error
    check_bounds(where, since_s, 0, MAX_TIME_LIMIT_S)
    return since_s * 1_000_000


def _names(where: str, item: object) -> frozenset[str]:
    return frozenset(_text(f"{where}.{place}", str(name)) for place, name in enumerate(_list(where, item)))


def _device(where: str, item: object, templates_of: TemplatesOf) -> DeviceGroup:
    given = _mapping(where, item, {"model", "count", "memory", "class", "power", "partitions"})
    kind = given.get("class", DeviceClass.GPU.value)
    if kind not in [member.value for member in DeviceClass if member is not DeviceClass.ANY]:
        raise InvalidRequestError(f"{where}.class", f"{kind!r} is not a class of devices", "gpu, npu or fpga")
    model = _text(f"{where}.model", given.get("model"))
    return DeviceGroup(
        model=model,
        count=_whole(f"{where}.count", given.get("count", 1), 1, MAX_DEVICES),
        memory_bytes=_memory(f"{where}.memory", given.get("memory", 0)),
        device_class=DeviceClass(kind),
        power=_power(f"{where}.power", given.get("power", {})),
        partitions=_partitions(f"{where}.partitions", given.get("partitions", False), templates_of(model)),
    )


def _partitions(where: str, item: object, known: tuple[PartitionTemplate, ...]) -> tuple[PartitionTemplate, ...]:
    """All templates that are known, for ``true``, or some of them by name."""
    if item is False:
        return ()
    if not known:
        raise InvalidRequestError(
            where, "the catalogue knows no templates of this model", "name it as the catalogue does"
        )
    if item is True:
        return known
    by_name = {one.name: one for one in known}
    names = [_text(f"{where}.{place}", name) for place, name in enumerate(_list(where, item))]
    for place, name in enumerate(names):
        if name not in by_name:
            raise InvalidRequestError(
                f"{where}.{place}", f"{name!r} is no template of it", f"one of {', '.join(by_name)}"
            )
    return tuple(one for one in known if one.name in names)


def _links(where: str, item: object, devices: int) -> Mapping[Interconnect, tuple[tuple[int, ...], ...]]:
    given = _mapping(where, item, {word.value for word in Interconnect})
    found = {}
    for word in (one for one in Interconnect if one.value in given):
        place, told = f"{where}.{word.value}", given[word.value]
        if isinstance(told, list):
            found[word] = tuple(
                tuple(_whole(place, device, 0, devices - 1) for device in _list(place, group)) for group in told
            )
        else:
            size = _whole(place, told, 1, MAX_DEVICES)
            firsts = range(0, devices, size)
            found[word] = tuple(tuple(range(first, min(first + size, devices))) for first in firsts)
    return found


def _power(where: str, item: object) -> PowerRange:
    given = _mapping(where, item, {"idle_w", "max_w"})
    idle = _number(f"{where}.idle_w", given.get("idle_w", 0), MAX_WATTS)
    most = _number(f"{where}.max_w", given.get("max_w", idle), MAX_WATTS)
    if most < idle:
        raise InvalidRequestError(f"{where}.max_w", f"{most} W is less than the {idle} W of idling")
    return PowerRange(idle_w=idle, max_w=most)


def _prices(item: object) -> Tariff:
    of_amounts = {"cpu_hour", "memory_gib_hour", "disk_gb_hour"}
    given = _mapping("prices", item, {"currency", "device_hour", "class_hour", *of_amounts})
    of_models = _mapping("prices.device_hour", given.get("device_hour", {}))
    of_classes = _mapping("prices.class_hour", given.get("class_hour", {}), {member.value for member in DeviceClass})
    tariff = Tariff(
        version=1,
        currency=_text("prices.currency", given.get("currency", "credits")),
        valid_from=Instant(0),
        **{name: _price(f"prices.{name}", given.get(name, 0)) for name in sorted(of_amounts)},
        device_hour={str(name): _price(f"prices.device_hour.{name}", price) for name, price in of_models.items()},
        class_hour={
            DeviceClass(name): _price(f"prices.class_hour.{name}", price) for name, price in of_classes.items()
        },
    )
    try:
        tariff.check()
    except InvalidRequestError as error:
        raise InvalidRequestError(f"prices.{error.field}", error.detail, error.hint) from error
    return tariff


def _price(where: str, item: object) -> Decimal:
    """What was written, to the digit: in text, or as YAML reads a number."""
    try:
        return Decimal(str(item))
    except InvalidOperation:
        raise InvalidRequestError(where, f"{item!r} is no price", "write a number like 0.25") from None


def _mapping(where: str, item: object, known: set[str] | None = None) -> Mapping[str, Any]:
    """With ``known`` no other keys."""
    if not isinstance(item, Mapping):
        raise InvalidRequestError(where, f"{where} must be a mapping")
    for key in item:
        if known is not None and key not in known:
            raise InvalidRequestError(
                f"{where}.{key}", f"{key!r} is not known here", f"one of {', '.join(sorted(known))}"
            )
    return item


def _list(where: str, item: object) -> Sequence[object]:
    if not isinstance(item, list):
        raise InvalidRequestError(where, f"{where} must be a list")
    return item


def _text(where: str, item: object) -> str:
    if not isinstance(item, str) or not item:
        raise InvalidRequestError(where, f"{where} must be a name")
    return item


def _whole(where: str, item: object, least: int, most: int) -> int:
    if isinstance(item, bool) or not isinstance(item, int):
        raise InvalidRequestError(where, f"{item!r} is not a whole number")
    check_bounds(where, item, least, most)
    return item


def _number(where: str, item: object, most: float) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float) or not 0 <= item <= most:
        raise InvalidRequestError(where, f"{item!r} is not a number in 0..{most:g}")
    return float(item)


def _cpu(where: str, item: object) -> int:
    try:
        amount = parse_cpu(str(item))
    except InvalidRequestError as error:
        raise InvalidRequestError(where, error.detail, error.hint) from error
    check_bounds(where, amount, 1, MAX_CPU_MILLI)
    return amount


def _memory(where: str, item: object) -> int:
    try:
        amount = parse_memory(str(item))
    except InvalidRequestError as error:
        raise InvalidRequestError(where, error.detail, error.hint) from error
    check_bounds(where, amount, 0, MAX_MEMORY_BYTES)
    return amount
