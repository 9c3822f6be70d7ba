"""Tariffs: what the center costs, from when; and whether work may be ranked by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suanli.kernel.authority import require, require_admin
from suanli.model.altered import altered
from suanli.model.errors import AdmissionRefusedError, InvalidRequestError
from suanli.model.facts import TariffSet
from suanli.model.quantities import Instant
from suanli.model.spec import Objective, WorkloadSpec
from suanli.model.tariff import Tariff, in_force
from suanli.model.tenancy import Caller, Scope, User
from suanli.ports.clock import Clock
from suanli.ports.store import Reading, Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffStanding:
    """The tariff that counts now, if there is one, and those that are set to count later, by when."""

    current: Tariff | None
    coming: Sequence[Tariff]


class Tariffs:
    """Keeps the center's prices; which devices they speak for is the planner's to say."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def standing(self, caller: Caller) -> TariffStanding:
        """What holds now and what is to come, for everybody."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            known, now = tables.tariffs(), self._clock.now()
        later = {tariff.valid_from for tariff in known if tariff.valid_from > now}
        coming = [in_force(known, begin) for begin in sorted(later)]
        return TariffStanding(current=in_force(known, now), coming=[one for one in coming if one is not None])

    def set_tariff(self, tx: Transaction, caller: Caller, wanted: Tariff) -> Tariff:
        """Let prices hold from an instant on (0: from now), as the next version; for administrators.

        Raises:
            InvalidRequestError: a price or name cannot be, or it would hold from a time that is past.
        """
        require_admin(caller)
        now, known = self._clock.now(), tx.tariffs()
        begin = wanted.valid_from or now
        if begin < now:
            raise InvalidRequestError("valid_from", "what was held before now has its price", "leave it out, for now")
        made = altered(wanted, version=len(known) + 1, valid_from=Instant(begin))
        made.check()
        tx.append(TariffSet(tariff=made), actor=caller.user)
        return tx.tariff(made.version)


class TariffCheck:
    """Refuses work that is to be ranked by prices where there are none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, _owner: User, specs: Sequence[WorkloadSpec], tables: Reading) -> None:
        """Let the submission pass or refuse it.

        Raises:
            AdmissionRefusedError: no tariff holds now.
        """
        if (
            any(spec.objective is Objective.COST for spec in specs)
            and in_force(tables.tariffs(), self._clock.now()) is None
        ):
            detail = "device models are to be ranked by cost, and this center has no prices"
            raise AdmissionRefusedError("tariff_missing", detail, "choose time or energy")
