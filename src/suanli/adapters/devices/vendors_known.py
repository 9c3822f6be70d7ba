"""The vendors of the catalogue: where their devices show, and which tool is read by which parser."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Distance, Readings

CATALOG = Path(__file__).resolve().parents[2] / "catalog" / "devices" / "vendors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One command and the parser, in its vendor's module, of what it prints.

    ``asks`` is, for a library, the module of ours that asks it in a process of its own; ``words`` then name the library
    as Python imports it.
    """

    words: tuple[str, ...]
    parser: str
    asks: str = ""
    shares: tuple[str, ...] = ()
    """Of a tool that tells distances, first words of other tools that list devices in the order that it goes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """The variable by which a vendor's programs are told which of its devices are theirs.

    ``by`` is the field of a device that the variable lists. ``hides`` where a variable that is set and empty is known
    to hide all.
    """

    variable: str
    by: Literal["uuid", "index"]
    hides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the device files of a card are told.

    ``classes`` are those of its entries below /sys that have such a file each. Where there is another that is not
    among them, ``told_in`` is the driver's own file about a card, ``{address}`` in it the card's on the PCI bus; there
    it says ``field: value``, and ``name`` is the device file with the ``{value}`` in it. Both are below the root.
    """

    classes: tuple[str, ...]
    told_in: str = ""
    field: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """How an FPGA is given a bitstream: by the command ``words``, in which ``{address}`` and ``{file}`` are put.

    Bitstreams are files whose names end in ``suffix``; ``parser`` reads the first ``header_bytes`` of one.
    """

    words: tuple[str, ...]
    suffix: str
    parser: str
    header_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a bitstream says of itself: the model that it is for, and what the vendor's tool calls it once loaded."""

    model: str
    told_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One vendor as its file tells it.

    ``signs`` are paths below the root that exist where its driver is loaded, ``passed_over`` PCI addresses at which
    its kind of device is none of a center's. ``pci_devices``, where not empty, are the only devices that it means, for
    a maker that has other things under the same vendor and class.
    """

    name: str
    device_class: DeviceClass
    module: str
    pci_vendors: frozenset[str]
    pci_classes: frozenset[str]
    signs: tuple[str, ...]
    tools: tuple[Tool, ...]
    passed_over: frozenset[str] = frozenset()
    pci_devices: frozenset[str] = frozenset()
    readings: tuple[Tool, ...] = ()
    """Tools that tell of devices already listed how they are now, each with a parser to readings by index."""
    topology: tuple[Tool, ...] = ()
    """Tools that tell how far devices already listed are from each other, each with a parser to distances by pair."""
    visibility: Visibility | None = None
    """None where nobody is known to have published a variable."""
    files: Files | None = None
    """None where nobody is known to have said which device files belong to which card."""
    configure: Configure | None = None
    """None of what is no FPGA, or where nobody is known to have said how."""

    def parse(self, tool: Tool, text: str) -> tuple[DiscoveredDevice, ...]:
        """The devices that a tool printed. The vendor's module is imported by the first of them only."""
        module = import_module(f"suanli.adapters.devices.vendors.{self.module}")
        found: tuple[DiscoveredDevice, ...] = getattr(module, tool.parser)(text)
        return found

    def read(self, tool: Tool, text: str) -> dict[int, Readings]:
        """The readings by index that a tool printed."""
        module = import_module(f"suanli.adapters.devices.vendors.{self.module}")
        found: dict[int, Readings] = getattr(module, tool.parser)(text)
        return found

    def header(self, configure: Configure, start: bytes) -> Header | None:
        """What a file says of itself, given how it starts; None where it is no bitstream."""
        module = import_module(f"suanli.adapters.devices.vendors.{self.module}")
        found: tuple[str, str] | None = getattr(module, configure.parser)(start)
        return None if found is None else Header(*found)

    def measure(self, tool: Tool, text: str) -> dict[tuple[int, int], Distance]:
        """The distances that a tool printed, by pair of places in the order in which it lists devices."""
        module = import_module(f"suanli.adapters.devices.vendors.{self.module}")
        found: dict[tuple[int, int], Distance] = getattr(module, tool.parser)(text)
        return found


def known(folder: Path = CATALOG) -> tuple[Vendor, ...]:
    """Every vendor of the catalogue by the names of their files."""
    return tuple(_read(path) for path in sorted(folder.glob("*.toml")))


def _read(path: Path) -> Vendor:
    told = tomllib.loads(path.read_text("utf-8"))
    return Vendor(
        name=told["name"],
        device_class=DeviceClass(told["class"]),
        module=told["module"],
        pci_vendors=frozenset(told["pci_vendors"]),
        pci_classes=frozenset(told["pci_classes"]),
        signs=tuple(told["signs"]),
        tools=_tools(told["tools"]),
        passed_over=frozenset(told.get("passed_over", ())),
        pci_devices=frozenset(told.get("pci_devices", ())),
        readings=_tools(told.get("readings", ())),
        topology=_tools(told.get("topology", ())),
        visibility=Visibility(**told["visibility"]) if "visibility" in told else None,
        configure=Configure(**{**told["configure"], "words": tuple(told["configure"]["words"])})
        if "configure" in told
        else None,
        files=Files(**{**told["files"], "classes": tuple(told["files"]["classes"])}) if "files" in told else None,
    )


def _tools(told: Iterable[Mapping[str, Any]]) -> tuple[Tool, ...]:
    return tuple(
        Tool(**{**tool, "words": tuple(tool["words"]), "shares": tuple(tool.get("shares", ()))}) for tool in told
    )
