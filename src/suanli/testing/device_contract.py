"""The device contract as tests: whoever writes a vendor's parsers inherits `DeviceContract` and gives it cases.

```python
class TestMyVendor(DeviceContract):
    vendor = "acme"

    def cases(self) -> Sequence[Case]:
        return (Case(acme.parse_list, "0, Acme A1, ...", (DiscoveredDevice(...),)),)
```

The expected devices are written by hand from reading what the tool printed, never by running the parser.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from suanli.model.discovery import DiscoveredDevice, Health

Parser = Callable[[str], tuple[DiscoveredDevice, ...]]

_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", re.ASCII)
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_CUTS = 60
_NOISE = ("", "\n", "\0", "{", "[]", "null", "<a>", "|" * 50, "9" * 5000, "[" * 5000, "²³\ud7ff", "No devices found\n")


@dataclass(frozen=True, slots=True)
class Case:
    """What one parser must make of one output of its tool."""

    parse: Parser
    text: str
    devices: tuple[DiscoveredDevice, ...]


class DeviceContract(ABC):
    """What holds for every vendor's parsers."""

    vendor: ClassVar[str]

    @abstractmethod
    def cases(self) -> Sequence[Case]:
        """At least one output of each tool whose parser lists devices."""

    def test_outputs_are_read_as_a_person_reads_them(self) -> None:
        """The normal form of each output is the expected one, however often it is asked for."""
        assert self.cases()
        for case in self.cases():
            assert case.parse(case.text) == case.devices
            assert case.parse(case.text) == case.devices

    def test_devices_are_in_normal_form(self) -> None:
        """What comes out of whole outputs keeps the rules of the normal form."""
        for case in self.cases():
            _assert_normal(case.parse(case.text), self.vendor)

    def test_no_spoilt_output_makes_a_parser_raise(self) -> None:
        """Outputs that were cut, lost lines or doubled them, and noise, give devices in normal form, or none."""
        for case in self.cases():
            for text in (*_NOISE, *_spoilt(case.text)):
                _assert_normal(case.parse(text), self.vendor, is_whole=False)

    def test_noise_is_no_healthy_device(self) -> None:
        """What no tool ever printed makes nothing that work could be placed on."""
        for case in self.cases():
            for text in _NOISE:
                assert all(device.health is Health.UNKNOWN for device in case.parse(text))


def _assert_normal(devices: tuple[DiscoveredDevice, ...], vendor: str, *, is_whole: bool = True) -> None:
    assert isinstance(devices, tuple)
    if is_whole:
        assert len({device.index for device in devices}) == len(devices)
    for device in devices:
        assert device.vendor == vendor
        assert device.index >= 0
        assert not device.pci_address or _ADDRESS.fullmatch(device.pci_address)
        assert not device.pci_id or _ID.fullmatch(device.pci_id)
        assert device.memory_bytes is None or device.memory_bytes >= 0
        assert (device.reason == "") == (device.health is Health.OK)
        used = device.readings.memory_used_bytes
        assert used is None or used >= 0


def _spoilt(text: str) -> Iterator[str]:
    for cut in range(1, _CUTS):
        yield text[: len(text) * cut // _CUTS]
        yield text[len(text) * cut // _CUTS :]
    lines = text.splitlines(keepends=True)
    for place in range(min(len(lines), _CUTS)):
        yield "".join(lines[:place] + lines[place + 1 :])
        yield "".join(lines[: place + 1] + lines[place:])
