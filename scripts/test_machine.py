"""Install the system programs the tests use, where this machine lets us; say in one line each what is left out."""

import os
import shutil
import subprocess
from pathlib import Path


def missing() -> dict[str, str]:
    """Return what this machine lacks: Debian package -> what the tests leave out without it."""
    lacks = {}
    if shutil.which("initdb") is None and not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        lacks["postgresql"] = "the store's conformance suite on PostgreSQL"
    if shutil.which("mpiexec") is None:
        lacks["mpich"] = "a run under a real mpiexec"
    return lacks


def main() -> None:
    """Install what is missing when root on Debian; a package that cannot be had is named, never fatal."""
    lacks = missing()
    if lacks and os.geteuid() == 0 and shutil.which("apt-get"):
        unattended = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", *lacks]):
            subprocess.run(["apt-get", "-q", *words], check=False, stdout=subprocess.DEVNULL, env=unattended)
        lacks = missing()
    for package, loss in lacks.items():
        print(f"left out: {loss} ({package} is not installed)")


if __name__ == "__main__":
    main()
