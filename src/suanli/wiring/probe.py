"""``suanlid probe``: what this machine has, told to a person, in Chinese where the environment asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from suanli.adapters.devices.machine import MachineDevices
from suanli.model.discovery import DiscoveredDevice, Health, Looked, Outcome, Processors, Survey
from suanli.ports.device import Devices

_WORDS: Mapping[str, tuple[str, str]] = {
    "unknown": ("unknown", "未知"),
    "cpu": ("CPU", "处理器"),
    "sockets": ("sockets", "插槽"),
    "cores": ("cores", "核"),
    "threads": ("threads", "线程"),
    "numa": ("NUMA nodes", "NUMA 节点"),
    "simd": ("vector extensions", "向量扩展"),
    "matrix": ("matrix extensions", "矩阵扩展"),
    "caches": ("caches", "缓存"),
    "no_devices": ("no devices found", "未发现设备"),
    "looked": ("looked for:", "查找过："),
    Health.OK: ("ok", "正常"),
    Health.DEGRADED: ("degraded", "降级"),
    Health.FAILED: ("failed", "故障"),
    Health.UNKNOWN: ("unknown", "未知"),
    Outcome.FOUND: ("found", "找到"),
    Outcome.ABSENT: ("no sign of any, so no tool was asked", "没有任何迹象，因此未调用其工具"),
    Outcome.NO_TOOL: ("this tool is not installed", "未安装此工具"),
    Outcome.TIMED_OUT: ("the tool did not answer in time", "工具超时未答"),
    Outcome.FAILED: ("the tool failed", "工具执行失败"),
    Outcome.NOTHING_READ: ("the tool answered, but listed no device", "工具有应答，但没有列出设备"),
}

_KINDS = {"data": "d", "instruction": "i"}


def probe(*, explain: bool, devices: Devices | None = None, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The lines that tell what ``devices`` (this machine's, if none are handed in) finds."""
    survey = (devices or MachineDevices()).survey()
    return list(_lines(survey, explain=explain, chinese=_chinese(environment)))


def _chinese(environment: Mapping[str, str]) -> bool:
    chosen = (environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((text for text in chosen if text), "").startswith("zh")


def _lines(survey: Survey, *, explain: bool, chinese: bool) -> Iterator[str]:
    words = {key: pair[chinese] for key, pair in _WORDS.items()}
    yield _processors(survey.processors, words)
    yield from _more_of_processors(survey.processors, words)
    for device in survey.devices:
        yield _device(device, words)
    if not survey.devices:
        yield words["no_devices"]
    if explain:
        yield words["looked"]
        for look in survey.looked:
            yield _looked(look, words)


def _processors(found: Processors, words: Mapping[str, str]) -> str:
    counts = (
        (found.sockets, "sockets"),
        (found.cores, "cores"),
        (found.threads, "threads"),
        (found.numa_nodes, "numa"),
    )
    told = ", ".join(f"{words['unknown'] if count is None else count} {words[name]}" for count, name in counts)
    models = " + ".join(found.models) or words["unknown"]
    return f"{words['cpu']}: {found.vendor or words['unknown']} {models} ({found.architecture}): {told}"


def _more_of_processors(found: Processors, words: Mapping[str, str]) -> Iterator[str]:
    caches = [f"L{one.level}{_KINDS.get(one.kind, '')} {_size(one.size_bytes)} x {one.count}" for one in found.caches]
    for name, told in (("simd", found.simd), ("matrix", found.matrix), ("caches", caches)):
        if told:
            yield f"  {words[name]}: {', '.join(told)}"


def _size(size_bytes: int) -> str:
    for shift, unit in ((20, "MiB"), (10, "KiB")):
        if size_bytes >> shift and not size_bytes % (1 << shift):
            return f"{size_bytes >> shift} {unit}"
    return f"{size_bytes / 1024:g} KiB"


def _device(device: DiscoveredDevice, words: Mapping[str, str]) -> str:
    memory = words["unknown"] if device.memory_bytes is None else f"{device.memory_bytes / (1 << 30):.1f} GiB"
    now = device.readings
    known = device.pci_id and device.known_as and f" ({device.known_as})"
    name = device.model or f"{device.pci_id}{known}" or words["unknown"]
    parts = [
        f"{device.device_class} {device.vendor} {device.index}: {name}",
        device.pci_address,
        memory,
        words[device.health] + (f" ({device.reason})" if device.reason else ""),
        "" if now.temperature_c is None else f"{now.temperature_c:g} C",
        "" if now.power_w is None else f"{now.power_w:g} W",
        "" if now.utilization_percent is None else f"{now.utilization_percent:g} %",
    ]
    return ", ".join(filter(None, parts))


def _looked(look: Looked, words: Mapping[str, str]) -> str:
    count = f" {look.found}" if look.outcome is Outcome.FOUND else ""
    detail = f" ({look.detail})" if look.detail else ""
    return f"  {look.vendor}: {look.place}: {words[look.outcome]}{count}{detail}"
