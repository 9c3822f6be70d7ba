"""A replay: a trace lived through on a center under a policy, to an outcome. The same input gives the same bits."""

from __future__ import annotations

import numpy as np

from suanli.kernel.replay.advance import advance
from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.course import (
    ALLOCATED_CPU,
    ALLOCATED_DEVICES,
    EVENTS,
    RUNNING,
    SUBMITTED,
    TIME,
    WAITING,
    WAITING_CPU,
    Course,
    begin,
)
from suanli.kernel.replay.outcome import Outcome, Progress
from suanli.kernel.replay.policy import Policy
from suanli.kernel.replay.trace import Int64s, Trace
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.criteria import Request
from suanli.kernel.scheduling.core.rules import EASY
from suanli.kernel.scheduling.scoring import learn, scoring, weigh
from suanli.model.device_names import are_meant
from suanli.model.errors import InvalidRequestError

_EVENTS_A_WORD = 20_000
"""Events between two words about the progress: a fraction of a second."""


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
    rules, ways = policy.rules(len(trace)), policy.ways()
    tables, course = build(trace, center, rules.reservations), begin(trace, center.cpu_milli)
    scored = scoring(policy.score)
    weigh(tables, scored)
    if scored.foresees:
        learn(tables, _requests(tables))
    while advance(tables, course, rules, ways, _EVENTS_A_WORD):
        if progress is not None:
            progress(int(course.at[SUBMITTED]), len(trace))
    if progress is not None:
        progress(len(trace), len(trace))
    return _outcome(course)


def build(trace: Trace, center: CenterDescription, reservations: int) -> t.Center:
    """The tables of a center before the first job of a trace comes, with room for so many reservations."""
    shapes, shape = _rows(
        trace.cpu_milli,
        trace.memory_bytes,
        trace.device_count,
        trace.device_share,
        _device_types(trace, center).view(np.int64),
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
        )
    )
    _set_nodes(tables, center)
    asked = [t.TASK_CPU, t.TASK_MEMORY, t.DEVICES, t.SHARE, t.TYPES]
    tables.shapes[:, asked] = shapes
    tables.jobs[:, t.SHAPE] = shape
    tables.jobs[:, t.NEED] = trace.tasks
    tables.jobs[:, t.KIND] = kind
    tables.jobs[:, t.LIMIT] = trace.requested_us
    return tables


def _requests(tables: t.Center) -> dict[Request, int]:
    """How many tasks there are of each request: of the whole trace, as the FGD paper has it."""
    asked, counts = [t.TASK_CPU, t.TASK_MEMORY, t.DEVICES, t.SHARE, t.TYPES], np.zeros(len(tables.shapes), np.int64)
    np.add.at(counts, tables.jobs[:, t.SHAPE], tables.jobs[:, t.NEED])
    requests: dict[Request, int] = {}
    for (cpu, _, number, share, types), count in zip(tables.shapes[:, asked].tolist(), counts.tolist(), strict=True):
        request = Request(cpu, 0, number, share if number else 0, types if number else -1)
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
    return np.where(trace.device_count > 0, found, np.uint64(0))


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
        position = 0
        for device in group.devices:
            places = slice(position, position + device.count)
            position += device.count
            tables.devices[rows, places] = (center.models.index(device.model), 1, t.WHOLE)


def _outcome(course: Course) -> Outcome:
    """Of several events at one instant only what was after the last of them counts."""
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
    )
