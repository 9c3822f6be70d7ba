"""Processors of every maker: ``/proc/cpuinfo`` of x86_64, aarch64, loongarch64, mips, sw_64, riscv64, and ``lscpu``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from suanli.adapters.devices import processors_known as known
from suanli.adapters.devices.text import number, told
from suanli.model.discovery import Processors

_RISCV = re.compile(r"rv(?:32|64)([a-z]*)((?:_[a-z0-9]+)*)", re.ASCII)
_LISTED = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", re.ASCII)


def parse_cpuinfo(text: str, architecture: str, numa_nodes: int | None = None) -> Processors:
    """The processors of ``/proc/cpuinfo`` on a machine whose ``uname -m`` is ``architecture``.

    Sockets and cores are None where the kernel does not print them, as on aarch64.
    """
    shared, processors = _blocks(text)
    models = _distinct(filter(None, (_model(fields) for fields in processors)))
    sockets = {_socket(fields) for fields in processors}
    cores = {(_socket(fields), fields.get("core id") or fields.get("core") or "") for fields in processors}
    counted = bool(processors) and "" not in sockets
    features = frozenset.intersection(*(_features(fields) for fields in processors)) if processors else frozenset()
    extensions = known.extensions(architecture, features)
    makers = (_vendor({**shared, **fields}) for fields in processors)
    return Processors(
        architecture=architecture,
        vendor=next(filter(None, makers), known.maker_of_architecture(architecture) if processors else ""),
        models=models,
        sockets=len(sockets) if counted else None,
        cores=len(cores) if counted and all(core for _, core in cores) else None,
        threads=len(processors) or None,
        numa_nodes=numa_nodes,
        features=features,
        simd=extensions.simd,
        matrix=extensions.matrix,
        node_features=extensions.features,
    )


def parse_lscpu(text: str) -> Processors:
    """The processors of ``lscpu`` in English; where kinds of core are mixed, those counts are summed."""
    pairs = [(name.strip(), told(value)) for name, _, value in (line.partition(":") for line in text.splitlines())]
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    cores = 0
    groups = 0
    for name, value in pairs:
        if name in {"Core(s) per socket", "Core(s) per cluster"}:
            part = "Socket(s)" if name == "Core(s) per socket" else "Cluster(s)"
            many, each = _count(first.get(part)), _count(value)
            groups += many is not None and each is not None
            cores += (many or 0) * (each or 0)
    said, architecture = first.get("Vendor ID", ""), first.get("Architecture", "")
    flags = frozenset(first.get("Flags", "").split())
    extensions = known.extensions(architecture, flags)
    return Processors(
        architecture=architecture,
        vendor=known.maker(said) or _maker(first.get("Model name", "")),
        models=_distinct(value for name, value in pairs if name == "Model name" and value),
        sockets=_count(first.get("Socket(s)")),
        cores=cores if groups else None,
        threads=_count(first.get("CPU(s)")),
        numa_nodes=_count(first.get("NUMA node(s)")),
        features=flags,
        simd=extensions.simd,
        matrix=extensions.matrix,
        node_features=extensions.features,
    )


def count_listed(text: str) -> int | None:
    """How many numbers a kernel's list such as ``0-3,8`` holds; None if it is no such list."""
    return len(listed(text)) or None


def listed(text: str) -> frozenset[int]:
    """The numbers that a kernel's list such as ``0-3,8`` holds; none if it is no such list."""
    parts = [_LISTED.fullmatch(part.strip()) for part in text.split(",")]
    spans = [range(int(part[1]), int(part[2] or part[1]) + 1) for part in parts if part]
    return frozenset(number for span in spans for number in span) if len(spans) == len(parts) else frozenset()


def _blocks(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What is said once for all, and the fields of each processor (names in lower case)."""
    shared: dict[str, str] = {}
    processors: list[dict[str, str]] = []
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not colon or not key:
            continue
        if key == "processor" and value.strip().isdecimal():
            processors.append({})
        (processors[-1] if processors else shared)[key] = value.strip()
    return shared, processors


def _socket(fields: Mapping[str, str]) -> str:
    return fields.get("physical id") or fields.get("package") or ""


def _features(fields: Mapping[str, str]) -> frozenset[str]:
    named = (fields.get("flags") or fields.get("features") or fields.get("ases implemented") or "").split()
    isa = _RISCV.match(fields.get("isa", ""))
    return frozenset([*named, *([*isa[1], *isa[2].split("_")] if isa else [])]) - {""}


def _hexadecimal(text: str) -> int:
    try:
        return int(text[:16], 16)
    except ValueError:
        return -1


def _model(fields: Mapping[str, str]) -> str:
    if "cpu implementer" in fields:
        key = _hexadecimal(fields["cpu implementer"]), _hexadecimal(fields.get("cpu part", ""))
        return known.part(*key) or told(fields.get("model name")) or f"part {fields.get('cpu part', '?')}"
    return told(fields.get("model name")) or told(fields.get("cpu model")) or told(fields.get("uarch"))


def _vendor(fields: Mapping[str, str]) -> str:
    if "cpu implementer" in fields:
        text = fields["cpu implementer"]
        return known.implementer(_hexadecimal(text)) or f"implementer {text}"
    if "mvendorid" in fields:
        return known.maker_of_riscv(_hexadecimal(fields["mvendorid"]))
    return known.maker(fields.get("vendor_id", "").strip()) or _maker(_model(fields))


def _maker(model: str) -> str:
    return next((maker for maker in ("Loongson", "Phytium", "Sunway") if maker.lower() in model.lower()), "")


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _count(text: str | None) -> int | None:
    found = number(text or "")
    return int(found) if found is not None and found >= 0 else None
