"""A replay: a trace lived through on a center under a policy, to an outcome. The same input gives the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from suanli.kernel.replay.advance import advance
from suanli.kernel.replay.center import CenterDescription, NodeGroup, PowerRange
from suanli.kernel.replay.course import (
    ALLOCATED_CPU,
    ALLOCATED_DEVICES,
    DRAWN,
    ENDING,
    EVENTS,
    RUNNING,
    SUBMITTED,
    TIME,
    WAITING,
    WAITING_CPU,
    Course,
    begin,
)
from suanli.kernel.replay.fragmentation import Fragmentation
from suanli.kernel.replay.outcome import Outcome, Progress
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.queue import FAIR_SHARE
from suanli.kernel.replay.reserving import Reserving
from suanli.kernel.replay.sharing import Sharing
from suanli.kernel.replay.speeds import factors_of, longest_us, pursue
from suanli.kernel.replay.trace import Int64s, Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.rules import EASY
from suanli.kernel.scheduling.linking import groups_at, order_of
from suanli.kernel.scheduling.power import drawn_by_task
from suanli.kernel.scheduling.scoring import learn, request_of, scoring, weigh
from suanli.kernel.scheduling.shapes import code_of, write_templates
from suanli.model.device_names import are_meant
from suanli.model.errors import InvalidRequestError
from suanli.model.partitions import PartitionTemplate
from suanli.model.power import MILLIWATTS
from suanli.model.quantities import WHOLE_CPU

_EVENTS_A_WORD = 20_000
"""Events between two words about the progress: a fraction of a second."""
_LOOKS = 100
"""How often it is looked at how fragmented devices are; a look costs as much as thousands of events."""


def replay(
    trace: Trace, center: CenterDescription, policy: Policy, seed: int = 0, progress: Progress | None = None
) -> Outcome:
    """Live through a trace; ``progress`` hears how many jobs have come, and how many there are.

    Work that the center could never hold waits for ever, and everything behind it as the policy has it. ``seed`` is for
    policies that draw lots; none of those here does.

    Raises:
        NotFoundError: the policy names what does not exist.
        InvalidRequestError: the center has more device types, or a node more devices, than the tables can tell apart,
            or a model that was asked for has no name.
    """
    del seed
    life = Life(trace, center, policy)
    looks = Fragmentation(life.tables) if center.device_share and trace.device_count.any() else None
    events = _EVENTS_A_WORD if looks is None else min(_EVENTS_A_WORD, 1 + 2 * len(trace) // _LOOKS)
    course, told = life.course, 0
    while life.go_on(told + events - int(course.at[EVENTS])):
        if course.at[EVENTS] < told + events:
            continue
        told = int(course.at[EVENTS])
        if looks is not None:
            looks.note(life.tables, int(course.history[TIME, told - 1]))
        if progress is not None:
            progress(int(course.at[SUBMITTED]), len(trace))
    if progress is not None:
        progress(len(trace), len(trace))
    found = _outcome(course, draws=bool(life.tables.draws.any()))
    if looks is None:
        return found
    looks.note(life.tables, int(found.time_us[-1]))
    return replace(found, looked_at_us=looks.at_us, fragmented_share=looks.shares)


class Life:
    """A replay between two stretches of events in which the compiled loop is left to itself."""

    def __init__(self, trace: Trace, center: CenterDescription, policy: Policy) -> None:
        self._rules, self._ways = policy.rules(len(trace)), policy.ways()
        factors, objective = factors_of(trace, center), policy.pursued()
        self.tables = build(trace, center, self._rules.reservations, by_application=objective is not None)
        self.tables.jobs[:, t.LIMIT] = longest_us(trace, factors)
        if objective is not None:
            pursue(self.tables, trace, center, factors, objective)
        scored = scoring(policy.score)
        weigh(self.tables, scored)
        if scored.foresees:
            learn(self.tables, _requests(self.tables))
        self.course = begin(trace, center.cpu_milli, 2 * len(center.reservations), factors)
        self._now = t.NOBODY
        self._sharing = self._reserving = None
        if self._ways.order == FAIR_SHARE:
            self._sharing = Sharing(trace, center, policy.shares, self.course)
            # What came first goes first among equals, however the queue was put in order.
            self.tables.keys[1] = np.arange(len(trace))
        if center.reservations:
            self._ways = self._ways._replace(reserving=True)
            self._reserving = Reserving(self.tables, trace, center)
            self.tables = self._reserving.begin(self.tables, self.course)

    def go_on(self, events: int) -> bool:
        """Live through the next turns, with at most so many events; False when nothing is left to come."""
        event, turn = self._next_event(), self._next_turn()
        self._now = now = min(event, turn)
        if now == t.NEVER:
            return False
        until = self._tend(now)
        if event > now:
            advance(self.tables, self.course, self._rules, self._ways, now, 0, until)
        else:
            advance(self.tables, self.course, self._rules, self._ways, t.NEVER, events, until)
        return True

    def _next_event(self) -> int:
        course = self.course
        coming = course.submitted_us[course.at[SUBMITTED] :][:1].tolist()
        ending = course.ended_us[course.ends[:1]].tolist() if course.at[ENDING] else []
        return min([*coming, *ending], default=t.NEVER)

    def _next_turn(self) -> int:
        """When an advance reservation begins or ends next; where nothing is left that this could concern, NEVER."""
        if self._reserving is None:
            return t.NEVER
        is_over = self.course.at[SUBMITTED] == self.course.submitted_us.size and not self.course.at[ENDING]
        return t.NEVER if is_over and not self.tables.sizes[t.WAITING_SIZE] else self._reserving.next_turn(self._now)

    def _tend(self, now: int) -> int:
        """Let it be now for what changes with time; the last instant for which that holds."""
        until = t.NEVER
        if self._reserving is not None:
            self.tables = self._reserving.move(self.tables, self.course, now)
            until = min(self._reserving.until, self._reserving.next_turn(now) - 1)
        if self._sharing is not None:
            self._sharing.rank(self.tables, self.course, now)
            until = min(until, max(self._sharing.until, now))
        return until


def build(trace: Trace, center: CenterDescription, reservations: int, *, by_application: bool = False) -> t.Center:
    """The tables of a center before the first job of a trace comes, with room for so many reservations.

    Shapes of different applications are different ones where that is asked for.
    """
    shapes, shape = _rows(
        trace.cpu_milli,
        trace.memory_bytes,
        trace.disk_bytes if center.disk_bytes else np.zeros(len(trace)),
        trace.device_count,
        trace.device_share,
        trace.partition,
        _device_types(trace, center).view(np.int64),
        trace.interconnect if center.is_linked else np.zeros(len(trace)),
        trace.application if by_application else np.zeros(len(trace), dtype=np.int64),
    )
    kinds, kind = _rows(shape, trace.tasks)
    widest = max(sum(device.count for device in group.devices) for group in center.groups)
    if widest >= t.DEVICE_TYPES:
        raise InvalidRequestError("nodes", f"{widest} devices on a node; at most {t.DEVICE_TYPES - 1} are known here")
    tables = t.make_center(
        t.Sizes(
            nodes=center.nodes,
            devices=widest,
            engines=1,
            shapes=len(shapes),
            kinds=len(kinds),
            jobs=len(trace),
            holds=_holds(trace, center),
            device_holds=center.nodes * widest * (2 + t.WHOLE // max(1, int(trace.device_share.min(initial=t.WHOLE)))),
            booked=_booked(np.minimum(trace.tasks, center.nodes), reservations),
            booked_devices=_booked(trace.tasks * trace.device_count, reservations),
            parted_types=t.DEVICE_TYPES if any(trace.partitions) else 0,
        )
    )
    _set_nodes(tables, center)
    asked = [t.TASK_CPU, t.TASK_MEMORY, t.TASK_DISK, t.DEVICES, t.SHARE, t.PARTED, t.TYPES, t.APART]
    tables.shapes[:, asked] = shapes[:, :-1]
    _set_partitions(tables, trace, center)
    tables.jobs[:, t.SHAPE] = shape
    tables.jobs[:, t.NEED] = trace.tasks
    tables.jobs[:, t.KIND] = tables.jobs[:, t.FORM_KIND] = kind
    tables.jobs[:, t.LIMIT] = trace.requested_us
    if center.power_cap_w:
        tables.sizes[t.POWER_CAP] = round(center.power_cap_w * MILLIWATTS)
        of_task = np.array(
            [_drawn_by_task(center, trace.partitions, row) for row in shapes[:, :-1].tolist()], dtype=np.int64
        )
        tables.kinds[:, t.DRAWS] = of_task[kinds[:, 0]] * kinds[:, 1]
    return tables


def _set_partitions(tables: t.Center, trace: Trace, center: CenterDescription) -> None:
    """Let the tables know by what device types may be parted, and shapes the templates that they name."""
    named = [trace.partitions[place] for place in tables.shapes[:, t.PARTED].tolist()]
    tables.shapes[:, t.PARTED] = [bool(name) for name in named]
    for kind, model in enumerate(center.models):
        templates = center.partitions[model]
        write_templates(tables.templates[kind], templates)
        codes = {one.name: code_of(one) for one in templates}
        for shape, name in enumerate(named):
            if name in codes:
                tables.shapes[shape, t.PARTS_OF + kind] = codes[name]


def _requests(tables: t.Center) -> dict[Request, int]:
    """How many tasks there are of each request: of the whole trace, as the FGD paper has it."""
    asked, counts = [t.TASK_CPU, t.DEVICES, t.SHARE, t.TYPES], np.zeros(len(tables.shapes), np.int64)
    np.add.at(counts, tables.jobs[:, t.SHAPE], tables.jobs[:, t.NEED])
    requests: dict[Request, int] = {}
    for shape, count in zip(tables.shapes[:, asked].tolist(), counts.tolist(), strict=True):
        request = request_of(*shape)
        requests[request] = requests.get(request, 0) + count
    return requests


def _rows(*columns: np.ndarray) -> tuple[Int64s, Int64s]:
    """The different rows of some columns, and which of them each row is."""
    rows, which = np.unique(
        np.stack([column.astype(np.int64) for column in columns], axis=1), axis=0, return_inverse=True
    )
    return rows, which.ravel().astype(np.int64)


def _device_types(trace: Trace, center: CenterDescription) -> np.ndarray:
    """By job, the device types of the center that will do; a type is a place in ``center.models``."""
    if len(center.models) > t.DEVICE_TYPES:
        raise InvalidRequestError(
            "nodes", f"{len(center.models)} device models; at most {t.DEVICE_TYPES} are known here"
        )
    every = (1 << len(center.models)) - 1
    found = np.where(trace.device_models == 0, np.uint64(every), np.uint64(0))
    for place, model in enumerate(trace.models):
        asked = (trace.device_models >> np.uint64(place)) & np.uint64(1)
        for kind, name in enumerate(center.models):
            if are_meant(model, name):
                found |= asked << np.uint64(kind)
    for place, name in enumerate(trace.partitions):
        if name:
            having = [any(one.name == name for one in center.partitions[model]) for model in center.models]
            mask = sum(1 << kind for kind, has in enumerate(having) if has)
            found = np.where(trace.partition == place, found & np.uint64(mask), found)
    return np.where(trace.device_count > 0, found, np.uint64(0))


def _drawn_by_task(center: CenterDescription, partitions: Sequence[str], shape: Sequence[int]) -> int:
    """What one task draws at most on nodes that can hold it, in milliwatts.

    ``shape`` is what it asks for: milli-cpus, bytes of memory, of disk, devices, thousandths of each, the place of its
    partition, the bits of device types that will do; and how far apart those of it may be.
    """
    cpu_milli, memory_bytes, disk_bytes, devices, share, partition, types, apart = shape
    parts = [_parts(center.partitions[model], partitions[partition], t.WHOLE // share) for model in center.models]
    found = 0
    for group in center.groups:
        draws, kinds = _draws(group), _kinds(group, center.models)
        suiting = (types >> kinds) & 1 > 0
        of_group = groups_at(_near(group)[None], apart)[0] if apart else np.zeros(kinds.size, dtype=np.int64)
        most = np.bincount(of_group[suiting], [parts[kind] for kind in kinds[suiting].tolist()])
        has_devices = devices == 0 or int(most.max(initial=0)) >= devices
        has_room = memory_bytes <= group.memory_bytes and disk_bytes <= group.disk_bytes
        if has_devices and cpu_milli <= group.cpu_milli and has_room:
            of_each = np.array([[most[kind] for kind in kinds.tolist()]]) if partitions[partition] else None
            found = max(found, int(drawn_by_task(draws[None], suiting[None], (cpu_milli, devices, share), of_each)[0]))
    return found


def _parts(templates: Sequence[PartitionTemplate], name: str, shares: int) -> int:
    """How many shares a device has, or of a partition that is named how many it can have."""
    return shares if not name else sum(one.fitting(0) for one in templates if one.name == name)


def _draws(group: NodeGroup) -> Int64s:
    """What one cpu of a node draws beyond idling when it is busy, and then each of its devices, in milliwatts."""
    of_cpu = _rise_mw(group.power) * WHOLE_CPU / group.cpu_milli
    of_devices = [_rise_mw(device.power) for device in group.devices for _ in range(device.count)]
    return np.rint([of_cpu, *of_devices]).astype(np.int64)


def _rise_mw(power: PowerRange) -> float:
    return (power.max_w - power.idle_w) * MILLIWATTS


def _kinds(group: NodeGroup, models: Sequence[str]) -> Int64s:
    """The type of the device at each position of a node."""
    kinds = [models.index(device.model) for device in group.devices for _ in range(device.count)]
    return np.array(kinds, dtype=np.int64)


def _near(group: NodeGroup) -> t.Devices:
    """Which devices of a node are near each other, as the tables keep it of their positions."""
    count = sum(device.count for device in group.devices)
    return order_of(group.links, range(count), count)


def _holds(trace: Trace, center: CenterDescription) -> int:
    """Rows for all that can be held at a time, and for the trial of a reservation on every node."""
    least = max(1, int(trace.cpu_milli.min(initial=t.WHOLE)))
    return center.nodes + sum(group.count * min(len(trace), 1 + group.cpu_milli // least) for group in center.groups)


def _booked(rows: np.ndarray, reservations: int) -> int:
    """Rows for that many reservations at a time, given how many each job may need: none where the head alone has one.

    Memory is taken only as far as it is written to.
    """
    if reservations <= EASY:
        return 0
    return min(int(rows.sum(dtype=np.int64)), reservations * int(rows.max(initial=0)))


def _set_nodes(tables: t.Center, center: CenterDescription) -> None:
    row = 0
    tables.sizes[t.LARGEST_CPU] = max(group.cpu_milli for group in center.groups)
    tables.sizes[t.LARGEST_MEMORY] = max(group.memory_bytes for group in center.groups)
    for group in center.groups:
        rows = slice(row, row + group.count)
        row += group.count
        tables.nodes[rows, t.READY] = 1
        tables.nodes[rows, t.CPU] = tables.nodes[rows, t.FREE_CPU] = group.cpu_milli
        tables.nodes[rows, t.MEMORY] = tables.nodes[rows, t.FREE_MEMORY] = group.memory_bytes
        tables.nodes[rows, t.DISK] = tables.nodes[rows, t.FREE_DISK] = group.disk_bytes
        kinds, draws = _kinds(group, center.models), _draws(group)
        tables.devices[rows, : kinds.size, t.TYPE] = kinds
        tables.devices[rows, : kinds.size, [t.HEALTHY, t.FREE]] = (1, t.WHOLE)
        tables.devices[rows, : kinds.size, t.NEAR] = _near(group)
        tables.draws[rows, : draws.size] = draws


def _outcome(course: Course, *, draws: bool) -> Outcome:
    """Of several events at one instant only what was after the last of them counts.

    Whether anything ``draws`` that the center's description says.
    """
    events = course.history[:, : course.at[EVENTS]]
    last = np.append(np.diff(events[TIME]) > 0, np.ones(min(1, events.shape[1]), dtype=np.bool_))
    kept = events[:, last]
    return Outcome(
        started_us=course.started_us,
        ended_us=course.ended_us,
        time_us=kept[TIME],
        cpu_milli=kept[ALLOCATED_CPU],
        device_share=kept[ALLOCATED_DEVICES],
        waiting=kept[WAITING],
        running=kept[RUNNING],
        waiting_cpu_milli=kept[WAITING_CPU],
        draw_mw=kept[DRAWN] if draws else kept[DRAWN, :0],
    )
