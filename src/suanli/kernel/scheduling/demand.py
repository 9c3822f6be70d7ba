"""What a workload demands, as the key of its class: workloads of equal demand are decided together."""

from __future__ import annotations

from typing import NamedTuple

from suanli.model.devices import DeviceClass, Interconnect, Precision
from suanli.model.ids import LicenseName, UserName
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.quota import Amounts
from suanli.model.rates import JobClass, class_of
from suanli.model.spec import Objective, WorkloadSpec

NOBODY = UserName("")
"""The owner of whom nothing is asked."""


class Pursuit(NamedTuple):
    """What devices are ranked by for work to be done, whatever its amount: that is not of the class."""

    objective: Objective | None
    mix: tuple[tuple[Precision, int], ...]
    """The part of each precision, in thousandths of the work; by name."""
    job_class: JobClass


class Demand(NamedTuple):
    """A class of equal requests. ``device_class`` is None, and the fields after it 0 or empty, where none is asked for.

    ``device_memory_bytes`` is what a whole device must have. A shared device's memory is shared like the device, so
    a request for ``share`` thousandths with ``m`` bytes needs a device of at least ``ceil(m * 1000 / share)`` bytes.

    ``kept_off`` has a bit for each advance reservation that the work would run into if it started now, ``within`` that
    of the one which it names (``core.tables.CLOSED`` with it where that is not open to it now).

    Moldable work has ``min_tasks`` below ``tasks``: whether it can start goes by the least that will do.
    """

    tasks: int
    nodes: int
    exclusive: bool
    cpu_milli: int
    memory_bytes: int
    device_class: DeviceClass | None = None
    device_count: int = 0
    device_share: int = 0
    device_model: str = ""
    device_memory_bytes: int = 0
    device_precision: Precision | None = None
    licenses: tuple[tuple[LicenseName, int], ...] = ()
    """How many of each, of the center's; by name."""
    kept_off: int = 0
    within: int = 0
    features: tuple[str, ...] = ()
    """What each node must have; by name."""
    max_tasks_per_node: int = 0
    """0 where nothing but room bounds it."""
    min_tasks: int = 0
    """0 where all tasks must be there."""
    device_rate: int = 0
    """What a whole device must do at the precision, in 10^9 operations a second; of a share as of its memory."""
    pursuit: Pursuit | None = None
    """None where it is not said how much work is to be done."""
    disk_bytes: int = 0
    device_interconnect: Interconnect | None = None
    """How near each other the devices of one task must be; None where it asks for one device, or does not say."""
    device_partition: str = ""
    """The template of which each device is a part: then ``device_share`` is what it counts for, and the memory that of
    the part."""
    device_bitstream: str = ""
    """By what each device must be configured; then neither a rate nor a pursuit is asked for."""

    @property
    def asked(self) -> Amounts:
        """The least that one workload asks for on all its tasks together."""
        tasks = self.min_tasks or self.tasks
        devices = tasks * self.device_count * self.device_share
        return Amounts(1, tasks * self.cpu_milli, tasks * self.memory_bytes, devices)

    @property
    def need(self) -> int:
        """How many tasks must find room, or nodes with their part where nodes are asked for."""
        return (self.min_tasks or self.tasks) // (self.tasks_a_node if self.nodes else 1)

    @property
    def more(self) -> int:
        """How many of these it has beyond the need where there is room for all."""
        return (self.nodes or self.tasks) - self.need

    def held_with(self, tasks: int) -> Demand:
        """The demand of a run that has so many tasks."""
        return self if tasks == self.tasks and not self.min_tasks else self._replace(tasks=tasks, min_tasks=0)

    @property
    def anytime(self) -> Demand:
        """The demand whatever is reserved."""
        return self._replace(kept_off=0, within=0) if self.kept_off or self.within else self

    @property
    def of_one_node(self) -> Demand:
        """What one node must have room for to be of any use: the demand without how many of that are wanted."""
        return self._replace(tasks=self.tasks_a_node, nodes=int(self.nodes > 0), licenses=(), min_tasks=0)

    @property
    def tasks_a_node(self) -> int:
        """Tasks a node must have room for to be of any use."""
        return self.tasks // self.nodes if self.nodes else 1


class Forms(NamedTuple):
    """What several forms of the same work demand, in order, as the key of the class of all together."""

    demands: tuple[Demand, ...]


def demand_of(spec: WorkloadSpec, owner: UserName = NOBODY) -> Demand:
    """The class a spec belongs to; who owns it matters only to work with an amount."""
    resources, request = spec.resources, spec.resources.devices
    amounts = (spec.tasks, spec.nodes, spec.exclusive, resources.cpu_milli, resources.memory_bytes)
    licenses, features = tuple(sorted(spec.licenses.items())), tuple(sorted(spec.features))
    # Asked for whole nodes, each gets the share that it can have; a bound that all tasks keep to bounds nothing.
    most = spec.max_tasks_per_node if not spec.nodes and spec.max_tasks_per_node < spec.tasks else 0
    least = spec.min_tasks if spec.min_tasks < spec.tasks else 0
    asked = Demand(
        *amounts,
        licenses=licenses,
        features=features,
        max_tasks_per_node=most,
        min_tasks=least,
        disk_bytes=resources.disk_bytes,
        pursuit=_pursuit(spec, owner) if spec.work else None,
    )
    if request is None:
        return asked
    return asked._replace(
        device_class=request.device_class,
        device_count=request.count,
        device_share=request.thousandths,
        device_partition=request.partition,
        device_bitstream=request.bitstream,
        device_model=request.model,
        device_memory_bytes=-(-request.min_memory_bytes * WHOLE_DEVICE // request.share),
        device_precision=request.precision,
        device_rate=-(-request.at_least * WHOLE_DEVICE // request.share),
        device_interconnect=request.interconnect if request.count > 1 else None,
    )


def _pursuit(spec: WorkloadSpec, owner: UserName) -> Pursuit:
    work, total = spec.work, sum(spec.work.values())
    mix = tuple((precision, max(1, 1000 * work[precision] // total)) for precision in sorted(work))
    return Pursuit(spec.objective, mix, class_of(spec, owner))


NO_DEADLINE = 2**62
"""The latest start of work without a deadline."""


def latest_start(spec: WorkloadSpec, time_limit_s: int) -> int:
    """The last instant from which work that takes all of its limit is done by its deadline, in microseconds."""
    return spec.deadline - time_limit_s * 1_000_000 if spec.deadline else NO_DEADLINE
