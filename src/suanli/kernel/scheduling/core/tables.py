"""Tables of the compiled loops: a row for each noun, named columns, made once for so many rows, changed in place.

Letters: N nodes, D device positions of a node, S shapes, E engines, J jobs, K kinds, L licenses. Arrays are int64
unless said otherwise. One wide array for each noun was chosen over an array for each column: what a compiled function
is handed is copied at each call and grows its code, and what is known of one node lies together in memory.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from suanli.kernel.scheduling.core.linked import Words, written_down
from suanli.kernel.scheduling.core.shelves import FIRST_KEY, GROUPS_MOST, LEVELS, SHELF
from suanli.model.partitions import MAX_TEMPLATES
from suanli.model.reservations import MAX_RESERVATIONS
from suanli.model.spec import MAX_FEATURES_ASKED

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Tasks: TypeAlias = NDArray[np.int32]
Scores: TypeAlias = NDArray[np.float32]
Devices: TypeAlias = NDArray[np.int16]
Table: TypeAlias = NDArray[Any]

NEVER = 2**62
"""The end of what has none."""
NOBODY = -1
"""No row."""
LEAVES = -1
"""The end of work that was asked to end: as soon as it can, whatever was planned."""
WHOLE = 1000
"""Thousandths of a device."""
DEVICE_TYPES = 63
"""Most device types in one center: a shape names those it takes as bits of one number."""
BLOCK = 64
"""Nodes whose least score is kept together: near the square root of the thousands of nodes there may be."""
WINDOWS = MAX_RESERVATIONS
"""Most advance reservations at a time: each is a bit of one number."""
FEATURES = MAX_FEATURES_ASKED
"""Most features of nodes that waiting work may name at a time: each is a bit of one number."""
CLOSED = 2**62
"""The bit of a reservation that is not open to the work that names it; no node ever lies in it."""

(
    ENGINE,
    READY,
    CPU,
    MEMORY,
    FREE_CPU,
    FREE_MEMORY,
    HOLDERS,
    EXCLUSIVE,
    LAST,
    IS_KEPT,
    HELD,
    LOOKED_AT,
    RESERVED,
    HAS,
    SWITCH,
    DISK,
    FREE_DISK,
) = range(17)
"""Columns of nodes: the engine, 1 where work may start, whole amounts and free ones (milli-cpus, bytes), how many jobs
hold some of it, how many hold it exclusively, the place of its newest entry in the log, 1 where the reservation keeps
some, the first hold of a running job on it, the look ahead that met it last, and a bit for each advance reservation
that it lies in, and for each feature that it has and waiting work names; its switch; and bytes of local disk, the
whole and what is free."""

TYPE, HEALTHY, FREE, NEAR, SLOTS = range(5)
"""Columns of devices [N, D, 5], int16 so that those of a node lie close together: the device type (-1: none is there),
1 where healthy, free thousandths; of a parted device SLOTS are bits of its taken slices (``slots``). NEAR is not of the
device in that row: read downwards it is the order of the devices of the node in which near ones are neighbours
(``nearness``); 0 in the first row where none is near another."""

(
    TASK_CPU,
    TASK_MEMORY,
    ALONE,
    DEVICES,
    SHARE,
    TYPES,
    UNIT,
    BY_NODES,
    SEEN,
    BESIDE_SEEN,
    BESIDE_TURN,
    OF_CLASS,
    OF_MODEL,
    OF_MEMORY,
    KEPT_OFF,
    WITHIN,
    MUST_HAVE,
    MOST_TASKS,
    OF_PRECISION,
    PURSUES,
    TASK_DISK,
    APART,
    PARTED,
    OF_PARTITION,
    PARTS_OF,
) = range(25)
"""Columns of shapes, what one task demands: milli-cpus, bytes, 1 for exclusive nodes, devices, thousandths of each, a
bit for each device type that will do; a node is of use where at least UNIT tasks fit; 1 where whole nodes with UNIT
tasks each are counted and not single tasks. SEEN is how far it has read the log (-1: never), the next two say when
what fits beside the reservation was worked out. The next three, and OF_PRECISION, are device types as the
constraints leave them one after the other (TYPES is what the rate leaves of them); only the reason of a failure
depends on these. Two are bits of advance reservations: those that the work would run into, and the one that it must
lie within, with CLOSED where that is not open to it. Then come bits of the features that a node must have, and most
tasks on one node (0: no bound). PURSUES is what ranks device types, as below, TASK_DISK bytes of local disk, APART how
far apart the devices of one task may be (0: however far). PARTED is 1 where each device is a part of one, the code of
its template in column PARTS_OF + the device type: those columns are there only where any device may be parted."""

BY_WORK, BY_RANK, BY_TIME = range(1, 4)
"""What a shape pursues: work that only the center's score asks about; an own objective; time, so that it may wait."""

RANK, SLOWER, HUNGRIER, DEARER, TAKES = range(5)
"""Rows of merits [S, 5, types], infinite where not known: the rank of a type by the shape's objective, from 0; by which
part it is slower, hungrier, dearer than the best, in hundredths; microseconds of a device for 10^12 operations."""

WORK, EXPECTED, CHOSE, WAITS_FOR, WAITS_UNTIL, ENDS_THEN, ENDS_NOW = range(7)
"""Columns of pursuits [J, 7]: units of work; when it is done, where that is known and before its limit; the last turn
in which it could start and rather waited, for which type, until when, and when it then ends, and would have."""
HELD_FROM, FREE_NOW = range(2)
"""Rows of ready types [2, types + 1]: where the ends of the held devices of a type begin, and how many are free."""

SHAPE, NEED, KIND, LIMIT, END, ASSOCIATION, HOLD, DEVICE_HOLD, PREEMPTIBLE, STARTED, ASKS, MORE, GIVEN = range(13)
FORM_KIND, OTHER, START_BY, DRAW = range(13, 17)
"""Columns of jobs: shape; how many tasks (or nodes) it needs; kind, which says both; how long it may run and when it is
taken to end, in microseconds; whose bounds hold for it; the first of what it holds of nodes and of devices; 1 where it
may lose its place; when it started; what it asks of bounds and licenses with what it needs; how many tasks (or nodes)
more than that it may have, and how many of these the turn that starts it gives it; and where there is a power cap, what
it draws as it runs.

Work that may run in one of several forms has a row for each, which is a job like any other; in the queue stands the
first. Of such forms FORM_KIND is the kind, OTHER the next form (-1: no more), and START_BY until when it must start to
be done by its deadline; KIND of the first is that of all of them together."""

HELD_NODE, HELD_TASKS, HELD_CPU, HELD_MEMORY, HELD_ALONE, HELD_DISK, HELD_BY, BEFORE, AFTER, NEXT = range(10)
"""Columns of holds: what one job holds of one node, the job, its neighbours among what running jobs hold of that node,
and the next hold of the same job."""

DEVICE_NODE, POSITION, HELD_SHARE, HELD_SLOTS, DEVICE_NEXT = range(5)
"""Columns of device holds: thousandths that one job holds of one device, of a part its slices, the job's next hold."""

WAITING_OF, BLOCKED, LONG, OF_SHAPE, HOLDS_OF, DEVICE_HOLDS_OF, IMPOSSIBLE, DRAWS, SHORTEST_LONG = range(9)
LONG_UNTIL, LONG_BEHIND = range(9, 11)
"""Columns of kinds: how many wait; the last turn in which it could not start, and not beside the reservation. The rest
is for who plans a live center: its shape, most rows of holds and of device holds that one takes, 1 where it can never
be held, what one can draw at most (0 where there is no power cap); and for many reservations the shortest limit that
could not start beside them, until when there was room for it, and whose reservation began then (told only where the
rules ask for it).

What several forms are together is a kind as well, of no shape (-1): it stands in the queue, and is blocked once each
form's kind is. How many wait is counted of the forms."""

GAIN_AT, GAIN_NODE, GAIN_TASKS = range(3)
"""Columns of gains: an instant, a node, and how many tasks of the head fit on it from then on."""

STEP_AT, STEP_CPU, STEP_MEMORY, STEP_HOLDERS, STEP_ALONE, STEP_DISK, STEP_AFTER = range(7)
"""Columns of steps: from when, what is then free of one node (as in nodes), and the node's next step. Row n is the
first step of node n, and that after the nodes' the first of power: what the cap leaves from when, in milliwatts, stands
where cpus do (STEP_POWER)."""
STEP_POWER = STEP_CPU

AT, AT_NODE = range(2)
"""Columns of rises and drops: an instant at which a node gets more, or less, free, and which."""

CURSOR, UNTIL, JUDGED, LATEST = range(4)
"""Rows of reach [4, N]: the step at which a search stands, until when it need not look at the node again, when it last
did, and the last step of the node while profiles are built."""

BOOKED_JOB, BOOKED_START, BOOKED_UNTIL, BOOKED_BEHIND, BOOKED_HOLD = range(5)
"""Columns of booked: whose reservation, from when; until when there is room for it now (-1: there is none, or nobody
asked) and whose reservation begins then; and from the fifth on what a hold says of one node."""

WINDOW_START, WINDOW_END = range(2)
"""Columns of windows, of which row b is the advance reservation of bit b: its start and its end."""

FULL, PRODUCT, PACKED, CLUSTERED, FRAGMENTS, VALUE, POWER, TIME, ENERGY, COST, TOPOLOGY = range(11)
"""Criteria of a weighed score: how much is free, the dot product, GPU packing, GPU clustering, the growth of
fragmentation, the loss of residual value, what is drawn, by how much work takes longer, more energy, more money, and
how far apart its devices are."""

NUMBER, OF_SHARE, OF_TYPES, BEGINS = range(4)
"""Rows of typical demands [4, buckets]: devices, thousandths of each, a bit for each type that will do, and where the
bucket's requests begin."""
BUCKETS_MOST, TYPICAL_MOST = 256, 2048
"""Device demands, and requests, that may be typical."""

ACTIVE, MOST = range(2)
"""Rows of one bound [2, 4]: what running work asked for in all, and the most that it may."""

RUNS_ASKED, CPU_ASKED, MEMORY_ASKED, SHARES_ASKED = range(4)
AMOUNTS = 4
"""What a bound bounds, and the first columns of asks: runs, milli-cpus, bytes, thousandths of devices. In asks they are
followed by how many of each license."""

TOTAL, IN_USE, KEPT_TURN, KEPT_FROM, SPARE, KEPT_FOR, THEN = range(7)
"""Columns of licenses: how many there are, and running work has; the last turn in which some were kept for work that
waits, from when, how many are free then beside it, and for whom; and how many are free in a look ahead."""

(
    WAITING,
    KIND_OF,
    BEHIND,
    KIND_BEHIND,
    LEFT,
    LEAVING,
    RUNNING,
    LIFTED,
    RUNNING_BEFORE,
) = range(9)
"""Rows of lists [9, J]: who waits, in order, and the kind of each, so that a glance at it needs no other memory; the
same for who is behind the head, in the order of backfill, and at the end of a turn for who started; which places of
the queue these left; who loses its place in this turn; who runs, by end; who is taken off for a trial; who ran before
a turn that may be undone."""

CHOSEN, TASKS, CANDIDATE, KEPT, ROOM = range(5)
"""Rows of scratch [5, N]: nodes of the gang being placed, tasks on each, what it chooses from, nodes that are kept, and
by switch what the candidates there hold together."""

WAITING_SIZE, RUNNING_SIZE, KINDS, LOG_SIZE, CHANGES, UNUSED, DEVICE_UNUSED, KEPT_SIZE, TURN, HEAD = range(10)
HEAD_START, BARRED, LEAVING_SIZE, HEAD_HOLD, HEAD_DEVICE_HOLD, LARGEST_CPU, LARGEST_MEMORY = range(10, 17)
HEAD_SEEN, GAINS, ENDED, LOOKS, PREEMPTIBLES, RAN, PREEMPTIBLES_BEFORE, FIRST, STEPS, RISES, DROPS = range(17, 28)
BOOKED, BOOKED_DEVICES, HEAD_PAST, WINDOWS_SIZE, INDEX_SEEN, SHELVES_USED, SHELF_UNUSED, GROUPS = range(28, 36)
SWITCHES, BUCKETS, TYPICAL, POWER_CAP, POWER_IN_USE, POWER_KEPT_FROM, POWER_SPARE, POWER_STEP = range(36, 44)
READY_TURN = 44
"""Places in sizes: entries of the lists, kinds that wait, entries of the log, changes ever, first hold and first device
hold not in use, nodes kept, number of the turn; whose reservation was worked out last, and its start; kinds that wait
and are marked as blocked before the turn; entries of who loses its place; the first of what is reserved of nodes and of
devices; milli-cpus and bytes of the largest nodes; how far the gains have read the log (-1: worthless), how many there
are, how many jobs had to end for them, and looks ahead ever; how many that run may lose their place; how many ran, and
how many of these might, before a turn that may be undone; where in its row the queue begins; how many steps, rises,
drops, and rows of what is booked of nodes and of devices there are; 1 where the head's start was foreseen past windows,
so that its gains do not tell it; how many rows of windows there are to look at; how far the index has read the log (-1:
it must be made anew), how many shelves were ever used, the first that is so no more, and how many groups there are; and
how many switches there are, of which one is that of all nodes whose switch is not known; how many buckets of typical
device demands there are, and requests in them; and in milliwatts the power cap (``NEVER``: none), what running work
draws, from when some is kept for the head, and how much is left then beside it; the last step of power while profiles
are built; and the turn of which ``ready`` is."""

FAILS_STATE, FAILS_RESERVED, FAILS_OUTSIDE, FAILS_FEATURE, FAILS_EXCLUSIVE, FAILS_CLASS, FAILS_MODEL = range(7)
FAILS_PARTITION, FAILS_DEVICE_MEMORY, FAILS_PRECISION, FAILS_RATE, FAILS_NEAR, FAILS_HEALTH, FAILS_FREE = range(7, 14)
FAILS_CPU, FAILS_MEMORY, FAILS_DISK = range(14, 17)
"""What a node may fail first, in the order in which it is judged."""
FAILURES = 17
"""How many of them there are."""


@dataclass(frozen=True, eq=False)
class Center:
    """All tables of one center, which compiled code is handed as one address (``handed``).

    ``tasks`` [S, N] (int32) fit, ``blocker`` [S, N] (int8) is what fails first (-1: the node is of use), ``score``
    [S, N] (float32) is infinite where it is of none, ``lowest`` [S, blocks] (float32) the least score of each ``BLOCK``
    nodes (minus infinity: to be looked up). ``failing`` [S, 17] counts blockers, ``total`` [S, E] what fits on each
    engine's nodes together, ``beside`` [S, E] the same beside the reservation. ``log`` has the nodes in the order in
    which they changed, ``gains`` [G, 3] what ends of running work bring for the head, by time. ``keys`` [K, J]
    (float64) order the queue, most significant first. ``associations`` [A, 6] name the bounds that hold for a job, one
    after the other (-1: no more), ``bounds`` [B, 2, 4] bound what may be asked for at once, ``asks`` [P, 4 + L] is what
    one job asks, ``licenses`` [L, 7] are counted in the center as a whole. ``then_...`` is what is free on kept nodes
    at the reserved start beside the head, ``both_...`` what is free both then and now. ``row`` [N] (int32), ``busy``
    [N] (float32) and ``node_keys`` [N] (float64) are for choices, ``spare`` [2, E] for totals on trial. ``room``,
    ``shelves`` and ``aisles`` are the index's (``index``). ``weights`` [11] (float64) weigh criteria, ``trial``
    [3, D] is for them (``score``); ``typical_...`` and ``fill`` [types, 1 + thousandths] and ``worth`` [types + 2]
    (float64) are what two of them know of requests to come (``criteria``: ``Typical``; ``Worth``, prices in front).
    ``draws`` [N, 1 + D] is what one busy cpu of a node draws beyond idling, and then each of its devices (milliwatts).
    ``ready`` [N D] (float64) are, type by type, the instants at which held devices come free (``patience``).
    ``templates`` [types, n, 2] are the codes of a type's templates and the thousandths that a part is (``slots``).
    """

    nodes: Ints
    devices: Devices
    shapes: Ints
    tasks: Tasks
    blocker: NDArray[np.int8]
    score: Scores
    lowest: Scores
    failing: Ints
    total: Ints
    beside: Ints
    log: Ints
    jobs: Ints
    keys: Floats
    holds: Ints
    gains: Ints
    device_holds: Ints
    kinds: Ints
    associations: Ints
    bounds: Ints
    asks: Ints
    licenses: Ints
    windows: Ints
    lists: Ints
    scratch: Ints
    row: Tasks
    busy: Scores
    node_keys: Floats
    spare: Ints
    then_nodes: Ints
    then_devices: Devices
    both_nodes: Ints
    both_devices: Devices
    steps: Ints
    step_devices: Ints
    rises: Ints
    drops: Ints
    reach: Ints
    booked: Ints
    booked_devices: Ints
    room: Ints
    shelves: Ints
    aisles: Ints
    weights: Floats
    trial: Ints
    typical_demands: Ints
    typical_cpu: Ints
    typical_weight: Floats
    fill: Floats
    worth: Floats
    draws: Ints
    merits: Floats
    pursuits: Ints
    ready: Floats
    ready_types: Ints
    templates: Ints
    sizes: Ints

    @cached_property
    def address(self) -> int:
        """Where the words of all tables lie (``linked`` says what they are), for as long as the center is."""
        return ctypes.addressof(self._words)

    @cached_property
    def _words(self) -> Words:
        return written_down(tuple(self))

    def __iter__(self) -> Iterator[Table]:
        return (getattr(self, table.name) for table in fields(self))

    def __reduce__(self) -> tuple[type[Center], tuple[Table, ...]]:
        # However it is copied, a copy has words of its own tables.
        return Center, tuple(self)

    def copied(self) -> Center:
        """A center of the same content."""
        return Center(*(table.copy() for table in self))


class Sizes(NamedTuple):
    """Rows to make room for; of what is ``booked`` none where the head alone has a reservation."""

    nodes: int
    devices: int
    engines: int
    shapes: int
    kinds: int
    jobs: int
    holds: int
    device_holds: int
    associations: int = 1
    bounds: int = 1
    asks: int = 1
    licenses: int = 0
    keys: int = 3
    booked: int = 0
    booked_devices: int = 0
    parted_types: int = 0


def make_center(sizes: Sizes) -> Center:
    """Empty tables of those sizes: no node is ready, nobody waits or runs."""
    nodes, shapes, jobs = sizes.nodes, sizes.shapes, sizes.jobs
    steps = nodes + sizes.holds + 2 * sizes.booked if sizes.booked else 0
    devices = _no_devices(nodes, sizes.devices)
    center = Center(
        nodes=_ints(nodes, FREE_DISK + 1),
        devices=devices,
        shapes=_ints(shapes, PARTS_OF + sizes.parted_types),
        tasks=np.zeros((shapes, nodes), dtype=np.int32),
        blocker=np.full((shapes, nodes), NOBODY, dtype=np.int8),
        score=np.full((shapes, nodes), np.inf, dtype=np.float32),
        lowest=np.full((shapes, -(-nodes // BLOCK)), np.inf, dtype=np.float32),
        failing=_ints(shapes, FAILURES),
        total=_ints(shapes, sizes.engines),
        beside=_ints(shapes, sizes.engines),
        log=np.zeros(4 * nodes + 1024, dtype=np.int64),
        jobs=_ints(jobs, 17),
        keys=np.zeros((sizes.keys, jobs)),
        holds=_ints(sizes.holds, NEXT + 1),
        gains=_ints(sizes.holds, 3),
        device_holds=_ints(sizes.device_holds, DEVICE_NEXT + 1),
        kinds=_ints(sizes.kinds, 11),
        associations=np.full((sizes.associations, 8), NOBODY, dtype=np.int64),
        bounds=np.zeros((sizes.bounds, 2, AMOUNTS), dtype=np.int64),
        asks=_ints(sizes.asks, AMOUNTS + sizes.licenses),
        licenses=_ints(sizes.licenses, 7),
        windows=_ints(WINDOWS, 2),
        lists=_ints(9, jobs),
        scratch=_ints(5, nodes),
        row=np.zeros(nodes, dtype=np.int32),
        busy=np.zeros(nodes, dtype=np.float32),
        node_keys=np.zeros(nodes),
        spare=_ints(2, sizes.engines),
        then_nodes=_ints(nodes, FREE_DISK + 1),
        then_devices=devices.copy(),
        both_nodes=_ints(nodes, FREE_DISK + 1),
        both_devices=devices.copy(),
        steps=_ints(2 * steps, STEP_AFTER + 1),
        step_devices=_ints(2 * steps, sizes.devices),
        rises=_ints(steps, 2),
        drops=_ints(sizes.booked, 2),
        reach=_ints(4, nodes),
        booked=_ints(sizes.booked, BOOKED_HOLD + HELD_BY),
        booked_devices=_ints(sizes.booked_devices, 1 + DEVICE_NEXT),
        room=_ints(nodes, 8),
        shelves=_ints(nodes + 1, FIRST_KEY + SHELF),
        aisles=_ints(4, GROUPS_MOST * LEVELS),
        weights=np.zeros(11),
        trial=_ints(3, sizes.devices),
        typical_demands=_ints(4, BUCKETS_MOST + 1),
        typical_cpu=np.zeros(TYPICAL_MOST, dtype=np.int64),
        typical_weight=np.zeros(TYPICAL_MOST),
        fill=np.zeros((DEVICE_TYPES, WHOLE + 1)),
        worth=np.zeros(DEVICE_TYPES + 2),
        draws=_ints(nodes, 1 + sizes.devices),
        **_of_merits(sizes),
        sizes=np.zeros(45, dtype=np.int64),
    )
    return _begun(center)


def _of_merits(sizes: Sizes) -> dict[str, Table]:
    return {
        "merits": np.zeros((sizes.shapes, 5, DEVICE_TYPES)),
        "pursuits": _ints(sizes.jobs, 7),
        "ready": np.zeros(sizes.nodes * sizes.devices),
        "ready_types": _ints(2, DEVICE_TYPES + 1),
        "templates": np.zeros((DEVICE_TYPES, MAX_TEMPLATES, 2), dtype=np.int64),
    }


def _no_devices(nodes: int, positions: int) -> Devices:
    devices = np.zeros((nodes, positions, SLOTS + 1), dtype=np.int16)
    devices[:, :, TYPE] = NOBODY
    return devices


def _begun(center: Center) -> Center:
    """Fill in what is not zero in tables without content."""
    center.nodes[:, [LAST, HELD]] = NOBODY
    center.sizes[[HEAD, HEAD_HOLD, HEAD_DEVICE_HOLD, HEAD_SEEN, INDEX_SEEN]] = NOBODY
    center.sizes[[POWER_CAP, POWER_KEPT_FROM, POWER_SPARE]] = NEVER
    center.shapes[:, UNIT] = 1
    center.shapes[:, SEEN] = NOBODY
    center.bounds[:, MOST] = NEVER
    center.asks[:, 0] = 1
    center.jobs[:, [HOLD, DEVICE_HOLD]] = NOBODY
    for chain, row in ((center.holds, NEXT), (center.device_holds, DEVICE_NEXT)):
        chain[:, row] = np.arange(1, chain.shape[0] + 1)
        chain[-1:, row] = NOBODY
    return center


def queued(center: Center) -> Ints:
    """Who waits, in order: a view."""
    first = center.sizes[FIRST]
    return center.lists[WAITING, first : first + center.sizes[WAITING_SIZE]]


def sort_queue(center: Center) -> None:
    """Put the queue into the order of its keys, after some of them changed."""
    queue = queued(center)
    queue[:] = queue[np.lexsort(center.keys[::-1, queue])]
    tell_kinds(center)


def tell_kinds(center: Center) -> None:
    """Let the queue know of which kind each is and how many kinds wait, after some are of others."""
    queue, first = queued(center), center.sizes[FIRST]
    center.lists[KIND_OF, first : first + queue.size] = center.jobs[queue, KIND]
    center.sizes[KINDS] = np.count_nonzero(center.kinds[:, WAITING_OF])


def judge_anew(center: Center) -> None:
    """Let every node be judged and scored anew for every shape."""
    center.shapes[:, SEEN] = NOBODY
    center.sizes[[HEAD_SEEN, INDEX_SEEN]] = NOBODY


def _ints(rows: int, columns: int) -> Ints:
    return np.zeros((rows, columns), dtype=np.int64)
