"""The machine's own devices: the PCI bus says what can be there, and only the tools of those vendors are asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from suanli.adapters.devices.bitstreams import configurations_of
from suanli.adapters.devices.cpu_caches import caches_below
from suanli.adapters.devices.device_files import files_of
from suanli.adapters.devices.models_known import catalogued, catalogued_processors, name_of
from suanli.adapters.devices.vendors.cpu import count_listed, listed, parse_cpuinfo
from suanli.adapters.devices.vendors_known import Tool, Vendor, known
from suanli.model.discovery import (
    Configuration,
    DiscoveredDevice,
    Distance,
    Health,
    Looked,
    Outcome,
    Processors,
    Survey,
)

_TOLD = ("vendor", "device", "class", "subsystem_vendor", "subsystem_device")
"""What the kernel tells of a function on the bus, each in a file of that name."""
_TIMEOUT_S = 10.0
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Slot:
    """One function on the PCI bus."""

    address: str
    vendor: str
    device: str
    pci_class: str
    subsystem: str
    """``vendor:device`` of the board; empty where the kernel does not tell."""

    @property
    def identity(self) -> str:
        return f"{self.vendor}:{self.device}"


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: Outcome
    text: str = ""
    detail: str = ""


class MachineDevices:
    """Implements `suanli.ports.device.Devices` below ``root``, with the tools that ``path`` holds.

    ``timeout_s`` bounds each tool; one that cannot even be killed (a driver that hangs) is left behind. ``vendors`` are
    those of the catalogue unless others are given; without any, no device is found.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        path: str | None = None,
        timeout_s: float = _TIMEOUT_S,
        vendors: Sequence[Vendor] | None = None,
    ) -> None:
        self._root = root
        self._path = path
        self._timeout_s = timeout_s
        self._vendors = known() if vendors is None else tuple(vendors)
        self._visibility = {vendor.name: vendor.visibility for vendor in self._vendors if vendor.visibility is not None}

    def survey(self) -> Survey:
        slots = _slots(self._root / "sys/bus/pci/devices")
        devices: list[DiscoveredDevice] = []
        looked: list[Looked] = []
        for vendor in self._vendors:
            mine = [slot for slot in slots if _is_of(vendor, slot)]
            sign = next((sign for sign in vendor.signs if (self._root / sign).exists()), "")
            place = ", ".join([*(slot.address for slot in mine), *([f"/{sign}"] if sign else [])])
            outcome = Outcome.FOUND if place else Outcome.ABSENT
            wanted = place or "PCI " + " ".join(sorted(vendor.pci_vendors))
            looked.append(
                Looked(vendor=vendor.name, place=wanted, outcome=outcome, found=len(mine), detail=_named(mine))
            )
            if place:
                found, asked = self._ask_vendor(vendor)
                devices += [
                    replace(
                        catalogued(device),
                        near_cpus=self._near_cpus(device.pci_address),
                        files=files_of(self._root, device.pci_address, vendor.files),
                    )
                    for device in _with_silent(vendor, _with_identities(found, mine), mine, asked)
                ]
                looked += asked
        return Survey(
            processors=catalogued_processors(self._processors()), devices=tuple(devices), looked=tuple(looked)
        )

    def visibility(self, held: Sequence[DiscoveredDevice], others: Sequence[DiscoveredDevice]) -> Mapping[str, str]:
        told: dict[str, list[str]] = {}
        for device in others:
            rule = self._visibility.get(device.vendor)
            if rule is not None and rule.hides:
                told[rule.variable] = []
        for device in held:
            rule = self._visibility.get(device.vendor)
            if rule is not None:
                name = device.uuid if rule.by == "uuid" and device.uuid else str(device.index)
                told.setdefault(rule.variable, []).append(name)
        return {variable: ",".join(names) for variable, names in told.items()}

    def configurations(self, device: DiscoveredDevice, folder: Path) -> Sequence[Configuration]:
        for vendor in self._vendors:
            if vendor.name == device.vendor and vendor.configure is not None:
                return configurations_of(vendor, vendor.configure, device, folder, self._path)
        return ()

    def _ask_vendor(self, vendor: Vendor) -> tuple[tuple[DiscoveredDevice, ...], list[Looked]]:
        """What the first tool that lists a device says, and what came of each that was asked."""
        asked: list[Looked] = []
        best: tuple[DiscoveredDevice, ...] = ()
        for tool in vendor.tools:
            answer = self._run(tool)
            found = vendor.parse(tool, answer.text)
            read = sum(device.health is not Health.UNKNOWN for device in found)
            outcome = answer.outcome if answer.outcome is not Outcome.FOUND or found else Outcome.NOTHING_READ
            asked.append(
                Looked(
                    vendor=vendor.name,
                    place=" ".join(tool.words),
                    outcome=outcome,
                    found=len(found),
                    detail=answer.detail,
                )
            )
            best = best or found
            if read:
                found = self._with_readings(vendor, tool, found, asked)
                return self._with_distances(vendor, tool, found, asked), asked
        return best, asked

    def _with_readings(
        self, vendor: Vendor, listing: Tool, found: tuple[DiscoveredDevice, ...], asked: list[Looked]
    ) -> tuple[DiscoveredDevice, ...]:
        """The devices with how they are now, where the tool that listed them has another command for that.

        Only the same program is asked: two programs of a vendor may number its devices differently.
        """
        for tool in vendor.readings:
            if tool.words[0] != listing.words[0]:
                continue
            answer = self._run(tool)
            now = vendor.read(tool, answer.text)
            outcome = answer.outcome if answer.outcome is not Outcome.FOUND or now else Outcome.NOTHING_READ
            place = " ".join(tool.words)
            asked.append(Looked(vendor=vendor.name, place=place, outcome=outcome, found=len(now), detail=answer.detail))
            found = tuple(replace(device, readings=now.get(device.index, device.readings)) for device in found)
        return found

    def _with_distances(
        self, vendor: Vendor, listing: Tool, found: tuple[DiscoveredDevice, ...], asked: list[Looked]
    ) -> tuple[DiscoveredDevice, ...]:
        """The devices with how far each is from the others, where the tool that listed them has a command for that.

        What it tells is by the order of devices; where it tells of others than were listed, nobody knows which.
        """
        for tool in vendor.topology:
            if listing.words[0] not in {tool.words[0], *tool.shares} or len(found) < 2:
                continue
            answer = self._run(tool)
            told = vendor.measure(tool, answer.text)
            measured = {place for pair in told for place in pair}
            is_of_these = measured == set(range(len(found)))
            outcome = answer.outcome if answer.outcome is not Outcome.FOUND or is_of_these else Outcome.NOTHING_READ
            number, place = len(measured), " ".join(tool.words)
            asked.append(Looked(vendor=vendor.name, place=place, outcome=outcome, found=number, detail=answer.detail))
            if is_of_these:
                found = tuple(replace(device, distances=_from(at, found, told)) for at, device in enumerate(found))
        return found

    def _run(self, tool: Tool) -> _Answer:
        if tool.asks:
            command = [sys.executable, "-m", tool.asks] if find_spec(tool.words[0]) else []
        else:
            program = shutil.which(tool.words[0], path=self._path)
            command = [] if program is None else [program, *tool.words[1:]]
        if not command:
            return _Answer(Outcome.NO_TOOL)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError as error:
            return _Answer(Outcome.FAILED, detail=str(error))
        try:
            out, err = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return _Answer(Outcome.TIMED_OUT, detail=f"{self._timeout_s:g} s")
        text = out.decode("utf-8", "replace")
        if process.returncode:
            said = (err.decode("utf-8", "replace").strip() or text.strip()).partition("\n")[0][:200]
            return _Answer(Outcome.FAILED, text, f"exit {process.returncode}: {said}")
        return _Answer(Outcome.FOUND, text)

    def _near_cpus(self, address: str) -> frozenset[int]:
        return listed(_text(self._root / "sys/bus/pci/devices" / address / "local_cpulist")) if address else frozenset()

    def _processors(self) -> Processors:
        system = self._root / "sys/devices/system"
        numa_nodes = count_listed(_text(system / "node/online"))
        told = parse_cpuinfo(_text(self._root / "proc/cpuinfo"), os.uname().machine, numa_nodes)
        told = replace(told, caches=caches_below(system / "cpu"))
        if told.sockets is not None and told.cores is not None:
            return told
        places = {
            (_text(cpu / "topology/physical_package_id"), _text(cpu / "topology/core_id"))
            for cpu in system.glob("cpu/cpu[0-9]*")
        } - {("", "")}
        sockets = len({socket for socket, _ in places})
        return replace(told, sockets=sockets, cores=len(places)) if places else told


def _from(at: int, found: Sequence[DiscoveredDevice], told: Mapping[tuple[int, int], Distance]) -> dict[int, Distance]:
    """How far the others are from the device at a place, by their indices."""
    return {found[other].index: distance for (one, other), distance in told.items() if one == at != other}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _slots(folder: Path) -> list[_Slot]:
    found = []
    for slot in sorted(folder.glob("*")):
        vendor, device, pci_class, *board = (_text(slot / name).removeprefix("0x").lower() for name in _TOLD)
        subsystem = ":".join(board) if all(board) else ""
        found.append(_Slot(slot.name.lower(), vendor, device, pci_class[:4], subsystem))
    return found


def _named(slots: Sequence[_Slot]) -> str:
    """What is in slots, by identity and the name that the catalogue has: ``10de:20b2 NVIDIA A100 SXM4 80GB x 8``."""
    named = Counter(f"{slot.identity} {name_of(slot.identity, slot.subsystem)}".rstrip() for slot in slots)
    return ", ".join(name if count == 1 else f"{name} x {count}" for name, count in named.items())


def _with_identities(found: Sequence[DiscoveredDevice], slots: Sequence[_Slot]) -> list[DiscoveredDevice]:
    """Devices with what the bus says that each is; what its own tool says goes before."""
    at = {slot.address: slot for slot in slots}
    return [
        replace(device, pci_id=device.pci_id or slot.identity, pci_subsystem=slot.subsystem)
        if (slot := at.get(device.pci_address))
        else device
        for device in found
    ]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=_GRACE_S)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        return


def _is_of(vendor: Vendor, slot: _Slot) -> bool:
    """Tell whether a slot holds what may be a device of a vendor."""
    return (
        slot.vendor in vendor.pci_vendors
        and slot.pci_class in vendor.pci_classes
        and (not vendor.pci_devices or slot.device in vendor.pci_devices)
        and slot.address not in vendor.passed_over
    )


def _card(address: str) -> str:
    """The address of a PCI function without the number of the function."""
    return address.rpartition(".")[0]


def _with_silent(
    vendor: Vendor, found: Sequence[DiscoveredDevice], slots: Sequence[_Slot], asked: Sequence[Looked]
) -> list[DiscoveredDevice]:
    """What the tools found, and an UNKNOWN device for each that is on the bus and that none of them lists.

    Functions of one card are one device, unless a tool lists them one by one. Where a tool prints no addresses, nobody
    can tell which is missing; then only the surplus of the bus is added.
    """
    listed = {_card(device.pci_address) for device in found}
    cards = {_card(slot.address): slot for slot in reversed(slots)}
    silent = [slot for card, slot in sorted(cards.items()) if card not in listed]
    unplaced = sum(not device.pci_address for device in found)
    why = "; ".join(dict.fromkeys(f"{look.place.split()[0]}: {look.outcome}" for look in asked))
    first = max((device.index for device in found), default=-1) + 1
    return [
        *found,
        *(
            DiscoveredDevice(
                index=first + at,
                device_class=vendor.device_class,
                vendor=vendor.name,
                pci_address=slot.address,
                pci_id=slot.identity,
                pci_subsystem=slot.subsystem,
                health=Health.UNKNOWN,
                reason=f"on the PCI bus as {slot.identity}, but listed by no tool ({why})",
            )
            for at, slot in enumerate(silent[unplaced:])
        ),
    ]
