"""From allocations to placements."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from suanli.kernel.scheduling.heterogeneity.fairness import max_min
from suanli.kernel.scheduling.heterogeneity.problem import Allocation, Pairs, Problem, Reals
from suanli.kernel.scheduling.heterogeneity.rounds import WAITS, place_round, remember
from tests.unit.kernel.scheduling.heterogeneity.problems import problem, problems


def shares_after(found: Problem, allocation: Allocation, rounds: int) -> Reals:
    """The part of the rounds for which each unit held each model."""
    received = np.zeros_like(allocation)
    for _ in range(rounds):
        received = remember(received, place_round(found, allocation, received), 1.0, 1.0)
    return received / rounds


def test_who_received_least_of_what_is_due_goes_first() -> None:
    found, allocation = problem([[1], [1]], [1]), np.array([[0.5], [0.5]])
    assert place_round(found, allocation, np.array([[360.0], [0.0]])).tolist() == [WAITS, 0]
    assert place_round(found, allocation, np.array([[360.0], [720.0]])).tolist() == [0, WAITS]


def test_rounds_come_to_what_the_allocation_says() -> None:
    found, allocation = problem([[1, 1], [1, 1], [1, 1]], [1, 1]), np.array([[0.6, 0.4], [0.2, 0.2], [0.2, 0.4]])
    np.testing.assert_allclose(shares_after(found, allocation, 400), allocation, atol=0.05)


def test_a_gang_takes_all_its_devices_of_one_model_or_waits() -> None:
    found = problem([[1, 1], [1, 1]], [2, 1], scale=[2, 1])
    assert place_round(found, np.array([[0.1, 0], [0.9, 0]]), np.array([[0.0, 0], [100.0, 0]])).tolist() == [0, 1]
    assert place_round(found, np.array([[0.1, 0], [0.9, 0]]), np.array([[100.0, 0], [0.0, 0]])).tolist() == [WAITS, 0]


def test_idle_devices_go_to_who_is_owed_none_fastest_model_first() -> None:
    found = problem([[1, 2], [1, 3]], [1, 1])
    assert place_round(found, np.zeros((2, 2)), np.zeros((2, 2))).tolist() == [1, 0]
    assert place_round(found, np.array([[0, 0.5], [0, 0]]), np.array([[0, 9.0], [0, 0]])).tolist() == [1, 0]
    assert place_round(problem([[0, 0]], [1, 2]), np.zeros((1, 2)), np.zeros((1, 2))).tolist() == [WAITS]


def test_a_pair_keeps_both_its_jobs_from_running_elsewhere() -> None:
    pair = Pairs(np.array([0]), np.array([1]), np.array([[[0.9, 0], [0.9, 0]]]))
    found = problem([[1, 1], [1, 1]], [1, 1], pairs=pair)
    assert place_round(found, np.array([[0, 0], [0, 0], [1.0, 0]]), np.zeros((3, 2))).tolist() == [WAITS, WAITS, 0]
    assert place_round(
        found, np.array([[0, 0.5], [0, 0], [0.5, 0]]), np.array([[0, 1.0], [0, 0], [5.0, 0]])
    ).tolist() == [
        1,
        0,
        WAITS,
    ]


def test_memory_fades() -> None:
    assert remember(np.array([[10.0, 4.0]]), np.array([1]), 6.0, 0.5).tolist() == [[5.0, 8.0]]
    assert remember(np.array([[10.0, 4.0]]), np.array([WAITS]), 6.0, 0.5).tolist() == [[5.0, 2.0]]


@given(found=problems())
@settings(max_examples=60, deadline=None)
def test_a_round_never_gives_out_more_than_there_is_and_leaves_nothing_that_fits(found: Problem) -> None:
    placed = place_round(found, max_min(found), np.zeros((found.units, found.devices.size)))
    taken = np.array([found.scale[placed == model].sum() for model in range(found.devices.size)])
    assert (taken <= found.devices).all()
    for job, model in enumerate(placed):
        assert model == WAITS or found.usable[job, model]
        if model == WAITS:
            assert not (found.usable[job] & (found.devices - taken >= found.scale[job])).any()
