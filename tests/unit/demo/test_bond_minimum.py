from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from demo.workloads.bond_scan.gather import TOLERANCE_ANGSTROM, minimum

LENGTHS = np.array([0.80, 0.84, 0.88, 0.92, 0.96, 1.00, 1.04, 1.08])


def morse(lengths: NDArray[np.float64], depth: float, steepness: float, length: float) -> NDArray[np.float64]:
    return depth * (1 - np.exp(-steepness * (lengths - length))) ** 2 - 100.0


@given(depth=st.floats(0.05, 0.4), steepness=st.floats(1.0, 2.5), length=st.floats(0.88, 1.00), shift=st.integers(0, 7))
def test_the_minimum_of_a_morse_curve_is_found_far_inside_the_tolerance(
    depth: float, steepness: float, length: float, shift: int
) -> None:
    lengths = np.roll(LENGTHS, shift)
    found, energy = minimum(lengths, morse(lengths, depth, steepness, length))
    assert found == pytest.approx(length, abs=TOLERANCE_ANGSTROM / 5)
    assert energy == pytest.approx(-100.0, abs=1e-4)


def test_a_polynomial_is_found_exactly() -> None:
    found, energy = minimum(LENGTHS, 3 * (LENGTHS - 0.93) ** 2 - 5)
    assert (found, energy) == pytest.approx((0.93, -5.0), abs=1e-9)


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_points_that_only_fall_or_rise_enclose_no_minimum(slope: float) -> None:
    with pytest.raises(ValueError, match="0 minima"):
        minimum(LENGTHS, slope * LENGTHS + 0.1 * LENGTHS**2)


def test_a_maximum_is_no_minimum() -> None:
    with pytest.raises(ValueError, match="0 minima"):
        minimum(LENGTHS, -((LENGTHS - 0.93) ** 2))
