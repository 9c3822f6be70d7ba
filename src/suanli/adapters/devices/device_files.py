"""The device files by which programs reach one card, as its driver tells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from suanli.adapters.devices.vendors_known import Files


def files_of(root: Path, address: str, rule: Files | None) -> tuple[str, ...]:
    """The files of the card at an address of the PCI bus, absolute; none where not all of them are told.

    That no rule is known of a vendor tells nothing of its files.
    """
    if rule is None or not address:
        return ()
    told = [_told(root, address, rule)] if rule.told_in else []
    shown = sorted({path for name in rule.classes for path in _shown(root, address, name)})
    return tuple(path for path in (*told, *shown)) if all(told) else ()


def _told(root: Path, address: str, rule: Files) -> str:
    """What the driver's own file about a card says of it; empty where it does not."""
    for line in _lines(root / rule.told_in.format(address=address)):
        name, colon, value = line.partition(":")
        if colon and name.strip() == rule.field and value.strip():
            path = (root / rule.name.format(value=value.strip().lstrip("/"))).resolve()
            return str(path) if path.is_relative_to((root / "dev").resolve()) else ""
    return ""


def _shown(root: Path, address: str, kind: str) -> Iterator[str]:
    """The device files of the entries of one class that the kernel shows below a card."""
    for entry in (root / "sys/bus/pci/devices" / address / kind).glob("*/uevent"):
        for line in _lines(entry):
            name, _, value = line.partition("=")
            if name == "DEVNAME":
                yield str((root / "dev").resolve() / value.strip())


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
