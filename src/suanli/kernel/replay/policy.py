"""Named ways to decide in a replay."""

from __future__ import annotations

from dataclasses import dataclass

from suanli.kernel.replay import queue
from suanli.kernel.replay.course import Ways
from suanli.kernel.scheduling.core.rules import CONSERVATIVE, EASY, NO_BACKFILL, Rules
from suanli.kernel.scheduling.fair_share import ShareWeights
from suanli.kernel.scheduling.scoring import scoring
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.spec import Objective

ORDERS = {
    "fcfs": queue.FCFS,
    "sjf": queue.SJF,
    "f1": queue.F1,
    "f2": queue.F2,
    "f3": queue.F3,
    "f4": queue.F4,
    "fair_share": queue.FAIR_SHARE,
    "wfp3": queue.WFP3,
    "unicep": queue.UNICEP,
    "slowdown": queue.SLOWDOWN,
}
BACKFILLS = {"none": NO_BACKFILL, "easy": EASY, "conservative": CONSERVATIVE}
"""How many of those that cannot start get a reservation."""
PREDICTIONS = {
    "requested": queue.REQUESTED,
    "last_two": queue.LAST_TWO,
    "learned": queue.LEARNED,
    "clairvoyant": queue.CLAIRVOYANT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the replayed center decides; each field names one of the tables above.

    ``score`` says what speaks for a node (``scheduling.scoring``).

    ``backfill`` may instead be a number: of so many that cannot start, the first in order, each gets a reservation.

    With ``shortest_first`` work behind the head is tried in the order of its planned run time (SJBF). Planned run times
    are what was requested, or where ``believed`` what ``prediction`` says, corrected when a run outlives it; else
    predictions serve the order alone.

    With an ``objective`` (time, energy, cost) all work with devices ranks their types by it, where the trace tells how
    long each takes; without one nobody knows, and it is lived through all the same.

    By the order ``fair_share`` work goes as if it had come earlier by what it is owed (``scheduling.fair_share``), with
    ``shares`` as the weights, which are those that a server has unless it is told otherwise.
    """

    order: str = "fcfs"
    backfill: str | int = "easy"
    score: str = "first_fit"
    prediction: str = "requested"
    believed: bool = False
    shortest_first: bool = False
    shares: ShareWeights = ShareWeights(project_s=7 * 86_400, member_s=86_400)
    objective: str = ""

    def pursued(self) -> Objective | None:
        """What all work with devices ranks their types by.

        Raises:
            NotFoundError: there is no such objective.
        """
        if self.objective not in {"", *Objective}:
            raise NotFoundError("objective", self.objective, "time, energy or cost")
        return Objective(self.objective) if self.objective else None

    def rules(self, jobs: int) -> Rules:
        """For the turns.

        Raises:
            NotFoundError: a name is not in its table.
            InvalidRequestError: fewer than no reservations.
        """
        kept = self.backfill if isinstance(self.backfill, int) else _code("backfill", BACKFILLS, self.backfill)
        if kept < 0:
            raise InvalidRequestError("backfill", f"{kept} reservations cannot be", "give 0 or more")
        return Rules(scoring(self.score).policy, kept, max(jobs, 1), self.shortest_first)

    def ways(self) -> Ways:
        """For the queue.

        Raises:
            NotFoundError: a name is not in its table.
        """
        order, prediction = _code("order", ORDERS, self.order), _code("prediction", PREDICTIONS, self.prediction)
        return Ways(order=order, moving=order >= queue.WFP3, prediction=prediction, believed=self.believed)


POLICIES = {
    "fcfs": Policy(backfill="none"),
    "easy": Policy(),
    "reserve-10": Policy(backfill=10),
    "conservative": Policy(backfill="conservative"),
    "easy-sjbf": Policy(shortest_first=True),
    "easy-clairvoyant-sjbf": Policy(prediction="clairvoyant", believed=True, shortest_first=True),
    "easy-last-two-sjbf": Policy(prediction="last_two", believed=True, shortest_first=True),
    "easy-learned-sjbf": Policy(prediction="learned", believed=True, shortest_first=True),
    "fair-share": Policy(order="fair_share"),
    "fair-share-conservative": Policy(order="fair_share", backfill="conservative"),
    "sjf-easy": Policy(order="sjf"),
    "wfp3-easy": Policy(order="wfp3"),
    "unicep-easy": Policy(order="unicep"),
    "f1-easy": Policy(order="f1"),
    "sjf-conservative": Policy(order="sjf", backfill="conservative"),
    "easy-best-fit": Policy(score="best_fit"),
    "easy-worst-fit": Policy(score="worst_fit"),
    "easy-dot-product": Policy(score="dot_product"),
    "easy-packing": Policy(score="packing"),
    "easy-clustering": Policy(score="clustering"),
    "easy-fragmentation": Policy(score="fragmentation"),
    "easy-residual-value": Policy(score="residual_value"),
    "easy-power": Policy(score="power"),
    "easy-topology": Policy(score="topology"),
    "easy-time": Policy(objective="time"),
    "easy-energy": Policy(objective="energy"),
    "easy-cost": Policy(objective="cost"),
    "slowdown": Policy(order="slowdown", prediction="learned"),
}
"""Policies by the names that the command line knows."""


def _code(kind: str, table: dict[str, int], name: str) -> int:
    if name not in table:
        raise NotFoundError(kind, name, f"one of {', '.join(table)}")
    return table[name]
