"""Rates: what finished work reached on which device models, and what the center's devices can do in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suanli.kernel.authority import require, sees
from suanli.model.devices import Precision
from suanli.model.ids import NodeName
from suanli.model.quantities import WHOLE_DEVICE
from suanli.model.rates import LearnedRate
from suanli.model.resources import Device, Node
from suanli.model.tenancy import Caller, Scope
from suanli.ports.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRate:
    """A learned rate beside the nominal one of the model, in 10^9 operations a second; 0 where that is not known.

    Of work in several precisions there is no nominal rate: it would depend on their parts.
    """

    learned: LearnedRate
    nominal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What devices that do a precision natively can do at most, in 10^9 operations a second, and how much is held.

    Only healthy ones count. ``unknown`` are those of which nobody knows the rate, and of which nothing else is told.
    """

    precision: Precision
    devices: int
    rate: int
    held: int
    unknown: int


class Rates:
    """Answers from what the store knows of rates."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rates(self, caller: Caller) -> Sequence[KnownRate]:
        """What was learned: of applications, and of the caller's own work; for operators all."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            found = tables.learned_rates()
            found = [rate for rate in found if rate.application or sees(caller, rate.owner)]
            nominal = _nominal(device for node in tables.nodes() for device in node.devices)
        return [KnownRate(learned=rate, nominal=nominal.get((rate.model, rate.precisions), 0)) for rate in found]

    def supply(self, caller: Caller) -> Sequence[Supply]:
        """By precision, what the center's devices can do."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            nodes, held = tables.nodes(), Counter[tuple[NodeName, int]]()
            for run in tables.active_runs():
                for hold in run.allocation.nodes:
                    for device in hold.devices:
                        held[hold.node, device.index] += device.share
        return [_supply(precision, nodes, held) for precision in Precision]


def _nominal(devices: Iterable[Device]) -> Mapping[tuple[str, str], int]:
    return {(device.model, precision.value): rate for device in devices for precision, rate in device.rates.items()}


def _supply(precision: Precision, nodes: Sequence[Node], held: Mapping[tuple[NodeName, int], int]) -> Supply:
    doing = [
        (device.rates.get(precision, 0), held.get((node.name, device.index), 0))
        for node in nodes
        for device in node.devices
        if device.healthy and (precision in device.precisions or precision in device.rates)
    ]
    known = [(rate, share) for rate, share in doing if rate]
    return Supply(
        precision=precision,
        devices=len(known),
        rate=sum(rate for rate, _ in known),
        held=sum(rate * share // WHOLE_DEVICE for rate, share in known),
        unknown=len(doing) - len(known),
    )
