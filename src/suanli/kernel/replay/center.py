"""The description of a center: groups of equal nodes, their devices, their power."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_DEVICE, parse_cpu, parse_memory
from suanli.model.resources import Node
from suanli.model.spec import MAX_CPU_MILLI, MAX_DEVICES, MAX_MEMORY_BYTES, DeviceClass, check_bounds

MAX_NODES: Final = 1_000_000
MAX_WATTS: Final = 1_000_000.0
UNKNOWN_MEMORY_BYTES: Final = 2**42 - 1
"""Memory of a node of which only the processors are known: enough never to be what a job waits for, and
no amount that a machine has."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGroup:
    """``count`` equal nodes; amounts and ``power`` (without its devices) are those of one node."""

    prefix: str
    count: int
    cpu_milli: int
    memory_bytes: int
    devices: tuple[DeviceGroup, ...] = ()
    power: PowerRange = PowerRange()


@dataclass(frozen=True, slots=True, kw_only=True)
class CenterDescription:
    """Groups of nodes; nodes are numbered through in this order."""

    groups: tuple[NodeGroup, ...]

    def __post_init__(self) -> None:
        if not self.groups:
            raise InvalidRequestError("nodes", "a center has at least one group of nodes")
        check_bounds("nodes", self.nodes, 1, MAX_NODES)

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
    def device_share(self) -> int:
        """Thousandths of all devices."""
        return WHOLE_DEVICE * sum(group.count * device.count for group in self.groups for device in group.devices)

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


def from_mapping(document: object) -> CenterDescription:
    """The description that a parsed YAML or JSON document gives.

    For example::

        scale: 2
        nodes:
          - {prefix: gpu, count: 10, cpus: 64, memory: 512GiB, power: {idle_w: 300, max_w: 900},
             devices: [{model: A100, count: 8, memory: 80GiB, class: gpu, power: {idle_w: 50, max_w: 400}}]}

    Raises:
        InvalidRequestError: ``field`` names the first place that is missing, unknown or wrong.
    """
    top = _mapping("center", document, {"nodes", "scale"})
    groups = tuple(_group(f"nodes.{place}", item) for place, item in enumerate(_list("nodes", top.get("nodes"))))
    return CenterDescription(groups=groups).scaled(_number("scale", top.get("scale", 1), MAX_NODES))


def from_nodes(nodes: Sequence[Node]) -> CenterDescription:
    """The description of nodes on record, equal ones in one group; what they draw is not on record.

    Raises:
        InvalidRequestError: there are no nodes.
    """
    kinds = Counter(
        (
            node.cpu_milli,
            node.memory_bytes,
            tuple(sorted(Counter((one.model, one.memory_bytes, one.device_class) for one in node.devices).items())),
        )
        for node in nodes
    )
    groups = (
        NodeGroup(
            prefix=f"node{place}-",
            count=count,
            cpu_milli=cpu_milli,
            memory_bytes=memory_bytes,
            devices=tuple(
                DeviceGroup(model=model, count=several, memory_bytes=memory, device_class=device_class)
                for (model, memory, device_class), several in devices
            ),
        )
        for place, ((cpu_milli, memory_bytes, devices), count) in enumerate(kinds.items())
    )
    return CenterDescription(groups=tuple(groups))


def _group(where: str, item: object) -> NodeGroup:
    given = _mapping(where, item, {"prefix", "count", "cpus", "memory", "devices", "power"})
    devices = _list(f"{where}.devices", given.get("devices", []))
    return NodeGroup(
        prefix=_text(f"{where}.prefix", given.get("prefix", "node")),
        count=_whole(f"{where}.count", given.get("count", 1), 1, MAX_NODES),
        cpu_milli=_cpu(f"{where}.cpus", given.get("cpus")),
        memory_bytes=_memory(f"{where}.memory", given.get("memory")),
        devices=tuple(_device(f"{where}.devices.{place}", device) for place, device in enumerate(devices)),
        power=_power(f"{where}.power", given.get("power", {})),
    )


def _device(where: str, item: object) -> DeviceGroup:
    given = _mapping(where, item, {"model", "count", "memory", "class", "power"})
    kind = given.get("class", DeviceClass.GPU.value)
    if kind not in {member.value for member in DeviceClass if member is not DeviceClass.ANY}:
        raise InvalidRequestError(f"{where}.class", f"{kind!r} is not a class of devices", "gpu, npu or fpga")
    return DeviceGroup(
        model=_text(f"{where}.model", given.get("model")),
        count=_whole(f"{where}.count", given.get("count", 1), 1, MAX_DEVICES),
        memory_bytes=_memory(f"{where}.memory", given.get("memory", 0)),
        device_class=DeviceClass(kind),
        power=_power(f"{where}.power", given.get("power", {})),
    )


def _power(where: str, item: object) -> PowerRange:
    given = _mapping(where, item, {"idle_w", "max_w"})
    idle = _number(f"{where}.idle_w", given.get("idle_w", 0), MAX_WATTS)
    most = _number(f"{where}.max_w", given.get("max_w", idle), MAX_WATTS)
    if most < idle:
        raise InvalidRequestError(f"{where}.max_w", f"{most} W is less than the {idle} W of idling")
    return PowerRange(idle_w=idle, max_w=most)


def _mapping(where: str, item: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise InvalidRequestError(where, f"{where} must be a mapping")
    for key in item:
        if key not in known:
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
