"""A day of shared, whole and scarce devices worked out on paper, by what speaks for a device and by its model."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from suanli.kernel.replay import metrics
from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.resources import resources
from suanli.kernel.replay.trace import Trace, make_trace
from tests.unit.kernel.replay.plain import SECOND, seconds

near = pytest.approx


@dataclass(frozen=True)
class Job:
    """Seconds, and what each task asks for; bit 1 is model A, bit 2 model B."""

    submitted: int
    runtime: int
    devices: int
    share: int = 1000
    models: int = 0
    tasks: int = 1
    cpus: float = 1


def trace_of(*jobs: Job) -> Trace:
    return make_trace(
        {
            "number": range(len(jobs)),
            "submitted_us": [job.submitted * SECOND for job in jobs],
            "runtime_us": [job.runtime * SECOND for job in jobs],
            "requested_us": [job.runtime * SECOND for job in jobs],
            "tasks": [job.tasks for job in jobs],
            "cpu_milli": [round(1000 * job.cpus) for job in jobs],
            "device_count": [job.devices for job in jobs],
            "device_share": [job.share for job in jobs],
            "device_models": np.array([job.models for job in jobs], dtype=np.uint64),
        },
        models=("A", "B"),
    )


def center_of(*nodes: dict[str, int], cpus: int = 8, watts: int = 0) -> CenterDescription:
    """Nodes with so many devices of each model; each device draws so much when it is held, and a tenth of it idle."""
    power: Any = {"power": {"idle_w": watts / 10, "max_w": watts}}
    groups = [
        {
            "cpus": cpus,
            "memory": "1TiB",
            "devices": [{"model": name, "count": count} | power for name, count in one.items()],
        }
        for one in nodes
    ]
    return from_mapping({"nodes": groups})


def lived(center: CenterDescription, *jobs: Job, policy: str = "easy") -> Outcome:
    return replay(trace_of(*jobs), center, POLICIES[policy])


@pytest.mark.parametrize(
    ("policy", "starts"),
    [
        pytest.param("easy", [0, 1, 2, 100], id="the first that fits"),
        pytest.param("easy-packing", [0, 1, 2, 100], id="packing shares what is shared"),
        pytest.param("easy-best-fit", [0, 1, 2, 100], id="best fit"),
        pytest.param("easy-worst-fit", [0, 1, 100, 150], id="worst fit spreads the halves"),
    ],
)
def test_two_halves_leave_a_whole_device_or_none(policy: str, starts: list[int]) -> None:
    """Two nodes of a device: two halves until 100 s, then who wants a whole one for 50 s, then who wants both.

    Where the halves share a device the third starts at 2 s; it is gone at 52 s, and both are free when the halves end.
    Else the third takes the device that is free first at 100 s, and the fourth has both only when that ends.
    """
    jobs = (Job(0, 100, 1, 500), Job(1, 99, 1, 500), Job(2, 50, 1), Job(3, 10, 1, tasks=2))
    outcome = lived(center_of({"A": 1}, {"A": 1}), *jobs, policy=policy)
    assert seconds(outcome.started_us) == starts


def test_a_day_of_shares_by_hand() -> None:
    """Two devices; what is held of them, what is waited for, what is lost, and what it all draws.

    At 0 s 300 and 600 thousandths share the first device, and 200 at 10 s lie on the second, for on the first 100 are
    left. At 20 s two whole devices are wanted: until 60 s, when the last share ends. 800 wanted at 30 s fit beside the
    200 until 50 s, for that is before 60 s.
    """
    center = center_of({"A": 2}, watts=100)
    jobs = (Job(0, 60, 1, 300), Job(0, 40, 1, 600), Job(10, 50, 1, 200), Job(20, 30, 2), Job(30, 20, 1, 800))
    trace, outcome = trace_of(*jobs), lived(center, *jobs)
    assert seconds(outcome.started_us) == [0, 0, 10, 60, 30]
    assert seconds(outcome.time_us) == [0, 10, 20, 30, 40, 50, 60, 90]
    assert outcome.device_share.tolist() == [900, 1100, 1100, 1900, 1300, 500, 2000, 0]
    device = resources(trace, outcome, center)["device"]
    assert device.held.tolist() == outcome.device_share.tolist()
    assert device.waited_for.tolist() == [0, 0, 2000, 2000, 2000, 2000, 0, 0]
    assert device.lost.tolist() == [0, 0, 900, 100, 700, 1500, 0, 0]
    found = metrics.summary(trace, outcome, center)
    held = 900 * 10 + 1100 * 20 + 1900 * 10 + 1300 * 10 + 500 * 10 + 2000 * 30
    assert found.resources["device"].held == near(held / (2000 * 90))
    assert found.resources["device"].lost == near((900 + 100 + 700 + 1500) * 10 / (2000 * 90))
    # Two devices idle at 10 W each for 90 s; each thousandth held draws 0.09 W more.
    assert found.energy_j == near(2 * 10 * 90 + 0.09 * held)
    assert found.peak_draw_w == near(180)
    # By devices and cpus, whichever are more: a job of two devices and one cpu is one of two.
    assert [one.count for one in found.wait_by_size] == [4, 1, 0, 0, 0, 0]
    assert found.wait_by_size[1].max == 40


def test_models_that_will_do_are_waited_for_and_others_left_free() -> None:
    """One A and one B. The first takes A. Who insists on A waits until 50 s; who takes any has B at once; who insists
    on B waits for that (30 s), and passes nobody by it, for nobody else wants B."""
    center = center_of({"A": 1}, {"B": 1})
    jobs = (Job(0, 50, 1, models=1), Job(1, 10, 1, models=1), Job(2, 28, 1), Job(3, 10, 1, models=2))
    assert seconds(lived(center, *jobs).started_us) == [0, 50, 2, 30]
    # In the order of submission, none passes: the third waits behind the second, though B is free.
    assert seconds(lived(center, *jobs, policy="fcfs").started_us) == [0, 50, 50, 78]


def test_a_gang_takes_its_devices_node_by_node() -> None:
    """Three tasks of two devices each on nodes of four, two and one: two tasks and one, and none on the third."""
    center = center_of({"A": 4}, {"A": 2}, {"A": 1})
    jobs = (Job(0, 10, 2, tasks=3), Job(1, 5, 1), Job(2, 5, 2, tasks=4))
    outcome = lived(center, *jobs)
    # One device is left for the second; four tasks of two never fit.
    assert seconds(outcome.started_us) == [0, 1, -1]
    assert outcome.device_share.tolist() == [6000, 7000, 7000, 6000, 0]


def test_devices_without_cpus_are_lost_to_those_who_wait() -> None:
    """Four devices beside two cpus: two jobs hold all the cpus, and two devices lie idle though two jobs wait."""
    center = center_of({"A": 4}, cpus=2)
    jobs = tuple(Job(0, 10, 1) for _ in range(4))
    trace, outcome = trace_of(*jobs), lived(center, *jobs)
    assert seconds(outcome.started_us) == [0, 0, 10, 10]
    found = metrics.summary(trace, outcome, center)
    assert found.resources["device"].held == near(0.5)
    assert found.resources["device"].lost == near(0.25)
    assert found.resources["cpu"].lost == 0


FREE_PAIRS = tuple(Job(at, 100, 1 if at < 2 else 2, cpus=4 if at < 2 else 1) for at in range(40))


@pytest.mark.parametrize(("policy", "least"), [("easy-worst-fit", 2000), ("easy-packing", 0)])
def test_single_devices_are_of_no_use_to_pairs(policy: str, least: int) -> None:
    """Two nodes of two devices and eight cpus; thirty-eight of forty want pairs.

    The first two, of one device each, lie on one node where they are packed: then nothing is of no use. Spread over
    both nodes each leaves one device that no pair can have.
    """
    outcome = lived(center_of({"A": 2}, {"A": 2}), *FREE_PAIRS, policy=policy)
    seen = dict(zip(seconds(outcome.looked_at_us), outcome.fragmented_share.tolist(), strict=True))
    assert seen[0] == 1000
    assert seen[1] == least
    assert (seen[2], outcome.device_share[2]) == (least, 2000 if least else 4000)


PROGRAM = """
import hashlib
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES
from tests.unit.kernel.replay.test_day_of_devices import FREE_PAIRS, Job, center_of, trace_of
jobs = [*FREE_PAIRS[:3], *(Job(20 + n, 5 + n % 7, n % 3, 250 + 250 * (n % 4), n % 4, 1 + n % 3) for n in range(12))]
found = hashlib.sha256()
for name in ("easy", "conservative", "fair-share", "slowdown"):
    outcome = replay(trace_of(*jobs), center_of({"A": 3, "B": 1}, {"B": 2}, {"A": 2}, watts=70), POLICIES[name])
    for column in type(outcome).__dataclass_fields__:
        found.update(getattr(outcome, column).tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
def test_every_process_gives_the_same_bits_however_names_are_hashed() -> None:
    """Python hashes texts by a secret of each process, so sets of names are in another order in each."""
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={
                **os.environ,
                "NUMBA_DISABLE_JIT": "1",
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert len(told) == 1
    assert len(told.pop().strip()) == 64
