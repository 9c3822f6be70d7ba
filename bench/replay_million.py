"""Seconds of processor time in which a million Lublin jobs are replayed with EASY on 10,000 nodes of one processor.

The jobs are those of lublin_256.swf, a log of Lublin and Feitelson's model for 256 processors. 39 streams of it, each
begun at another job and lived through again and again, make the load of about as many such machines; submissions are
stretched so that 90 % of the processors are asked for. Machine code is ready before.
"""

from __future__ import annotations

import time

import numpy as np

from bench.rig.logs import log
from bench.rig.report import figure, machine
from suanli.kernel.replay.center import CenterDescription, NodeGroup
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import bounded_slowdown, run_s, wait_s
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace, make_trace

JOBS, NODES, STREAMS = 1_000_000, 10_000, 39
LOAD = 0.9
SEED = 0


def million(whole: Trace) -> Trace:
    """The jobs, from streams of a log, at the load that is wanted."""
    span = int(whole.submitted_us[-1] - whole.submitted_us[0])
    of_stream = np.arange(-(-JOBS // STREAMS))
    jobs, submitted = [], []
    for first in np.random.default_rng(SEED).integers(len(whole), size=STREAMS):
        lap, job = np.divmod(first + of_stream, len(whole))
        jobs.append(job)
        submitted.append(whole.submitted_us[job] - whole.submitted_us[first] + lap * span)
    order = np.argsort(np.concatenate(submitted), kind="stable")[:JOBS]
    job, at = np.concatenate(jobs)[order], np.concatenate(submitted)[order]
    asked = float((whole.tasks[job] * whole.runtime_us[job]).sum()) / float(at[-1]) / NODES
    return make_trace(
        {
            "number": np.arange(JOBS),
            "submitted_us": (at * asked / LOAD).astype(np.int64),
            "runtime_us": whole.runtime_us[job],
            "requested_us": whole.requested_us[job],
            "tasks": whole.tasks[job],
        }
    )


def main() -> None:
    """Measure and print the figure."""
    print(machine())
    trace = million(log("lublin_256.swf").trace)
    group = NodeGroup(prefix="n", count=NODES, cpu_milli=1000, memory_bytes=2**40)
    center = CenterDescription(groups=(group,))
    replay(trace.select(slice(100)), center, POLICIES["easy"])
    began = time.process_time()
    outcome = replay(trace, center, POLICIES["easy"])
    took = time.process_time() - began
    wait = wait_s(trace, outcome)
    slow = bounded_slowdown(wait, run_s(outcome))
    print(f"{1e6 * took / JOBS:.1f} us a job; at most {outcome.waiting.max()} wait; mean wait {wait.mean():.0f} s")
    print(
        f"average bounded slowdown {slow.mean():.2f}; {trace.tasks.mean():.1f} nodes a job, at most {trace.tasks.max()}"
    )
    print(figure("replay-million", took, None, "s", lower_is_better=True))


if __name__ == "__main__":
    main()
