"""What the demo needs that a center does not: an environment of its own with LAMMPS, MPICH, PySCF and scikit-learn."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"


def provision(folder: Path) -> Path:
    """Make the environment below ``folder`` unless it stands already; return its path."""
    environment = folder / "environment"
    stamp = environment / "provisioned"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return environment
    uv = HERE.parent / ".tools" / "bin" / "uv"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", environment / "bin" / "python", REQUIREMENTS],
        check=True,
    )
    stamp.write_text(wanted)
    return environment
