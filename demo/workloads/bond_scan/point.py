"""Compute one point of hydrogen fluoride's potential energy curve: CCSD(T)/cc-pVTZ with a frozen core, by PySCF.

The index of the bond length comes from SUANLI_ARRAY_INDEX, as an array of eight hands it out; the point is written to
``point-<index>.json`` in the working directory. Ends with 1 when an iteration does not converge.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pyscf import cc, gto, scf  # type: ignore[import-not-found]

LENGTHS_ANGSTROM = (0.80, 0.84, 0.88, 0.92, 0.96, 1.00, 1.04, 1.08)
CORE_ORBITALS = 1


def energy_hartree(length_angstrom: float) -> float:
    """Total energy of HF at this bond length, in hartree; raises ArithmeticError where it does not converge."""
    molecule = gto.M(atom=f"H 0 0 0; F 0 0 {length_angstrom}", unit="angstrom", basis="cc-pvtz", verbose=0)
    reference = scf.RHF(molecule).run(conv_tol=1e-10)
    correlated = cc.CCSD(reference, frozen=CORE_ORBITALS).run(conv_tol=1e-8)
    if not (reference.converged and correlated.converged):
        raise ArithmeticError(f"no convergence at {length_angstrom} angstrom")
    return float(correlated.e_tot + correlated.ccsd_t())


def main() -> int:
    """Compute and write the point this element of the array stands for."""
    index = int(os.environ["SUANLI_ARRAY_INDEX"])
    if not 0 <= index < len(LENGTHS_ANGSTROM):
        print(f"SUANLI_ARRAY_INDEX is {index}; the scan has points 0..{len(LENGTHS_ANGSTROM) - 1}", file=sys.stderr)
        return 1
    length = LENGTHS_ANGSTROM[index]
    try:
        energy = energy_hartree(length)
    except ArithmeticError as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"point {index}: {length:.2f} angstrom, {energy:.8f} hartree", flush=True)
    staged = Path(f"point-{index}.json.part")
    staged.write_text(json.dumps({"index": index, "length_angstrom": length, "energy_hartree": energy}) + "\n")
    staged.replace(f"point-{index}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
