"""Gather the scan's eight points, fit the minimum, compare it with the measured bond length, and draw the curve.

Reads ``point-0.json`` .. ``point-7.json`` from the working directory; writes ``bond.json`` and ``bond.png`` there.
Ends with 1 when a point is missing, the points enclose no minimum, or the bond length is out of tolerance.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

POINTS = 8
DEGREE = 5
"""The lowest degree that follows the eight energies to a few microhartree, so that the fit moves the minimum by less
than 1e-4 angstrom."""

REFERENCE_ANGSTROM = 0.916808
"""r_e of HF: K. P. Huber and G. Herzberg, Molecular Spectra and Molecular Structure IV: Constants of Diatomic
Molecules, Van Nostrand Reinhold, 1979; NIST Chemistry WebBook, SRD 69, hydrogen fluoride."""

TOLERANCE_ANGSTROM = 0.002
"""What the method is good for: a finite basis and a frozen core misplace the bond length by up to about this much."""


def minimum(lengths: NDArray[np.float64], energies: NDArray[np.float64]) -> tuple[float, float]:
    """Where the least-squares polynomial through the points has its minimum, and its value there.

    Both arrays have one entry a point; the results are in the units of ``lengths`` and ``energies``. Raises
    ValueError when the polynomial has no minimum, or more than one, between the shortest and the longest length.
    """
    curve = Polynomial.fit(lengths, energies, DEGREE)
    slope, curvature = curve.deriv(), curve.deriv(2)
    found = [
        float(root.real)
        for root in slope.roots()
        if abs(root.imag) < 1e-9 and lengths.min() < root.real < lengths.max() and curvature(root.real) > 0
    ]
    if len(found) != 1:
        raise ValueError(f"the points enclose {len(found)} minima, not one")
    return found[0], float(curve(found[0]))


def draw(lengths: NDArray[np.float64], energies: NDArray[np.float64], length: float, energy: float, path: Path) -> None:
    """Write the points, their polynomial and the minimum as a PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - absent where the fit runs without a picture

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    fine = np.linspace(lengths.min(), lengths.max(), 200)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(fine, Polynomial.fit(lengths, energies, DEGREE)(fine), label=f"polynomial of degree {DEGREE}")
    axes.plot(lengths, energies, "o", label="CCSD(T)/cc-pVTZ")
    axes.plot(length, energy, "x", label=f"minimum at {length:.4f} Å")
    axes.axvline(REFERENCE_ANGSTROM, linestyle=":", color="gray", label=f"measured {REFERENCE_ANGSTROM:.4f} Å")
    axes.set(xlabel="H–F distance / Å", ylabel="energy / hartree", title="Hydrogen fluoride")
    axes.legend()
    staged = path.with_name(f"{path.name}.part")
    figure.savefig(staged, format="png", dpi=150)
    staged.replace(path)


def main() -> int:
    """Fit, compare, write; 0 when the bond length is right."""
    try:
        points = [json.loads(Path(f"point-{index}.json").read_text()) for index in range(POINTS)]
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 1
    lengths = np.array([point["length_angstrom"] for point in points])
    energies = np.array([point["energy_hartree"] for point in points])
    try:
        length, energy = minimum(lengths, energies)
    except ValueError as failure:
        print(failure, file=sys.stderr)
        return 1
    passed = abs(length - REFERENCE_ANGSTROM) <= TOLERANCE_ANGSTROM
    draw(lengths, energies, length, energy, Path("bond.png"))
    staged = Path("bond.json.part")
    result = {
        "length_angstrom": length,
        "energy_hartree": energy,
        "reference_angstrom": REFERENCE_ANGSTROM,
        "tolerance_angstrom": TOLERANCE_ANGSTROM,
        "passed": passed,
    }
    staged.write_text(json.dumps(result, indent=2) + "\n")
    staged.replace("bond.json")
    verdict = "agrees with" if passed else "is off from"
    print(f"r_e = {length:.5f} angstrom {verdict} {REFERENCE_ANGSTROM} within {TOLERANCE_ANGSTROM}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
