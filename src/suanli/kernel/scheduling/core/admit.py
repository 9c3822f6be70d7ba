"""What every turn asks of a waiting job, and how one begins to run, whatever is kept for others."""

from __future__ import annotations

from suanli.kernel.scheduling.core import lists
from suanli.kernel.scheduling.core.feasible import holdable, refresh
from suanli.kernel.scheduling.core.jit import compiled
from suanli.kernel.scheduling.core.place import hold, lay
from suanli.kernel.scheduling.core.tables import (
    ACTIVE,
    ARRAY,
    END,
    LIMIT,
    LOG_SIZE,
    MOST,
    NEED,
    NEVER,
    SEEN,
    SHAPE,
    Center,
)


@compiled
def is_full(center: Center, job: int) -> bool:
    """Tell whether as many of the job's array run as may."""
    array, bounds = center.jobs[job, ARRAY], center.bounds
    return bool(array > 0 and bounds[array, ACTIVE] >= bounds[array, MOST])


@compiled
def fits(center: Center, job: int, policy: int) -> bool:
    """Tell whether there is room for all of a job now."""
    shape = center.jobs[job, SHAPE]
    if center.shapes[shape, SEEN] != center.sizes[LOG_SIZE]:
        refresh(center, shape, policy)
    return holdable(center.total, shape, center.jobs[job, NEED])


@compiled
def begin(center: Center, job: int, now: int, chosen: int, beside: bool) -> None:
    """Let a job run on the chosen nodes; ``beside`` where only what is not kept of them may be taken."""
    jobs = center.jobs
    hold(center, job, chosen, beside)
    lay(center, job)
    jobs[job, END] = min(now + jobs[job, LIMIT], NEVER)
    center.bounds[jobs[job, ARRAY], ACTIVE] += 1
    lists.start(center, job)
