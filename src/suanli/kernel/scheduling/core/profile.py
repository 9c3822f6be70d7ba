"""What is free of each node from when until when, as far as it is known: running work ends, reservations come and go.

A node's profile is a chain of steps; what a step says is free holds until the next one begins, that of the last for
ever. It is built for one turn that keeps more than one reservation. What is free of a node for a while is the least of
each amount, and of each device, over the steps of that while: a job stays where it is once it has started.

Where there is a power cap, what it leaves has a profile of the same kind.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.copying import copy, copy_devices
from suanli.kernel.scheduling.core.feasible import tasks_on, weight
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.outlook import due_by, suffices
from suanli.kernel.scheduling.core.slots import meet_device
from suanli.kernel.scheduling.core.tables import Center, Ints
from suanli.kernel.scheduling.core.windows import heed_at, next_opening

_SLICE = 2**20
"""In steps, what a slice that is taken of a device counts against its free thousandths, so that both are one number."""


@compiled
def _amount(held: Ints) -> int:
    """What a hold of a device takes of a step."""
    return int(held[t.HELD_SLOTS]) * _SLICE if held[t.HELD_SLOTS] != 0 else int(held[t.HELD_SHARE])


@compiled
def _told(amount: int) -> tuple[int, int]:
    """Free thousandths of a device, none while it is parted, and the slices that are taken, as a step says."""
    if amount > -_SLICE // 2:
        return amount, 0
    slots = (_SLICE // 2 - amount) // _SLICE
    return amount + slots * _SLICE - t.WHOLE, slots


@compiled
def build(center: Center, now: int, soon: int) -> None:
    """Set up all profiles by what runs, taken to end as expected; what is past its end is to end at ``soon``."""
    jobs, running, size = center.jobs, center.lists[t.RUNNING], center.sizes[t.RUNNING_SIZE]
    sizes, reach, nodes, devices = center.sizes, center.reach, center.nodes, center.devices
    sizes[t.STEPS], sizes[t.RISES], sizes[t.DROPS] = nodes.shape[0] + 1, 0, 0
    _begin_power(center, now)
    for node in range(nodes.shape[0]):
        center.steps[node] = (
            now,
            nodes[node, t.FREE_CPU],
            nodes[node, t.FREE_MEMORY],
            nodes[node, t.HOLDERS],
            nodes[node, t.EXCLUSIVE],
            nodes[node, t.FREE_DISK],
            t.NOBODY,
        )
        for position in range(devices.shape[1]):
            slots = int(devices[node, position, t.SLOTS])
            free = int(devices[node, position, t.FREE]) + (t.WHOLE if slots != 0 else 0)
            center.step_devices[node, position] = free - slots * _SLICE
        reach[t.LATEST, node] = node
    # What ends at once has not ended yet: room for it is no room now.
    soon = max(soon, now + 1)
    late, overdue = due_by(jobs, running[:size], now), 0
    due = late
    while overdue < late or (due < size and jobs[running[due], t.END] < t.NEVER):
        if overdue < late and (due == size or soon <= jobs[running[due], t.END]):
            _release(center, running[overdue], soon)
            overdue += 1
        else:
            _release(center, running[due], jobs[running[due], t.END])
            due += 1


@compiled
def _release(center: Center, job: int, instant: int) -> None:
    """Let a job end after everything that the profiles know so far."""
    holds, held, steps, reach = center.holds, center.device_holds, center.steps, center.reach
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        node = holds[row, t.HELD_NODE]
        step = reach[t.LATEST, node]
        if steps[step, t.STEP_AT] != instant:
            step = _split(center, step, instant)
            reach[t.LATEST, node] = step
            _insert(center.rises, center.sizes, t.RISES, instant, node)
        _shift(steps, step, holds[row], 1)
        row = holds[row, t.NEXT]
    row = center.jobs[job, t.DEVICE_HOLD]
    while row >= 0:
        step = reach[t.LATEST, held[row, t.DEVICE_NODE]]
        center.step_devices[step, held[row, t.POSITION]] += _amount(held[row])
        row = held[row, t.DEVICE_NEXT]
    if center.jobs[job, t.DRAW] > 0:
        step = center.sizes[t.POWER_STEP]
        if steps[step, t.STEP_AT] != instant:
            step = _split(center, step, instant)
            center.sizes[t.POWER_STEP] = step
        steps[step, t.STEP_POWER] += center.jobs[job, t.DRAW]


@compiled
def _begin_power(center: Center, now: int) -> None:
    sizes, first = center.sizes, center.nodes.shape[0]
    center.steps[first, t.STEP_AT], center.steps[first, t.STEP_AFTER] = now, t.NOBODY
    center.steps[first, t.STEP_POWER] = sizes[t.POWER_CAP] - sizes[t.POWER_IN_USE]
    sizes[t.POWER_STEP] = first


@compiled
def draw_between(center: Center, milliwatts: int, start: int, end: int) -> None:
    """Take so much of what the power cap leaves from an instant on, until another."""
    if milliwatts == 0:
        return
    steps, first = center.steps, center.nodes.shape[0]
    step = _step_at(center, first, start)
    if end < t.NEVER:
        _step_at(center, first, end)
    while step >= 0 and steps[step, t.STEP_AT] < end:
        steps[step, t.STEP_POWER] -= milliwatts
        step = steps[step, t.STEP_AFTER]


@compiled
def least_power(center: Center, start: int, end: int) -> int:
    """The least, in milliwatts, that the power cap leaves from an instant until before another."""
    steps = center.steps
    step = _reach(steps, center.nodes.shape[0], start)
    least = steps[step, t.STEP_POWER]
    while steps[step, t.STEP_AFTER] >= 0 and steps[steps[step, t.STEP_AFTER], t.STEP_AT] < end:
        step = steps[step, t.STEP_AFTER]
        least = min(least, steps[step, t.STEP_POWER])
    return int(least)


@compiled
def powered_until(center: Center, draws: int, now: int) -> int:
    """Until when the power cap leaves so much that is left now; NEVER where it does for ever."""
    steps = center.steps
    step = _reach(steps, center.nodes.shape[0], now)
    while step >= 0 and (draws == 0 or steps[step, t.STEP_POWER] >= draws):
        step = steps[step, t.STEP_AFTER]
    return int(steps[step, t.STEP_AT]) if step >= 0 else t.NEVER


@compiled
def _split(center: Center, step: int, instant: int) -> int:
    """A new step from an instant within another on, which ends there; it says the same."""
    steps, row = center.steps, center.sizes[t.STEPS]
    center.sizes[t.STEPS] = row + 1
    copy(steps[row], steps[step])
    steps[row, t.STEP_AT] = instant
    steps[step, t.STEP_AFTER] = row
    copy(center.step_devices[row], center.step_devices[step])
    return int(row)


@compiled
def _shift(steps: Ints, step: int, hold: Ints, sign: int) -> None:
    steps[step, t.STEP_CPU] += sign * hold[t.HELD_CPU]
    steps[step, t.STEP_MEMORY] += sign * hold[t.HELD_MEMORY]
    steps[step, t.STEP_HOLDERS] -= sign
    steps[step, t.STEP_ALONE] -= sign * hold[t.HELD_ALONE]
    steps[step, t.STEP_DISK] += sign * hold[t.HELD_DISK]


@compiled
def _insert(entries: Ints, sizes: Ints, of: int, instant: int, node: int) -> None:
    """Put an instant and a node among those in the order of time, of which ``sizes[of]`` says how many there are."""
    low, high = 0, sizes[of]
    if high > 0 and entries[high - 1, t.AT] <= instant:
        low = high
    while low < high:
        middle = (low + high) // 2
        if entries[middle, t.AT] <= instant:
            low = middle + 1
        else:
            high = middle
    for place in range(sizes[of], low, -1):
        entries[place, t.AT], entries[place, t.AT_NODE] = entries[place - 1, t.AT], entries[place - 1, t.AT_NODE]
    entries[low, t.AT], entries[low, t.AT_NODE] = instant, node
    sizes[of] += 1


@compiled
def occupy(center: Center, job: int, start: int, end: int, now: int) -> None:
    """Take what a job holds from an instant on, until another; the profiles must have that much free."""
    holds, held = center.holds, center.device_holds
    row = center.jobs[job, t.HOLD]
    while row >= 0:
        node = holds[row, t.HELD_NODE]
        if start > now:
            _insert(center.drops, center.sizes, t.DROPS, start, node)
        if end < t.NEVER:
            _insert(center.rises, center.sizes, t.RISES, end, node)
        shift_between(center, holds[row], (start, end), -1)
        row = holds[row, t.NEXT]
    row = center.jobs[job, t.DEVICE_HOLD]
    while row >= 0:
        share_between(center, held[row], (start, end), -1)
        row = held[row, t.DEVICE_NEXT]


@compiled
def shift_between(center: Center, hold: Ints, times: tuple[int, int], sign: int) -> None:
    """Give back (1) or take (-1) what a hold says of one node, from an instant on until another."""
    steps, (start, end) = center.steps, times
    step = _step_at(center, hold[t.HELD_NODE], start)
    if end < t.NEVER:
        _step_at(center, hold[t.HELD_NODE], end)
    while step >= 0 and steps[step, t.STEP_AT] < end:
        _shift(steps, step, hold, sign)
        step = steps[step, t.STEP_AFTER]


@compiled
def share_between(center: Center, held: Ints, times: tuple[int, int], sign: int) -> None:
    """Give back (1) or take (-1) what a hold says of one device, from an instant on until another.

    Its node must have steps that begin then.
    """
    steps, (start, end) = center.steps, times
    step = _step_at(center, held[t.DEVICE_NODE], start)
    while step >= 0 and steps[step, t.STEP_AT] < end:
        center.step_devices[step, held[t.POSITION]] += sign * _amount(held)
        step = steps[step, t.STEP_AFTER]


@compiled
def _step_at(center: Center, node: int, instant: int) -> int:
    """The step of a node that begins at an instant, made if there is none."""
    step = _reach(center.steps, node, instant)
    return step if center.steps[step, t.STEP_AT] == instant else _split(center, step, instant)


@compiled
def _reach(steps: Ints, step: int, instant: int) -> int:
    """The step that an instant lies in, from one on that begins no later."""
    while steps[step, t.STEP_AFTER] >= 0 and steps[steps[step, t.STEP_AFTER], t.STEP_AT] <= instant:
        step = steps[step, t.STEP_AFTER]
    return int(step)


@compiled
def earliest(center: Center, shape: int, need: int, asked: tuple[int, int], times: tuple[int, int]) -> int:
    """The first instant from which some engine's nodes can hold all of the need for as long as it may run.

    ``asked`` are how long that is, and what it could draw, which must be left all the while. The shape must be up to
    date. ``times`` are the present and the last instant of interest, after which NEVER is the answer. ``row`` has then
    what fits on each node for that while. Windows are heeded as at each instant.
    """
    kept_off, within = center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN]
    start = _earliest(center, shape, need, asked, (times[0], times[1], False))
    center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN] = kept_off, within
    return start


@compiled
def earliest_from(center: Center, shape: int, need: int, asked: tuple[int, int], times: tuple[int, int]) -> int:
    """The first such instant from a later one on: the first of ``times``, which is not the present."""
    kept_off, within = center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN]
    start = _earliest(center, shape, need, asked, (times[0], times[1], True))
    center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN] = kept_off, within
    return start


@compiled
def _earliest(center: Center, shape: int, need: int, asked: tuple[int, int], times: tuple[int, int, bool]) -> int:
    """As ``earliest``; the third of ``times`` says that the first of them is to come, and what then must be heeded."""
    rises, drops, sizes, reach, limit = center.rises, center.drops, center.sizes, center.reach, asked[0]
    copy(center.row, center.tasks[shape])
    total = center.spare[0]
    copy(total, center.total[shape])
    for node in range(center.row.size):
        reach[t.CURSOR, node], reach[t.UNTIL, node], reach[t.JUDGED, node] = node, t.NOBODY, t.NOBODY
    least = center.shapes[shape, t.UNIT]
    if center.row.size == 1 and center.shapes[shape, t.BY_NODES] == 0:
        least = max(least, need)
    instant, passed, entered = times[0], 0, 0
    if times[2] and sizes[t.WINDOWS_SIZE] > 0:
        _heed(center, shape, limit, (instant, least), total)
    while True:
        until = min(instant + limit, t.NEVER)
        while passed < sizes[t.RISES] and rises[passed, t.AT] <= instant:
            _judge(center, shape, rises[passed, t.AT_NODE], (instant, until, least), total)
            passed += 1
        while entered < sizes[t.DROPS] and drops[entered, t.AT] < until:
            _judge(center, shape, drops[entered, t.AT_NODE], (instant, until, least), total)
            entered += 1
        if suffices(total, need) and (asked[1] == 0 or least_power(center, instant, until) >= asked[1]):
            return int(instant)
        former, instant = instant, rises[passed, t.AT] if passed < sizes[t.RISES] else t.NEVER
        if sizes[t.WINDOWS_SIZE] > 0:
            instant = min(instant, next_opening(center, shape, former))
        if instant > times[1] or instant >= t.NEVER:
            return t.NEVER
        if sizes[t.WINDOWS_SIZE] > 0:
            _heed(center, shape, limit, (instant, least), total)


@compiled
def _heed(center: Center, shape: int, limit: int, given: tuple[int, int], total: Ints) -> None:
    """Judge the nodes for which a shape must heed something else from an instant on than it did before."""
    shapes, nodes, (instant, least) = center.shapes, center.nodes, given
    kept_off, within = heed_at(center, shape, limit, instant)
    changed, is_moved = shapes[shape, t.KEPT_OFF] ^ kept_off, shapes[shape, t.WITHIN] != within
    shapes[shape, t.KEPT_OFF], shapes[shape, t.WITHIN] = kept_off, within
    if changed == 0 and not is_moved:
        return
    until = min(instant + limit, t.NEVER)
    for node in range(nodes.shape[0]):
        if is_moved or nodes[node, t.RESERVED] & changed:
            _judge(center, shape, node, (instant, until, least), total)


@compiled
def _judge(center: Center, shape: int, node: int, given: tuple[int, int, int], total: Ints) -> None:
    """Find how many tasks fit on a node from an instant to another; of fewer than the least one knows only that.

    What leaves fewer does so for a while, so before its end the node need not be looked at again.
    """
    instant, until, least = given
    reach, row = center.reach, center.row
    if reach[t.UNTIL, node] > instant or reach[t.JUDGED, node] == instant:
        return
    reach[t.JUDGED, node] = instant
    step = _reach(center.steps, reach[t.CURSOR, node], instant)
    reach[t.CURSOR, node] = step
    over, tasks = _narrow(center, shape, node, step, until, least)
    reach[t.UNTIL, node] = over
    if tasks != row[node]:
        gained = weight(center.shapes, shape, tasks) - weight(center.shapes, shape, row[node])
        total[center.nodes[node, t.ENGINE]] += gained
        row[node] = tasks


@compiled
def _narrow(center: Center, shape: int, node: int, step: int, until: int, least: int) -> tuple[int, int]:
    """Set ``both_nodes`` and ``both_devices`` of a node to what is free from the beginning of a step to an instant.

    Returns an instant and how many tasks fit. Where fewer than the least do, tasks are those up to the step that shows
    it, and before the instant there are no more; else the instant is -1.
    """
    steps, nodes, devices, first = center.steps, center.both_nodes, center.both_devices, step
    copy(nodes[node], center.nodes[node])
    copy_devices(devices[node], center.devices[node])
    _set(center, node, step)
    while True:
        tasks, blocker = tasks_on(nodes, devices, center.shapes, shape, node)
        after = steps[step, t.STEP_AFTER]
        if t.FAILS_RESERVED <= blocker <= t.FAILS_OUTSIDE:
            # For how long, windows say and not steps.
            return t.NOBODY, 0
        if tasks < least:
            # Of cpus, memory and disk one step alone leaves too little; of devices perhaps only several together.
            if center.shapes[shape, t.DEVICES] > 0:
                after = steps[first, t.STEP_AFTER]
            return int(steps[after, t.STEP_AT]) if after >= 0 else t.NEVER, tasks
        if after < 0 or steps[after, t.STEP_AT] >= until:
            return t.NOBODY, tasks
        step = after
        _meet(center, node, step)


@compiled
def room_until(center: Center, shape: int, need: int, times: tuple[int, int]) -> tuple[int, int]:
    """Until when there is room for all of the need that has room now, and a node of which less is free from then on.

    The shape must be up to date. ``times`` are the present and the last instant of interest; NEVER where there is room
    all the while. Only what is reserved takes away room.
    """
    drops, sizes, shapes, row, total = center.drops, center.sizes, center.shapes, center.row, center.spare[0]
    copy(row, center.tasks[shape])
    copy(total, center.total[shape])
    place, least, less = 0, shapes[shape, t.UNIT], t.NOBODY
    while place < sizes[t.DROPS] and drops[place, t.AT] < times[1]:
        instant = drops[place, t.AT]
        while place < sizes[t.DROPS] and drops[place, t.AT] == instant:
            node = drops[place, t.AT_NODE]
            _, tasks = _narrow(center, shape, node, _reach(center.steps, node, times[0]), instant + 1, least)
            if weight(shapes, shape, tasks) < weight(shapes, shape, row[node]):
                total[center.nodes[node, t.ENGINE]] += weight(shapes, shape, tasks) - weight(shapes, shape, row[node])
                row[node], less = tasks, node
            place += 1
        if not suffices(total, need):
            return int(instant), int(less)
    return t.NEVER, t.NOBODY


@compiled
def open_between(center: Center, shape: int, node: int, start: int, end: int) -> None:
    """Set ``both_nodes`` and ``both_devices`` of a node to what is free from one instant to another.

    What the shape must heed now does not matter then.
    """
    kept_off, within = center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN]
    center.shapes[shape, t.KEPT_OFF] = center.shapes[shape, t.WITHIN] = 0
    _narrow(center, shape, node, _reach(center.steps, node, start), end, 0)
    center.shapes[shape, t.KEPT_OFF], center.shapes[shape, t.WITHIN] = kept_off, within


@compiled
def _set(center: Center, node: int, step: int) -> None:
    nodes, devices, steps = center.both_nodes, center.both_devices, center.steps
    nodes[node, t.FREE_CPU], nodes[node, t.FREE_MEMORY] = steps[step, t.STEP_CPU], steps[step, t.STEP_MEMORY]
    nodes[node, t.HOLDERS], nodes[node, t.EXCLUSIVE] = steps[step, t.STEP_HOLDERS], steps[step, t.STEP_ALONE]
    nodes[node, t.FREE_DISK] = steps[step, t.STEP_DISK]
    for position in range(devices.shape[1]):
        free, slots = _told(center.step_devices[step, position])
        devices[node, position, t.FREE], devices[node, position, t.SLOTS] = free, slots


@compiled
def _meet(center: Center, node: int, step: int) -> None:
    """Let no more be free than a step leaves."""
    nodes, devices, steps = center.both_nodes, center.both_devices, center.steps
    nodes[node, t.FREE_CPU] = min(nodes[node, t.FREE_CPU], steps[step, t.STEP_CPU])
    nodes[node, t.FREE_MEMORY] = min(nodes[node, t.FREE_MEMORY], steps[step, t.STEP_MEMORY])
    nodes[node, t.HOLDERS] = max(nodes[node, t.HOLDERS], steps[step, t.STEP_HOLDERS])
    nodes[node, t.EXCLUSIVE] = max(nodes[node, t.EXCLUSIVE], steps[step, t.STEP_ALONE])
    nodes[node, t.FREE_DISK] = min(nodes[node, t.FREE_DISK], steps[step, t.STEP_DISK])
    for position in range(devices.shape[1]):
        free, slots = _told(center.step_devices[step, position])
        meet_device(devices, node, position, free, slots)
