"""A machine that is a folder: a PCI bus, a cpuinfo, and tools that are small scripts."""

from __future__ import annotations

import shutil
from pathlib import Path

from suanli.adapters.devices.machine import MachineDevices
from suanli.model.discovery import Survey


class Machine:
    """Its bus, its processors and its tools lie below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tools = root / "bin"
        self.tools.mkdir()
        (root / "proc").mkdir()
        (root / "proc/cpuinfo").write_text(
            "".join(
                f"processor : {cpu}\nvendor_id : HygonGenuine\nmodel name : Hygon C86 7390\nphysical id : {cpu // 4}\n"
                f"core id : {cpu % 4 // 2}\nflags : fpu avx2\n\n"
                for cpu in range(8)
            )
        )

    def slot(
        self, address: str, vendor: str, device: str, pci_class: str, *, near: str = "", subsystem: str = ""
    ) -> None:
        """Put a function on the bus; ``near`` lists processors as the kernel does, ``subsystem`` is the board's id."""
        folder = self.root / "sys/bus/pci/devices" / address
        folder.mkdir(parents=True)
        told = {"vendor": vendor, "device": device, "class": pci_class}
        if subsystem:
            told |= dict(zip(("subsystem_vendor", "subsystem_device"), subsystem.split(":"), strict=True))
        for name, value in told.items():
            (folder / name).write_text(f"0x{value}\n")
        if near:
            (folder / "local_cpulist").write_text(f"{near}\n")

    def unplug(self, address: str) -> None:
        """Take a function off the bus."""
        shutil.rmtree(self.root / "sys/bus/pci/devices" / address)

    def tool(self, name: str, script: str) -> None:
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def survey(self, timeout_s: float = 10) -> Survey:
        return self.devices(timeout_s).survey()

    def devices(self, timeout_s: float = 10) -> MachineDevices:
        return MachineDevices(self.root, path=str(self.tools), timeout_s=timeout_s)
