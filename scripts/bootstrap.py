"""Make the private tool environment that holds uv: `bootstrap.py FOLDER LOCK`.

Needs nothing but Python itself. Debian ships Python without the means to put pip into a new environment
(`python3-venv`); then the system's own pip serves, else apt does when this is root, else one line says what to install.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path


def create(folder: Path) -> list[str]:
    """Create the environment and return the words that start a pip which installs into it."""
    python = str(folder / "bin" / "python")
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    has_pip = importlib.util.find_spec("pip") is not None
    if not has_ensurepip and not has_pip:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit(f"{sys.executable} cannot make environments: install python3-venv (apt install python3-venv)")
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "python3-venv"], check=True)
        has_ensurepip = True
    if has_ensurepip:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        return [python, "-m", "pip"]
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
    return [sys.executable, "-m", "pip", "--python", python]


def main() -> None:
    """Create the environment named first on the command line from the hashed lock named second."""
    folder, lock = Path(sys.argv[1]), sys.argv[2]
    pip = create(folder)
    subprocess.run(
        [*pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock], check=True
    )


if __name__ == "__main__":
    main()
