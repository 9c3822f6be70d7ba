"""Taking in orders: everything a run needs is laid out on disk, the plan last, whose existence is the acceptance."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from suanli.adapters.engines.local import records
from suanli.adapters.engines.local.accounts import Account, Accounts
from suanli.adapters.engines.local.devices import NodeDevices
from suanli.adapters.engines.local.orders import Machine, plan_records
from suanli.model.ids import RunId
from suanli.model.quantities import WHOLE_CPU
from suanli.model.spec import Launcher
from suanli.ports.engine import Isolation, RunOrder


class Intake:
    """Lays out runs. Not safe for several threads at once.

    Nothing is synced here: the run's supervisor syncs the plan before it records the start.
    """

    def __init__(self, machine: Machine, devices: NodeDevices) -> None:
        self._machine = machine
        self._devices = devices
        self._layout = machine.layout
        self._pinned: dict[RunId, frozenset[int]] | None = None

    def accept(self, order: RunOrder, accounts: Accounts) -> None:
        """Lay out the run in its directory, which is there. After a crash anywhere within, doing it again completes it.

        Raises:
            EngineError: this order cannot run here.
            OSError: the disk does not take it.
        """
        account = accounts.find(order.account)
        mine = [hold for hold in order.allocation.nodes if hold.node == self._machine.node]
        devices = [device for hold in mine for device in hold.devices]
        asked = order.resources.devices
        binding = self._devices.bind(devices, asked.bitstream if asked is not None else "")
        self._make_folders(order, account)
        cpus = self._choose_cpus(order, binding.near_cpus)
        port = _free_port() if order.launcher is Launcher.TORCHRUN else 0
        lines = plan_records(order, machine=self._machine, account=account, cpus=cpus, binding=binding, port=port)
        if order.outputs:
            lines.append(("note", json.dumps([[item.name, item.path] for item in order.outputs])))
        records.write_plan(self._layout.run(order.run), lines)

    def _make_folders(self, order: RunOrder, account: Account) -> None:
        if account.switched:
            self._layout.run(order.run).chmod(0o711)
        _make_folder(self._layout.scratch(order.run), account)
        if self._machine.sandbox.kind is Isolation.NAMESPACES:
            _make_folder(self._layout.private_tmp(order.run), account)
        if order.script:
            _make_file(self._layout.script(order.run), order.script.encode(), 0o700, account)

    def _choose_cpus(self, order: RunOrder, near: frozenset[int]) -> list[int]:
        """Processors of its own for a run that holds whole ones, while there are any that no other run has.

        Those ``near`` its devices go first, and for a run without devices the order is the kernel's.
        """
        whole, rest = divmod(order.allocation.cpu_milli, WHOLE_CPU)
        if rest or not whole:
            return []
        if self._pinned is None:
            self._pinned = dict(self._pins_on_disk())
        for run in [run for run in self._pinned if (self._layout.run(run) / "ended").exists()]:
            del self._pinned[run]
        free = os.sched_getaffinity(0).difference(*self._pinned.values())
        if len(free) < whole:
            return []
        chosen = sorted(free, key=lambda cpu: (cpu not in near, cpu))[:whole]
        self._pinned[order.run] = frozenset(chosen)
        return sorted(chosen)

    def _pins_on_disk(self) -> Iterator[tuple[RunId, frozenset[int]]]:
        for run in self._layout.accepted():
            directory = self._layout.run(run)
            if not (directory / "ended").exists():
                yield run, frozenset(map(int, records.plan_values(directory, "cpu")))


def make_folder(path: Path) -> bool:
    """Make a folder that nobody else may enter; False where it was there."""
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102 - pathlib's takes three times as long, and this is done for every run
    except FileExistsError:
        return False
    return True


def _make_folder(path: Path, account: Account) -> None:
    make_folder(path)
    _give(path, account)


def _give(path: Path, account: Account) -> None:
    if account.switched:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _make_file(path: Path, content: bytes, mode: int, account: Account) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    _give(path, account)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
