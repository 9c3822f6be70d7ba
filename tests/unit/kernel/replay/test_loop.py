"""Replays of real logs give what was published for them, and small ones what a hand gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.formats.swf import from_swf_header, read_swf
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.metrics import bounded_slowdown, run_s, wait_s
from suanli.kernel.replay.outcome import Outcome
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.trace import Trace, make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError, NotFoundError

KTH = Path(__file__).resolve().parents[5] / "shared" / "data" / "traces" / "swf" / "KTH-SP2-filtered.swf"
SECOND = 1_000_000


def nodes(count: int, cpus: int = 1, devices: tuple[DeviceGroup, ...] = ()) -> CenterDescription:
    group = NodeGroup(prefix="n", count=count, cpu_milli=1000 * cpus, memory_bytes=2**40, devices=devices)
    return CenterDescription(groups=(group,))


def jobs(*rows: tuple[int, int, int, int], **more: list[int]) -> Trace:
    """Submitted, runtime, requested (s) and tasks of each."""
    submitted, runtime, requested, tasks = (np.array(column) for column in zip(*rows, strict=True))
    return make_trace(
        {
            "number": np.arange(len(rows)),
            "submitted_us": submitted * SECOND,
            "runtime_us": runtime * SECOND,
            "requested_us": requested * SECOND,
            "tasks": tasks,
            **more,  # type: ignore[dict-item]
        },
        models=("A", "B"),
    )


def starts(outcome: Outcome) -> list[int]:
    return [int(one) // SECOND if one < NEVER else -1 for one in outcome.started_us]


def test_work_behind_the_head_starts_only_where_it_does_not_delay_it() -> None:
    trace = jobs((0, 10, 10, 2), (1, 5, 5, 4), (2, 8, 8, 2), (3, 9, 9, 2))
    assert starts(replay(trace, nodes(4), POLICIES["easy"])) == [0, 10, 2, 15]
    assert starts(replay(trace, nodes(4), POLICIES["fcfs"])) == [0, 10, 15, 15]


def test_with_a_reservation_for_everybody_work_delays_nobody_in_front_of_it() -> None:
    # The last could run beside the second, which EASY looks after; but it would delay the third, which needs all nodes.
    trace = jobs((0, 10, 10, 2), (1, 5, 5, 3), (2, 5, 5, 4), (3, 20, 20, 1))
    assert starts(replay(trace, nodes(4), POLICIES["easy"])) == [0, 10, 23, 3]
    assert starts(replay(trace, nodes(4), POLICIES["conservative"])) == [0, 10, 15, 20]
    assert starts(replay(trace, nodes(4), Policy(backfill=2))) == [0, 10, 15, 20]


def test_a_run_that_outlives_its_prediction_is_expected_to_end_later() -> None:
    # The user's first two runs take a second, so the third, of ten, is first expected to take one.
    trace = jobs((0, 1, 100, 1), (2, 1, 100, 1), (4, 10, 100, 1), (5, 3, 3, 2), (6, 4, 4, 1))
    outcome = replay(trace, nodes(2), Policy(prediction="last_two", believed=True))
    assert starts(outcome) == [0, 2, 4, 14, 6]


def test_devices_of_the_model_asked_for_are_held_and_shared() -> None:
    center = CenterDescription(
        groups=(
            *nodes(1, 8, (DeviceGroup(model="A", count=1),)).groups,
            *nodes(1, 8, (DeviceGroup(model="B", count=2),)).groups,
        )
    )
    rows = [(0, 10, 10, 1)] * 4
    halves = jobs(*rows, device_count=[1] * 4, device_share=[500] * 4, device_models=[1] * 4)
    assert starts(replay(halves, center, POLICIES["easy"])) == [0, 0, 10, 10]
    any_model = jobs(*rows, device_count=[1] * 4)
    outcome = replay(any_model, center, POLICIES["easy"])
    assert starts(outcome) == [0, 0, 0, 10]
    assert int(outcome.device_share.max()) == 3000


def test_work_that_fits_nowhere_waits_for_ever_and_holds_up_nobody() -> None:
    outcome = replay(jobs((0, 5, 5, 3), (1, 5, 5, 1)), nodes(2), POLICIES["easy"])
    assert starts(outcome) == [-1, 1]
    assert int(outcome.waiting[-1]) == 1


def test_what_the_tables_cannot_tell_apart_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        replay(jobs((0, 1, 1, 1)), nodes(1, 1, (DeviceGroup(model="A", count=63),)), POLICIES["easy"])
    with pytest.raises(NotFoundError):
        replay(jobs((0, 1, 1, 1)), nodes(1), Policy(order="alphabetical"))
    with pytest.raises(NotFoundError):
        replay(jobs((0, 1, 1, 1)), nodes(1), Policy(backfill="liberal"))
    with pytest.raises(InvalidRequestError):
        replay(jobs((0, 1, 1, 1)), nodes(1), Policy(backfill=-1))


@pytest.mark.slow
@pytest.mark.skipif(not KTH.is_file(), reason="../shared/data/traces/swf/KTH-SP2-filtered.swf is not there")
@pytest.mark.parametrize(
    ("policy", "published", "within"), [("easy", 92.577, 0.001), ("easy-clairvoyant-sjbf", 49.848, 0.01)]
)
def test_kth_gives_the_published_average_on_one_node_and_on_a_hundred(
    policy: str, published: float, within: float
) -> None:
    log = read_swf(KTH.read_text(encoding="utf-8"))
    small = replay(log.trace, from_swf_header(log.header), POLICIES[policy])
    large = replay(log.trace, nodes(1, 100), POLICIES[policy])
    assert small.started_us.tolist() == large.started_us.tolist()
    slow = bounded_slowdown(wait_s(log.trace, small), run_s(small))
    assert slow.mean() == pytest.approx(published, rel=within)


@pytest.mark.slow
@pytest.mark.skipif(not KTH.is_file(), reason="../shared/data/traces/swf/KTH-SP2-filtered.swf is not there")
def test_our_order_beats_the_published_variants_on_kth_without_a_longer_tail_than_easy() -> None:
    log = read_swf(KTH.read_text(encoding="utf-8"))
    ours, easy = (
        bounded_slowdown(wait_s(log.trace, one), run_s(one))
        for one in (replay(log.trace, nodes(1, 100), POLICIES[name]) for name in ("slowdown", "easy"))
    )
    assert ours.mean() < 42
    assert np.quantile(ours, 0.99) <= np.quantile(easy, 0.99)
    assert ours.max() <= easy.max()
