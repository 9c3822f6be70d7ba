"""Judges turns of a large mixed center, apart from the kernel: plain Python on the model's objects, slow and obvious.

What models can do is read from the catalogue's file itself, and which models a name means is written by hand.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from suanli.kernel.scheduling.explain import explain
from suanli.kernel.scheduling.plan import Decision, Explanation, Plan, Reason, ReasonCode, Refusal
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.ids import NodeName, WorkloadId
from suanli.model.resources import Allocation, Device
from suanli.model.workload import Workload
from tests.mixed.requests import MEANT
from tests.unit.kernel.scheduling.center import Center
from tests.unit.kernel.scheduling.checker import ahead_of, beside, check_allocation, held, in_order, now_room
from tests.unit.kernel.scheduling.explained import allocations, check_constraints
from tests.unit.kernel.scheduling.pursuing import check_patience
from tests.unit.kernel.scheduling.rooms import Asked, Room, asked, both, engine_totals, fails, fits, mended, room

CATALOGUE = Path(__file__).resolve().parents[2] / "src/suanli/catalog/devices/models.toml"
WHOLE = 1000

Table = Mapping[str, Mapping[Precision, float]]


def native_rates() -> Table:
    """Of each model of the catalogue, 10^12 operations a second by precision, as its file says."""
    found: dict[str, dict[Precision, float]] = {}
    for row in tomllib.loads(CATALOGUE.read_text("utf-8"))["models"]:
        rates = {precision: float(row[precision]) for precision in Precision if precision in row}
        if "fp64_matrix" in row:
            rates[Precision.FP64] = max(rates.get(Precision.FP64, 0.0), row["fp64_matrix"])
        found[f"{row['vendor']} {row['name']}"] = rates
    return found


@dataclass
class Judge:
    """Judges every turn of one center, and counts what it met."""

    center: Center
    rates: Table = field(default_factory=native_rates)
    met: Counter[str] = field(default_factory=Counter)
    _possible: dict[tuple[int, int], bool] = field(default_factory=dict)
    _mended: Room = field(default_factory=dict)

    def nodes_changed(self) -> None:
        """What could be held if all were well is to be worked out anew."""
        self._possible, self._mended = {}, mended(self.center)

    def is_possible(self, wanted: Asked, workload: Workload, form: int) -> bool:
        """Whether the center could hold it with nobody in it and all in health."""
        key = (id(self.center.specs[workload.id]), form)
        if key not in self._possible:
            self._possible[key] = fits(self._mended, wanted)
        return self._possible[key]

    def judge(self, plan: Plan) -> None:
        """All that must hold of a plan for this center, before it is carried out."""
        final = self._placements(plan)
        self._holders(plan)
        if plan.complete:
            self._refusals(plan, final)
            check_patience(self.center, plan, in_order(self.center))

    def _placements(self, plan: Plan) -> Room:
        """Each takes what is there and just what was asked for; what is left after all of them."""
        final = now_room(self.center, held(self.center, plan, []))
        for row in plan.placements:
            spec = self.center.specs[row.workload].form(row.alternative)
            assert row.workload in self.center.waiting
            check_allocation(final, row.allocation, spec)
            request = spec.resources.devices
            if request is not None and not spec.exclusive:
                for device in self._devices(row.allocation):
                    self._native(device, request)
            self._count(row.alternative, row.allocation, request)
        return final

    def _devices(self, allocation: Allocation) -> Iterable[Device]:
        for hold in allocation.nodes:
            there = {device.index: device for device in self.center.nodes[hold.node].devices}
            yield from (there[one.index] for one in hold.devices)

    def _native(self, device: Device, request: DeviceRequest) -> None:
        """The device does what was asked for itself, by the catalogue's file, and is of a model that was meant."""
        assert device.healthy
        assert request.device_class in {DeviceClass.ANY, device.device_class}
        assert not request.model or device.model in MEANT[request.model]
        if request.precision is not None:
            rate = self.rates[device.model][request.precision]
            assert round(rate * 1000) * request.share >= request.at_least * WHOLE

    def _count(self, alternative: int, allocation: Allocation, request: DeviceRequest | None) -> None:
        self.met["placements"] += 1
        self.met["alternatives"] += alternative > 0
        self.met["several nodes"] += len(allocation.nodes) > 1
        self.met["exclusive"] += allocation.exclusive
        self.met["without devices"] += request is None
        if request is not None:
            self.met["fractions"] += request.share < WHOLE
            self.met["precisions"] += request.precision is not None
            self.met["rates"] += request.at_least > 0
            self.met["models"] += bool(request.model)
            self.met["memory"] += request.min_memory_bytes > 0
            self.met["partitions"] += bool(request.partition)
            self.met["interconnects"] += request.interconnect is not None
            self.met[request.device_class] += 1

    def _holders(self, plan: Plan) -> None:
        """Nobody shares a device that is held whole, and no more is held of one than there is."""
        shares: dict[tuple[NodeName, int], list[int]] = defaultdict(list)
        everything = [*allocations(self.center), *(row.allocation for row in plan.placements)]
        for hold in (hold for allocation in everything for hold in allocation.nodes):
            for device in hold.devices:
                shares[hold.node, device.index].append(device.share)
        for there in shares.values():
            assert sum(there) <= WHOLE
            assert WHOLE not in there or len(there) == 1

    def _refusals(self, plan: Plan, final: Room) -> None:
        """Nobody waits who could start; all who wait have a reason, in each form, and it is true."""
        told, by_demand = 0, defaultdict(list)
        for refusal in plan.refusals:
            by_demand[refusal.demand].append(refusal)
        placed = {row.workload for row in plan.placements}
        judged: set[tuple[int, int, int]] = set()
        for workload in [one for one in self.center.waiting.values() if one.id not in placed]:
            for job in self.center.state.forms(workload.id):
                limited = replace(workload, time_limit_s=self.center.limit_s(workload, job.form))
                covering = (one for one in by_demand[job.demand] if one.covers(limited, job.demand))
                refusal = next(covering)
                told += 1
                key = (id(self.center.specs[workload.id]), job.form, id(refusal))
                if key not in judged:
                    judged.add(key)
                    self._refusal(plan, workload, job.form, refusal, final)
        assert sum(refusal.waiting for refusal in plan.refusals) == told

    def _refusal(self, plan: Plan, workload: Workload, form: int, refusal: Refusal, final: Room) -> None:
        wanted, reason = asked(self.center, workload, self.center.now, form), refusal.reason
        self.met[reason.code] += 1
        assert (reason.code is ReasonCode.IMPOSSIBLE) == (not self.is_possible(wanted, workload, form))
        if reason.code is ReasonCode.IMPOSSIBLE:
            return
        if reason.code is ReasonCode.FASTER_DEVICE:
            # That it is true is asked in the order of the queue. There was room, which others behind it may take.
            ahead = ahead_of(self.center, workload.id)
            before = [row for row in plan.placements if row.workload in ahead]
            assert fits(now_room(self.center, held(self.center, plan, before)), wanted)
            assert refusal.alone == workload.id
        elif reason.code is ReasonCode.BACKFILL_WINDOW:
            self._delays(plan, wanted, reason, final)
        else:
            assert not fits(final, wanted)
            assert is_so(final, wanted, reason)

    def _delays(self, plan: Plan, wanted: Asked, reason: Reason, final: Room) -> None:
        """Beside what is kept for the work that goes first, at whose start it still runs, it has no room.

        When the turn began there was some, which others may have taken that are done before that start.
        """
        (kept,) = plan.reservations
        assert reason.ahead == kept.workload
        assert wanted.end > kept.start
        assert fits(now_room(self.center, held(self.center, plan, [])), wanted)
        everything = held(self.center, plan, plan.placements)
        assert not fits(both(final, beside(self.center, everything, kept)), wanted)

    def explain(self, plan: Plan, which: Iterable[WorkloadId]) -> None:
        """Of some that wait, every constraint that is told with its counts of nodes, and whether it can ever start."""
        placed = {row.workload: row for row in plan.placements}
        for workload in which:
            told = explain(self.center.state, workload, self.center.now, self.center.policy)
            assert (told.decision is Decision.NOW) == (workload in placed)
            if workload in placed:
                assert told.allocation == placed[workload].allocation
                continue
            for one in told.forms or (told,):
                self._explained(self.center.waiting[workload], one)

    def _explained(self, workload: Workload, told: Explanation) -> None:
        wanted = asked(self.center, workload, self.center.now, told.alternative)
        never = told.decision is Decision.NEVER
        assert never == (not self.is_possible(wanted, workload, told.alternative))
        before = self._mended if never else room(self.center, allocations(self.center))
        assert told.reasons
        if not fits(before, wanted):
            check_constraints(before, wanted, told)
            self.met.update(f"explained {reason.code}" for reason in told.reasons)


def is_so(final: Room, wanted: Asked, reason: Reason) -> bool:
    """Whether a node does fail what is told, or so few have room together."""
    if reason.nodes_total:
        return any(reason.code in fails(free, wanted) for free in final.values())
    most = max(engine_totals(final, wanted).values(), default=0)
    return most <= reason.available < reason.needed or reason.code is ReasonCode.ENGINE
