"""What a live center tells its tables: one change at a time, each at the cost of what it changes."""

from __future__ import annotations

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.admit import tally
from suanli.kernel.scheduling.core.copying import copy
from suanli.kernel.scheduling.core.feasible import refresh, touch
from suanli.kernel.scheduling.core.jit import compiled, entry
from suanli.kernel.scheduling.core.place import hold_device, hold_node, lay, lift
from suanli.kernel.scheduling.core.power import weigh
from suanli.kernel.scheduling.core.ranks import open_ranks
from suanli.kernel.scheduling.core.rules import Decided, Rules
from suanli.kernel.scheduling.core.tables import Center, Ints
from suanli.kernel.scheduling.core.turn import turn


@entry
def set_node(center: Center, node: int, amounts: tuple[int, int, int, int, int, int, int, int]) -> None:
    """Say what a node is.

    That is its engine, 1 where work may start, milli-cpus, bytes, bits of windows, of features; switch, bytes of disk.

    What is held of it stays held.
    """
    nodes = center.nodes
    nodes[node, t.FREE_CPU] += amounts[2] - nodes[node, t.CPU]
    nodes[node, t.FREE_MEMORY] += amounts[3] - nodes[node, t.MEMORY]
    nodes[node, t.ENGINE], nodes[node, t.READY], nodes[node, t.CPU], nodes[node, t.MEMORY] = amounts[:4]
    nodes[node, t.RESERVED], nodes[node, t.HAS], nodes[node, t.SWITCH] = amounts[4:7]
    nodes[node, t.FREE_DISK] += amounts[7] - nodes[node, t.DISK]
    nodes[node, t.DISK] = amounts[7]
    touch(nodes, center.shapes, center.log, center.sizes, node)


@entry
def wait(center: Center, job: int) -> None:
    """Let a job, whose row is filled in, wait."""
    lists.enqueue(center, job)


@entry
def wait_no_longer(center: Center, job: int) -> None:
    """Take a job out of the queue."""
    lists.dequeue(center, job)
    _forget_head(center, job)


@entry
def run(center: Center, job: int, held: Ints, devices: Ints) -> None:
    """Let a job, whose row is filled in, run on what it holds.

    ``held`` [n, 6] are rows of node, tasks, milli-cpus, bytes, 1 if exclusively, bytes of disk; ``devices`` [m, 4] of
    node, position, thousandths, slices. There must be as many rows left in the tables.
    """
    for row in range(held.shape[0]):
        amounts = (held[row, 0], held[row, 1], held[row, 2], held[row, 3], held[row, 4], held[row, 5])
        hold_node(center.holds, center.jobs, center.sizes, job, amounts)
    for row in range(devices.shape[0]):
        of_device = (devices[row, 0], devices[row, 1], devices[row, 2], devices[row, 3])
        hold_device(center.device_holds, center.jobs, center.sizes, job, of_device)
    lay(center, job)
    lists.start(center, job)
    weigh(center, job)
    tally(center, job, 1)


@entry
def end(center: Center, job: int) -> None:
    """Let a running job hold nothing any more."""
    lists.end(center, job)
    lift(center, job)
    tally(center, job, -1)
    _forget_head(center, job)


@entry
def cap_power(center: Center, cap: int) -> None:
    """Let running work draw at most so many milliwatts, ``NEVER`` for any; and count anew what it draws."""
    sizes, total = center.sizes, 0
    sizes[t.POWER_CAP] = cap
    for place in range(sizes[t.RUNNING_SIZE]):
        job = center.lists[t.RUNNING, place]
        weigh(center, job)
        total += center.jobs[job, t.DRAW]
    sizes[t.POWER_IN_USE] = total
    sizes[t.HEAD] = t.NOBODY


@compiled
def _forget_head(center: Center, job: int) -> None:
    """Reserve anew if it is for a job, in whatever form: the row may be another's next."""
    has_forms = center.kinds[center.jobs[job, t.KIND], t.OF_SHAPE] == t.NOBODY
    while job != t.NOBODY:
        if center.sizes[t.HEAD] == job:
            center.sizes[t.HEAD] = t.NOBODY
        job = center.jobs[job, t.OTHER] if has_forms else t.NOBODY


@entry
def plan(center: Center, now: int, soon: int, rules: Rules, started: Ints) -> Decided:
    """Take one turn; the tables are then as if it had been carried out. It may be undone as long as nothing changes."""
    keep_before(center)
    return turn(center, now, soon, rules, started)


@compiled
def keep_before(center: Center) -> None:
    """Keep what ``undo`` needs of who runs before a turn."""
    entries, sizes = center.lists, center.sizes
    sizes[t.RAN], sizes[t.PREEMPTIBLES_BEFORE] = sizes[t.RUNNING_SIZE], sizes[t.PREEMPTIBLES]
    copy(entries[t.RUNNING_BEFORE], entries[t.RUNNING, : sizes[t.RAN]])


@entry
def judge(center: Center, policy: int) -> None:
    """Remember why every kind of work that could not start in the last turn cannot: most were only found not to."""
    kinds, this = center.kinds, center.sizes[t.TURN]
    for kind in range(kinds.shape[0]):
        if kinds[kind, t.WAITING_OF] > 0 and kinds[kind, t.BLOCKED] == this and not kinds[kind, t.IMPOSSIBLE]:
            refresh(center, kinds[kind, t.OF_SHAPE], policy)


@entry
def undo(center: Center, started: Ints, ends: Ints) -> None:
    """Take the last turn back, given what it started.

    ``ends`` says when those who should leave would have ended, in the order of their list.
    """
    jobs, sizes = center.jobs, center.sizes
    for place in range(started.size):
        job = started[place]
        lift(center, job)
        tally(center, job, -1)
        jobs[job, t.GIVEN] = 0
    for place in range(sizes[t.LEAVING_SIZE]):
        jobs[center.lists[t.LEAVING, place], t.END] = ends[place]
    if started.size or sizes[t.LEAVING_SIZE]:
        copy(center.lists[t.RUNNING], center.lists[t.RUNNING_BEFORE, : sizes[t.RAN]])
    open_ranks(center, started.size)
    sizes[t.RUNNING_SIZE], sizes[t.LEAVING_SIZE] = sizes[t.RAN], 0
    sizes[t.PREEMPTIBLES] = sizes[t.PREEMPTIBLES_BEFORE]
