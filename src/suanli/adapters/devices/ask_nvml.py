"""Asks NVIDIA's management library what it knows, in a process of its own, and prints that as JSON.

``python -m suanli.adapters.devices.ask_nvml`` needs the optional library ``nvidia-ml-py``. A driver that hangs can be
given up only where it hangs another process than the server. What NVML does not tell of a card is null.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any


def ask(nvml: Any) -> dict[str, Any]:
    """All cards that NVML counts, each by itself: one that is lost is told with its error.

    Raises:
        NVMLError: NVML cannot be asked at all.
    """
    nvml.nvmlInit()
    try:
        return {"gpus": [_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]}
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int) -> dict[str, Any]:
    try:
        gpu = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        return {"index": index, "error": str(error)}

    def told(question: Callable[[], Any]) -> Any:
        try:
            found = question()
        except nvml.NVMLError:
            return None
        return found.decode() if isinstance(found, bytes) else found

    return {
        "index": index,
        "name": told(lambda: nvml.nvmlDeviceGetName(gpu)),
        "uuid": told(lambda: nvml.nvmlDeviceGetUUID(gpu)),
        "bus_id": _text(told(lambda: nvml.nvmlDeviceGetPciInfo(gpu).busId)),
        "pci_device_id": told(lambda: int(nvml.nvmlDeviceGetPciInfo(gpu).pciDeviceId)),
        "memory_total": told(lambda: int(nvml.nvmlDeviceGetMemoryInfo(gpu).total)),
        "memory_used": told(lambda: int(nvml.nvmlDeviceGetMemoryInfo(gpu).used)),
        "celsius": told(lambda: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
        "milliwatts": told(lambda: nvml.nvmlDeviceGetPowerUsage(gpu)),
        "busy_percent": told(lambda: int(nvml.nvmlDeviceGetUtilizationRates(gpu).gpu)),
        "remapped_rows": told(lambda: [int(count) for count in nvml.nvmlDeviceGetRemappedRows(gpu)]),
        "mig": [_mig(nvml, part, told) for part in _parts(nvml, gpu, told)],
    }


def _parts(nvml: Any, gpu: Any, told: Callable[[Callable[[], Any]], Any]) -> list[Any]:
    most = told(lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)) or 0
    found = [told(partial(nvml.nvmlDeviceGetMigDeviceHandleByIndex, gpu, at)) for at in range(most)]
    return [part for part in found if part is not None]


def _mig(nvml: Any, part: Any, told: Callable[[Callable[[], Any]], Any]) -> dict[str, Any]:
    return {
        "uuid": told(lambda: nvml.nvmlDeviceGetUUID(part)),
        "name": told(lambda: nvml.nvmlDeviceGetName(part)),
        "memory_total": told(lambda: int(nvml.nvmlDeviceGetMemoryInfo(part).total)),
    }


def _text(value: Any) -> Any:
    """Older releases of the library give texts as bytes that a NUL ends."""
    return value.decode().rstrip("\0") if isinstance(value, bytes) else value


def main() -> None:
    """Print the answer; exits with 1 and NVML's own words where it cannot be asked."""
    nvml = importlib.import_module("pynvml")
    try:
        json.dump(ask(nvml), sys.stdout)
    except nvml.NVMLError as error:
        sys.exit(f"NVML: {error}")


if __name__ == "__main__":
    main()
