"""The devices of this machine under numbers that last, whatever order its tools list them in."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from suanli.adapters.engines.local import records
from suanli.model.devices import DeviceClass, Interconnect
from suanli.model.discovery import Configuration, DiscoveredDevice, Health, links_of, milliwatts
from suanli.model.errors import EngineError
from suanli.model.quantities import Instant
from suanli.model.resources import Device, DeviceHold
from suanli.ports.clock import Clock
from suanli.ports.device import Devices
from suanli.ports.engine import DeviceReading, NodeReadings

_LOOK_US = 300 * 1_000_000
_FRESH_US = 10 * 1_000_000
_GONE = "no longer found on this machine"


@dataclass(frozen=True, slots=True)
class _Roll:
    """All devices ever found, by their keys; the place of each is its number. ``here`` are those found last."""

    devices: Mapping[str, DiscoveredDevice]
    here: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Binding:
    """What a run's environment says of its devices, and the processors near them as far as the machine tells.

    ``masked`` are the files of all other devices, as far as they are known. ``steps`` are the commands that give its
    devices their bitstream, by what each does, and ``files`` what these read.
    """

    environment: Mapping[str, str]
    near_cpus: frozenset[int]
    masked: tuple[str, ...] = ()
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bitstreams:
    """Where the center's bitstreams lie (None: it has none), and how long configuring takes; 0: not known."""

    folder: Path | None = None
    seconds: int = 0


NO_BITSTREAMS = Bitstreams()


class NodeDevices:
    """Numbers the devices that a survey finds, and tells a run which are its own.

    A device is known again by its place on the PCI bus, where its tool tells it, else by its serial, else by its
    vendor's number; the numbers are kept in the file ``kept``. One that is found no more keeps its number and is
    unhealthy, since a run may hold it. Readings are left out: each would be a change of the node. ``masks`` says that
    the engine keeps a run from the files of devices that it does not hold.
    """

    def __init__(
        self,
        devices: Devices,
        kept: Path,
        clock: Clock,
        *,
        masks: bool = False,
        bitstreams: Bitstreams = NO_BITSTREAMS,
    ) -> None:
        self._devices = devices
        self._kept = kept
        self._clock = clock
        self._masks = masks
        self._bitstreams = bitstreams
        self._restless_until = Instant(0)
        """Until then devices are being configured, so looks are due sooner."""
        self._looking = threading.Lock()
        self._looked_at: Instant | None = None
        self._reading = threading.Lock()
        self._read: NodeReadings | None = None
        self._roll = _Roll(_read(kept))
        self.cpu_power_mw = 0
        """Milliwatts that one busy cpu of the machine draws at most, by the last look; 0: not known."""
        self.cpu_features = frozenset[str]()
        """What its processors have that work may ask for, by the last look."""

    def describe(self) -> tuple[Device, ...]:
        """Every device by its number; the machine is looked at anew where the last look is five minutes old."""
        with self._looking:
            now = self._clock.now()
            lasts_us = _LOOK_US if now > self._restless_until else _FRESH_US
            if self._looked_at is None or now - self._looked_at >= lasts_us:
                self._look()
                self._looked_at = now
        return tuple(self._record(number, device) for number, device in enumerate(self._roll.devices.values()))

    def _record(self, number: int, device: DiscoveredDevice) -> Device:
        found = replace(device.record(number), enforced=self._masks and bool(device.files))
        known = self._configurations(device)
        if not known:
            return found
        name = next((one.name for one in known if one.told_as == device.bitstream), device.bitstream)
        names = frozenset(one.name for one in known)
        return replace(found, bitstream=name, bitstreams=names, reconfigure_s=self._bitstreams.seconds)

    def _configurations(self, device: DiscoveredDevice) -> Sequence[Configuration]:
        folder = self._bitstreams.folder
        if folder is None or device.device_class is not DeviceClass.FPGA:
            return ()
        return self._devices.configurations(device, folder)

    def readings(self) -> NodeReadings:
        """How every device is now, by its number, from a look of its own where the last such is ten seconds old.

        What is told to be there stays as it was: that is for ``describe`` to find.
        """
        with self._reading:
            now = self._clock.now()
            if self._read is None or now - self._read.taken_at >= _FRESH_US:
                found = _by_key(self._devices.survey().devices)
                told = [_reading(number, found.get(key)) for number, key in enumerate(self._roll.devices)]
                self._read = NodeReadings(taken_at=now, devices=tuple(told))
            return self._read

    @property
    def links(self) -> dict[Interconnect, tuple[tuple[int, ...], ...]]:
        """Which of the devices found by the last look are near each other, by their numbers."""
        roll = self._roll
        numbered = enumerate(roll.devices.items())
        return links_of({number: device for number, (key, device) in numbered if key in roll.here})

    def _look(self) -> None:
        survey = self._devices.survey()
        self.cpu_power_mw = milliwatts(survey.processors.thread_power_w)
        self.cpu_features = survey.processors.node_features
        known, found = self._roll.devices, _by_key(survey.devices)
        gone = {key: replace(device, health=Health.UNKNOWN, reason=_GONE) for key, device in known.items()}
        devices = {**gone, **{key: _still_known(device, known.get(key)) for key, device in found.items()}}
        if _text(devices) != _text(known):
            records.replace_file(self._kept, _text(devices).encode())
            records.sync_folder(self._kept.parent)
        self._roll = _Roll(devices, frozenset(found))

    def bind(self, holds: Sequence[DeviceHold], bitstream: str = "") -> Binding:
        """What binds a run to the devices that it holds, which are to be configured by a bitstream.

        The machine is looked at anew for one: whoever held a device may have configured it otherwise.

        Raises:
            EngineError: one of them is not on this machine now, or cannot be configured so.
        """
        if bitstream and holds:
            with self._looking:
                self._look()
        roll = self._roll
        keys = list(roll.devices)
        for hold in holds:
            if not 0 <= hold.index < len(keys) or keys[hold.index] not in roll.here:
                raise EngineError(f"device {hold.index} is not on this machine now")
        held = {(keys[hold.index], hold.slices): _held(roll.devices[keys[hold.index]], hold) for hold in holds}
        whose = {key for key, _ in held}
        others = [device for key, device in roll.devices.items() if key in roll.here and key not in whose]
        environment = dict(self._devices.visibility(list(held.values()), others))
        if holds:
            environment["SUANLI_DEVICES"] = ",".join(str(hold.index) for hold in holds)
        # Two devices may be reached through one file.
        own = {file for device in held.values() for file in device.files}
        masked = dict.fromkeys(file for device in others for file in device.files if file not in own)
        chosen = [self._chosen(hold.index, held[keys[hold.index], hold.slices], bitstream) for hold in holds]
        steps = dict(one for one in chosen if one is not None)
        if steps:
            self._restless_until = Instant(self._clock.now() + _LOOK_US)
        near = frozenset[int]().union(*(device.near_cpus for device in held.values()))
        files = tuple(dict.fromkeys(one.file for one in steps.values()))
        return Binding(environment, near, tuple(masked), {what: one.words for what, one in steps.items()}, files)

    def _chosen(self, number: int, device: DiscoveredDevice, bitstream: str) -> tuple[str, Configuration] | None:
        """What gives a device its bitstream, with a name for that; None where it has it, or none is asked for.

        Raises:
            EngineError: it does not have it, and cannot be given it.
        """
        if not bitstream or self._record(number, device).bitstream == bitstream:
            return None
        for one in self._configurations(device):
            if one.name == bitstream:
                return f"configure device {number} by {bitstream}", one
        raise EngineError(f"device {number} does not have bitstream {bitstream}, and cannot be given it")


def _reading(number: int, device: DiscoveredDevice | None) -> DeviceReading:
    if device is None:
        return DeviceReading(index=number, health=Health.UNKNOWN, reason=_GONE)
    return DeviceReading(index=number, health=device.health, reason=device.reason, readings=device.readings)


def _held(device: DiscoveredDevice, hold: DeviceHold) -> DiscoveredDevice:
    """The device as programs are told it: of a part, that part alone.

    Raises:
        EngineError: the part is not there now.
    """
    if not hold.partition:
        return device
    place = hold.slices.bit_length() - 1
    if place >= len(device.parts) or device.parts[place].profile != hold.partition:
        raise EngineError(f"device {hold.index} has no partition {hold.partition} where this run was given one")
    return replace(device, uuid=device.parts[place].uuid)


def _still_known(device: DiscoveredDevice, before: DiscoveredDevice | None) -> DiscoveredDevice:
    """The device with the model that it had before, where its tool tells none now: it broke, and is what it was."""
    if before is None or device.model or not (before.model or before.known_as):
        return device
    return replace(
        device,
        model=before.model,
        known_as=before.known_as,
        precisions=before.precisions,
        rates=before.rates,
        board_power_w=before.board_power_w,
        memory_bytes=before.memory_bytes,
    )


def _by_key(devices: Iterable[DiscoveredDevice]) -> dict[str, DiscoveredDevice]:
    """Each device by what it is known by. Several at one place are told apart by their order."""
    places: Counter[str] = Counter()
    found: dict[str, DiscoveredDevice] = {}
    for device in devices:
        place = f"{device.vendor} {device.pci_address or device.uuid or device.index}"
        places[place] += 1
        found[f"{place} {places[place]}"] = device
    return found


def _text(devices: Mapping[str, DiscoveredDevice]) -> str:
    nouns = {key: device.record(0) for key, device in devices.items()}
    rows = {
        key: {"class": known.device_class, "model": known.model, "memory_bytes": known.memory_bytes}
        for key, known in nouns.items()
    }
    return json.dumps(rows, indent=1)


def _read(kept: Path) -> dict[str, DiscoveredDevice]:
    if not kept.exists():
        return {}
    return {
        key: DiscoveredDevice(
            index=0,
            device_class=DeviceClass(row["class"]),
            vendor=key.partition(" ")[0],
            model=row["model"],
            memory_bytes=row["memory_bytes"],
            health=Health.UNKNOWN,
            reason=_GONE,
        )
        for key, row in json.loads(kept.read_text("utf-8")).items()
    }
