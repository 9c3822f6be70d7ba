"""Work that would end sooner on devices that others hold than on those that are free, and so waits by its own choice.

Counted are devices that are held now, each until the expected end of who holds it, and who waited so in this turn
before; not on which nodes they are, and not who may come. Nothing is kept for who waits. The tables are those of one
turn: made when the first job asks.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.merits import worst_taken
from suanli.kernel.scheduling.core.tables import Center, Floats
from suanli.model.partitions import MADE


@compiled
def duration(center: Center, job: int, takes: float) -> float:
    """How long a job's work takes with what it is given, where a device takes so long for a unit of it (us)."""
    return float(center.pursuits[job, t.WORK] * takes * t.WHOLE / _parts(center, job))


@compiled
def _parts(center: Center, job: int) -> int:
    """Thousandths of devices of a job."""
    shapes, shape = center.shapes, center.jobs[job, t.SHAPE]
    tasks = center.jobs[job, t.NEED] + center.jobs[job, t.GIVEN]
    if shapes[shape, t.BY_NODES]:
        tasks *= shapes[shape, t.UNIT]
    return int(tasks * shapes[shape, t.DEVICES] * shapes[shape, t.SHARE])


@compiled
def expect(center: Center, job: int, now: int) -> None:
    """Note when a job that starts on the devices that it holds is expected to be done, before its limit is over."""
    shape, row, slowest = center.jobs[job, t.SHAPE], center.jobs[job, t.DEVICE_HOLD], 0.0
    if center.shapes[shape, t.PURSUES] == 0:
        return
    held = center.device_holds
    while row >= 0:
        kind = center.devices[held[row, t.DEVICE_NODE], held[row, t.POSITION], t.TYPE]
        slowest = max(slowest, center.merits[shape, t.TAKES, kind])
        row = held[row, t.DEVICE_NEXT]
    done = now + duration(center, job, slowest)
    center.pursuits[job, t.EXPECTED] = int(done) if done < center.jobs[job, t.END] else 0


@compiled
def would_wait(center: Center, job: int, times: tuple[int, int], chosen: int, beside: bool) -> bool:
    """Tell whether a job rather waits than starts on the chosen nodes; if so, let those behind it count on that.

    ``times`` are the present, and when work past its expected end is taken to end; ``beside`` where it may take only
    what is not kept of the nodes. It starts where it is not known how long it takes, and does not wait for devices that
    it could have only after its latest start.
    """
    shapes, shape = center.shapes, center.jobs[job, t.SHAPE]
    if shapes[shape, t.PURSUES] != t.BY_TIME:
        return False
    slowest = 0.0
    for place in range(chosen):
        node, tasks = center.scratch[t.CHOSEN, place], center.scratch[t.TASKS, place]
        free = center.both_devices if beside and center.nodes[node, t.IS_KEPT] else center.devices
        slowest = max(slowest, worst_taken(center, free[node], shape, tasks, t.TAKES))
    ends_now = times[0] + duration(center, job, slowest)
    if not ends_now < t.NEVER:
        return False
    if center.sizes[t.READY_TURN] != center.sizes[t.TURN]:
        _look(center, times[0], times[1])
    wanted, best, first, least = -(-_parts(center, job) // t.WHOLE), t.NOBODY, 0, ends_now
    for kind in range(t.DEVICE_TYPES):
        if (shapes[shape, t.TYPES] >> kind) & 1 and center.merits[shape, t.TAKES, kind] < slowest:
            start = _ready_at(center, kind, wanted)
            end = start + duration(center, job, center.merits[shape, t.TAKES, kind])
            if start <= center.jobs[job, t.START_BY] and end < least:
                best, first, least = kind, int(start), end
    if best == t.NOBODY:
        return False
    row = center.pursuits[job]
    row[t.CHOSE], row[t.WAITS_FOR], row[t.WAITS_UNTIL] = center.sizes[t.TURN], best, first
    row[t.ENDS_THEN], row[t.ENDS_NOW] = int(least), int(ends_now)
    _promise(center, best, wanted, least)
    return True


@compiled
def _lacking(center: Center, kind: int, wanted: int) -> int:
    """How many held devices of a type must come free for so many: one at least, for free ones did not do."""
    return int(max(1, wanted - center.ready_types[t.FREE_NOW, kind]))


@compiled
def _ready_at(center: Center, kind: int, wanted: int) -> float:
    """When so many devices of a type are free, NEVER if that is not foreseen."""
    first, last = center.ready_types[t.HELD_FROM, kind], center.ready_types[t.HELD_FROM, kind + 1]
    lacking = _lacking(center, kind, wanted)
    return float(center.ready[first + lacking - 1]) if lacking <= last - first else float(t.NEVER)


@compiled
def _promise(center: Center, kind: int, wanted: int, end: float) -> None:
    """Let the devices that come free first be held on until an end, by who waits for them."""
    first, last = center.ready_types[t.HELD_FROM, kind], center.ready_types[t.HELD_FROM, kind + 1]
    lacking, ready = _lacking(center, kind, wanted), center.ready
    place, kept = first + lacking, first
    while place < last and ready[place] <= end:
        ready[kept] = ready[place]
        place, kept = place + 1, kept + 1
    for later in range(kept, place):
        ready[later] = end


@compiled
def _look(center: Center, now: int, soon: int) -> None:
    """Write down, by type, when each held device comes free, in order, and how many are free."""
    center.sizes[t.READY_TURN] = center.sizes[t.TURN]
    counts, free = center.ready_types[t.HELD_FROM], center.ready_types[t.FREE_NOW]
    for kind in range(t.DEVICE_TYPES):
        counts[kind] = free[kind] = 0
    counts[t.DEVICE_TYPES] = 0
    _each_device(center, now, soon, True)
    begin = 0
    for kind in range(t.DEVICE_TYPES + 1):
        count = counts[kind]
        counts[kind] = begin
        begin += count
    _each_device(center, now, soon, False)
    # Filling moved each beginning to the next one's.
    for kind in range(t.DEVICE_TYPES, 0, -1):
        counts[kind] = counts[kind - 1]
    counts[0] = 0
    for kind in range(t.DEVICE_TYPES):
        if counts[kind + 1] - counts[kind] > 1:
            _sort(center.ready[counts[kind] : counts[kind + 1]])


@compiled
def _each_device(center: Center, now: int, soon: int, is_count: bool) -> None:
    """Count the devices that are free, and held for so long that an end is known; or write down their ends."""
    nodes, devices, counts = center.nodes, center.devices, center.ready_types[t.HELD_FROM]
    for node in range(nodes.shape[0]):
        if nodes[node, t.READY] == 0 or nodes[node, t.RESERVED] != 0:
            continue
        _ends_on(center, node, now, soon)
        for position in range(devices.shape[1]):
            kind, end = devices[node, position, t.TYPE], center.trial[0, position]
            if kind < 0 or devices[node, position, t.HEALTHY] == 0 or end >= t.NEVER:
                continue
            if devices[node, position, t.SLOTS] & MADE:
                # Its parts are made already: it is nobody's whole, whoever ends.
                continue
            if devices[node, position, t.FREE] >= t.WHOLE:
                center.ready_types[t.FREE_NOW, kind] += int(is_count)
                continue
            if not is_count:
                center.ready[counts[kind]] = end
            counts[kind] += 1


@compiled
def _ends_on(center: Center, node: int, now: int, soon: int) -> None:
    """Write down when the last that holds of each device of a node is expected to have ended."""
    ends, held = center.trial[0], center.device_holds
    for position in range(ends.size):
        ends[position] = now
    row = center.nodes[node, t.HELD]
    while row >= 0:
        job = center.holds[row, t.HELD_BY]
        end, of_job = _end_of(center, job, now, soon), center.jobs[job, t.DEVICE_HOLD]
        while of_job >= 0:
            if held[of_job, t.DEVICE_NODE] == node:
                ends[held[of_job, t.POSITION]] = max(ends[held[of_job, t.POSITION]], end)
            of_job = held[of_job, t.DEVICE_NEXT]
        row = center.holds[row, t.AFTER]


@compiled
def _end_of(center: Center, job: int, now: int, soon: int) -> int:
    """When a running job is expected to end: by its work, else at its limit; what is past that, soon."""
    if center.jobs[job, t.END] >= 0 and center.pursuits[job, t.EXPECTED] > now:
        return int(center.pursuits[job, t.EXPECTED])
    return int(center.jobs[job, t.END] if center.jobs[job, t.END] > now else soon)


@compiled
def _sort(row: Floats) -> None:
    """Sort in place: a heap of the largest, then the largest to the end, one after the other."""
    for root in range(row.size // 2 - 1, -1, -1):
        _sink(row, root, row.size)
    for last in range(row.size - 1, 0, -1):
        row[0], row[last] = row[last], row[0]
        _sink(row, 0, last)


@compiled
def _sink(row: Floats, root: int, size: int) -> None:
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and row[child + 1] > row[child]:
            child += 1
        if row[root] >= row[child]:
            return
        row[root], row[child] = row[child], row[root]
        root = child
