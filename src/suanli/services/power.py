"""The power cap: how much running work may draw, and how much it is expected to draw now."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.kernel.authority import require, require_operator
from suanli.kernel.power import drawn_mw
from suanli.model.facts import PowerCapSet
from suanli.model.power import PowerCap
from suanli.model.tenancy import Caller, Scope
from suanli.ports.store import Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerStanding:
    """The power cap, and what running work is expected to draw beyond idling.

    ``unknown_cpu_milli`` and ``unknown_devices`` are those of the center whose draw is not known: the cap does not
    count them.
    """

    cap: PowerCap
    drawn_mw: int
    unknown_cpu_milli: int
    unknown_devices: int


class Power:
    """Keeps the power cap; what it holds back is the planner's to say."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def standing(self, caller: Caller) -> PowerStanding:
        """The cap beside what is drawn."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            nodes = {node.name: node for node in tables.nodes()}
            return PowerStanding(
                cap=tables.power_cap(),
                drawn_mw=sum(drawn_mw(run.allocation, nodes) for run in tables.active_runs()),
                unknown_cpu_milli=sum(node.cpu_milli for node in nodes.values() if not node.cpu_power_mw),
                unknown_devices=sum(not one.power_mw for node in nodes.values() for one in node.devices),
            )

    def set_cap(self, tx: Transaction, caller: Caller, cap: PowerCap) -> PowerCap:
        """Let running work draw at most so much from now on; for operators. What runs runs on.

        Raises:
            InvalidRequestError: it is not a number of watts that can be counted.
        """
        require_operator(caller, Scope.WRITE)
        cap.check()
        tx.append(PowerCapSet(cap=cap), actor=caller.user)
        return tx.power_cap()
