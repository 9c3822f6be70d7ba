"""The caches of a machine's processors, as the kernel shows them below ``/sys/devices/system/cpu``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from suanli.model.discovery import Cache

_SIZE = re.compile(r"([0-9]{1,9})([KMG]?)", re.ASCII)
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}
_KINDS = {"Data": "data", "Instruction": "instruction", "Unified": "unified"}


def caches_below(folder: Path) -> tuple[Cache, ...]:
    """Each level and kind with its size and how many there are, nearest first; none where the kernel shows none.

    Processors that share one are told apart by the kernel's list of them. Where kinds of core are mixed, a level may
    come in several sizes.
    """
    found: dict[tuple[int, str, int], set[str]] = defaultdict(set)
    for index in folder.glob("cpu[0-9]*/cache/index[0-9]*"):
        level, kind, size, shared = (_text(index / name) for name in ("level", "type", "size", "shared_cpu_list"))
        told = _SIZE.fullmatch(size)
        if told is not None and level.isdecimal() and len(level) == 1 and kind in _KINDS:
            key = int(level), _KINDS[kind], int(told[1]) << _UNITS[told[2]]
            found[key].add(shared or index.parent.parent.name)
    return tuple(_sorted(Cache(*key, count=len(sharers)) for key, sharers in found.items()))


def _sorted(caches: Iterable[Cache]) -> list[Cache]:
    return sorted(caches, key=lambda cache: (cache.level, cache.kind, cache.size_bytes))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
