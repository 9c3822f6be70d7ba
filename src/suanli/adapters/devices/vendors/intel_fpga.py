"""Intel FPGA: ``fpgainfo fme`` of OPAE. A card that booted its factory image is there, but waits for its user image."""

from __future__ import annotations

import re

from suanli.adapters.devices.text import outline, pci_address, sections, told
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health

_SECTION = re.compile(r"//\*{2,10} FME \*{2,10}//\s*", re.ASCII)
_ID = re.compile(r"0x([0-9a-f]{4})", re.IGNORECASE | re.ASCII)


def parse_fme(text: str) -> tuple[DiscoveredDevice, ...]:
    """The cards of ``fpgainfo fme``, which names no models: the catalogue knows them by their PCI identity."""
    found = enumerate(sections(text, _SECTION))
    return tuple(_device(position, outline(lines)) for position, (_, lines) in found)


def _device(position: int, fields: dict[str, str]) -> DiscoveredDevice:
    address = pci_address(next((value for name, value in fields.items() if name.startswith("PCIe s")), ""))
    pci, page = _ID.fullmatch(fields.get("Device Id", "")), told(fields.get("Boot Page"))
    is_factory = page.lower().startswith("factory")
    return DiscoveredDevice(
        index=position,
        device_class=DeviceClass.FPGA,
        vendor="intel-fpga",
        pci_address=address,
        pci_id=f"8086:{pci[1].lower()}" if pci else "",
        shell=told(fields.get("Pr Interface Id")),
        bitstream=told(fields.get("Bitstream Id")),
        health=Health.UNKNOWN if not address else Health.FAILED if is_factory else Health.OK,
        reason="fpgainfo printed no address" if not address else "booted its factory image" if is_factory else "",
    )
