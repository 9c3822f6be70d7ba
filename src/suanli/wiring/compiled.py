"""Where the kernel's machine code is kept: a folder of its own for each text of the kernel.

numba keeps what it compiled beside the source and looks only at that one file's age. The kernel's functions are
compiled into each other, so a change in one file would leave others stale; and the folder of an installed kernel may
not be writable.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import suanli.kernel


def keep_compiled() -> None:
    """Choose the folder, before the kernel is imported; a choice made in the environment stands."""
    here = Path(suanli.kernel.__file__).parent
    text = hashlib.sha256()
    for source in sorted(here.rglob("*.py")):
        text.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / "suanli" / f"kernel-{text.hexdigest()[:16]}"))
