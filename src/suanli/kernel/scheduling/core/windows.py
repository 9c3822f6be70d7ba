"""Advance reservations before and behind the present: what a shape must keep off at another instant, and what follows.

What a shape's row says of windows holds at the present. Work that starts at an instant keeps off every window that
begins before it would end and ends after that instant, other than the one that it names; there it must begin and end.
"""

from __future__ import annotations

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.feasible import count
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.tables import Center


@compiled
def _is_own(within: int, bit: int) -> bool:
    return bool((within >> bit) & 1)


@compiled
def see_at(center: Center, shape: int, limit: int, instant: int) -> None:
    """Let a shape be judged as at an instant, for work of that limit, on the nodes where that makes a difference."""
    kept_off, own = heed_at(center, shape, limit, instant)
    see(center, shape, kept_off, own)


@compiled
def heed_at(center: Center, shape: int, limit: int, instant: int) -> tuple[int, int]:
    """What work of a shape and that limit must keep off, and lie within, if it starts at an instant."""
    windows, within = center.windows, center.shapes[shape, t.WITHIN]
    kept_off, own = 0, within & ~t.CLOSED
    for bit in range(center.sizes[t.WINDOWS_SIZE]):
        begins, ends = windows[bit, t.WINDOW_START], windows[bit, t.WINDOW_END]
        if _is_own(within, bit):
            if instant < begins or instant + limit > ends:
                own |= t.CLOSED
        elif begins < instant + limit and ends > instant:
            kept_off |= 1 << bit
    if within == t.CLOSED:
        own = within
    return kept_off, own


@compiled
def see(center: Center, shape: int, kept_off: int, within: int) -> None:
    """Let a shape keep off these windows and lie within those, and judge it anew where that makes a difference."""
    shapes, nodes = center.shapes, center.nodes
    changed, is_moved = shapes[shape, t.KEPT_OFF] ^ kept_off, shapes[shape, t.WITHIN] != within
    shapes[shape, t.KEPT_OFF], shapes[shape, t.WITHIN] = kept_off, within
    if changed == 0 and not is_moved:
        return
    for node in range(nodes.shape[0]):
        if is_moved or nodes[node, t.RESERVED] & changed:
            count(nodes, center.devices, shapes, center.tasks[shape], center.total[shape], shape, node)


@compiled
def next_opening(center: Center, shape: int, instant: int) -> int:
    """The first instant after this one at which a window may let a shape have nodes, NEVER where there is none."""
    windows, within, first = center.windows, center.shapes[shape, t.WITHIN], t.NEVER
    for bit in range(center.sizes[t.WINDOWS_SIZE]):
        opens = windows[bit, t.WINDOW_START if _is_own(within, bit) else t.WINDOW_END]
        if instant < opens < first:
            first = opens
    return int(first)


@compiled
def is_crossed(center: Center, shape: int, limit: int, now: int, start: int) -> bool:
    """Tell whether work of that limit must heed something else at some instant up to a start than at the present."""
    windows, within = center.windows, center.shapes[shape, t.WITHIN]
    last = t.NEVER if max(start, limit) >= t.NEVER else start + limit
    for bit in range(center.sizes[t.WINDOWS_SIZE]):
        begins, ends = windows[bit, t.WINDOW_START], windows[bit, t.WINDOW_END]
        if _is_own(within, bit):
            if now < begins <= start or now + limit <= ends < last:
                return True
        elif now < ends <= start or now + limit <= begins < last:
            return True
    return False
