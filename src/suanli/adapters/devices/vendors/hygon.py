"""Hygon DCU: ``hy-smi --json``, which is often no JSON at all, the same through ``rocm-smi``, and ``rocminfo``."""

from __future__ import annotations

from suanli.adapters.devices.rocm import agent_device, agents, card_device, cards, is_hygon
from suanli.model.discovery import DiscoveredDevice


def parse_hy_smi(text: str) -> tuple[DiscoveredDevice, ...]:
    """The devices of ``hy-smi -a --json`` or of ``rocm-smi ... --json``; a card of another maker is left out."""
    return tuple(
        card_device(index, fields, vendor="hygon", pci_vendor="1d94", whole=whole)
        for index, fields, whole in cards(text)
        if is_hygon(fields.get("card vendor", "hygon"))
    )


def parse_rocminfo(text: str) -> tuple[DiscoveredDevice, ...]:
    """The DCU agents of the driver kit's ``rocminfo``, numbered in its order."""
    found = [
        fields
        for fields in agents(text)
        if fields.get("Device Type") in {"DCU", "GPU"} and is_hygon(fields.get("Vendor Name", ""))
    ]
    return tuple(agent_device(index, fields, "hygon") for index, fields in enumerate(found))
