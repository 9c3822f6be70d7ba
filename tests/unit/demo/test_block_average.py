from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from demo.workloads.lennard_jones.liquid import BLOCKS, BOUND, ENERGY, Reference, block_average, compare


def autoregressive(length: int, memory: float, seed: int) -> NDArray[np.float64]:
    """x[i + 1] = memory * x[i] + noise of unit variance, whose mean's error is known in closed form."""
    noise = np.random.default_rng(seed).normal(size=length)
    series = np.empty(length)
    series[0] = noise[0] / math.sqrt(1 - memory**2)
    for at in range(1, length):
        series[at] = memory * series[at - 1] + noise[at]
    return series


def test_means_of_known_blocks() -> None:
    mean, error = block_average(np.array([1.0, 3.0, 5.0, 7.0]), 2)
    assert mean == 4.0
    assert error == pytest.approx(2.0)


def test_what_fills_no_block_is_dropped_from_the_start() -> None:
    assert block_average(np.array([1000.0, 1.0, 3.0, 5.0, 7.0]), 2) == block_average(np.array([1.0, 3.0, 5.0, 7.0]), 2)


def test_a_constant_has_no_error() -> None:
    assert block_average(np.full(100, 2.5), 10) == (2.5, 0.0)


def test_the_error_is_that_of_a_correlated_series() -> None:
    memory, length = 0.9, 20_000
    true_error = 1 / ((1 - memory) * math.sqrt(length))
    errors = [block_average(autoregressive(length, memory, seed), BLOCKS)[1] for seed in range(20)]
    assert np.mean(errors) == pytest.approx(true_error, rel=0.1)
    naive = autoregressive(length, memory, 0).std() / math.sqrt(length)
    assert naive < true_error / 3


def test_the_mean_is_within_the_bound_that_the_demonstration_sets() -> None:
    deviations = []
    for seed in range(50):
        mean, error = block_average(autoregressive(8000, 0.8, seed), BLOCKS)
        deviations.append(abs(mean / error))
    assert max(deviations) < BOUND
    assert 0.55 < float(np.mean(np.array(deviations) < 1)) < 0.8


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_too_few_samples_or_blocks_are_refused(blocks: int) -> None:
    with pytest.raises(ValueError, match="do not fill"):
        block_average(np.array([1.0, 2.0, 3.0, 4.0]), blocks)


def test_a_liquid_without_its_tail_is_caught() -> None:
    fluctuation = autoregressive(16_000, 0.8, 3) * 0.01
    assert compare(ENERGY.mean + fluctuation, ENERGY).passed
    assert not compare(ENERGY.mean + 0.31 + fluctuation, ENERGY).passed


def test_a_run_too_short_to_tell_does_not_pass() -> None:
    noisy = autoregressive(400, 0.0, 1)
    assert not compare(noisy, Reference(mean=0.0, error=0.1, coarsest=0.001)).passed
    assert not compare(np.zeros(400), Reference(mean=0.0, error=0.1, coarsest=0.001)).passed
