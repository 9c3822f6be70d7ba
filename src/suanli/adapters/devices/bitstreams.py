"""The bitstreams that a center keeps in a folder, and the command by which a device is given one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from suanli.adapters.devices.vendors_known import Configure, Vendor
from suanli.model.devices import is_bitstream
from suanli.model.discovery import Configuration, DiscoveredDevice


def configurations_of(
    vendor: Vendor, configure: Configure, device: DiscoveredDevice, folder: Path, path: str | None
) -> tuple[Configuration, ...]:
    """Those of a folder that are for the device, by name; its vendor's program is looked for along ``path``.

    A file that says for which model it is goes by what it says, whatever its name; its name without the ending is the
    bitstream's. Whether its shell is the right one is left to the program, which knows which are compatible.
    """
    program = shutil.which(configure.words[0], path=path)
    if program is None or not device.pci_address:
        return ()
    found = []
    for file in _files(folder, configure.suffix):
        header = vendor.header(configure, _start(file, configure.header_bytes))
        if header is None or header.model != device.model:
            continue
        put = {"address": device.pci_address, "file": str(file)}
        words = (os.path.abspath(program), *(word.format_map(put) for word in configure.words[1:]))  # noqa: PTH100 - links stay
        name = file.name.removesuffix(configure.suffix)
        found.append(Configuration(name=name, told_as=header.told_as, file=str(file), words=words))
    return tuple(found)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    try:
        there = sorted(folder.resolve().iterdir())
    except OSError:
        return
    for file in there:
        # A link could lead out of the folder, whoever made it.
        if file.name.endswith(suffix) and is_bitstream(file.name.removesuffix(suffix)) and not file.is_symlink():
            yield file


def _start(file: Path, count: int) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(count)
    except OSError:
        return b""
