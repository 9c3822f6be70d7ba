"""Devices of this machine: what is here, and how it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from suanli.model.discovery import Configuration, DiscoveredDevice, Survey


class Devices(Protocol):
    """Looks at the machine it runs on."""

    def survey(self) -> Survey:
        """Find the processors and every device, with their health and readings of now.

        Never raises for what a device or its tool does: a device that is there but cannot be read is listed with
        health UNKNOWN or FAILED and a reason, beside those that can. Each device is listed once. May be repeated at
        will; it changes nothing on the machine. Bounded in time: a tool that hangs is given up and said so in
        ``looked``.
        """
        ...

    def visibility(self, held: Sequence[DiscoveredDevice], others: Sequence[DiscoveredDevice]) -> Mapping[str, str]:
        """The environment in which a program sees the devices ``held``, in this order, and none of the ``others``.

        Both are as a survey told them. A vendor without a variable for it changes nothing.
        """
        ...

    def configurations(self, device: DiscoveredDevice, folder: Path) -> Sequence[Configuration]:
        """By which bitstreams that lie in a folder a device can be configured, by name.

        None where its vendor's command is not there, or nobody has said what that is. Files that are no bitstreams, or
        those of other cards, are passed over, as is a folder that cannot be read.
        """
        ...
