"""Find a C compiler and compile the local engine's supervisor: the one place that knows how, for `make` and the wheel.

The machine's C compiler serves where there is one, else `ziglang` from the package index (it links against musl).
Static wherever that links, so that the program starts fast and runs in a workload's bare sandbox.
"""

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOM = ROOT / "src/suanli/adapters/engines/local/supervise"
BINARY = ROOM / "suanli-supervise"
FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-std=c17", "-D_GNU_SOURCE"]


def compiler(libc: str = "musl") -> list[str] | None:
    """Return the words that start a C compiler, or None where this machine and this Python have none.

    `libc` is what ziglang shall link against; other compilers know only the machine's own.
    """
    for name in filter(None, (os.environ.get("CC"), "cc", "gcc", "clang")):
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc", "-target", f"{platform.machine()}-linux-{libc}"]
    return None


def build(words: list[str]) -> None:
    """Compile and link with the compiler started by `words`, replacing the binary in one step.

    Raises:
        subprocess.CalledProcessError: the source does not compile; the compiler's own words are on stderr.
    """
    fresh = BINARY.with_suffix(".new")
    command = [*words, *FLAGS, "-s", "-o", str(fresh), *map(str, sorted(ROOM.glob("*.c")))]
    static = subprocess.run([*command, "-static"], capture_output=True, check=False)
    if static.returncode != 0:
        subprocess.run(command, check=True)
    fresh.replace(BINARY)


def found(libc: str = "musl") -> list[str]:
    """Return a compiler's words, after installing ziglang beside this Python's uv where the machine has none."""
    words = compiler(libc)
    if words is None:
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable]
        subprocess.run([*uv, "--require-hashes", "-r", str(ROOT / "requirements/compiler.txt")], check=True)
        words = compiler(libc)
    if words is None:
        sys.exit("no C compiler here and ziglang did not install: apt install gcc libc6-dev")
    return words


if __name__ == "__main__":
    if sys.argv[1:] == ["--compiler"]:
        # For a library that Python loads: it must share Python's own libc.
        print(shlex.join(found("gnu" if platform.libc_ver()[0] == "glibc" else "musl")))
    else:
        build(found())
