"""Advance reservations as bits, and what waiting work must heed of them as time passes.

Work of one limit that names one reservation (or none) heeds the same: it is one group. A group is judged anew only once
time has come to an instant at which what it must heed is another; until then a turn asks one comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from suanli.kernel.scheduling.core import changes
from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.holdings import rows_from
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import NodeName, ReservationName
from suanli.model.quantities import Instant
from suanli.model.reservations import AdvanceReservation

_STALE = -1


class Heed(NamedTuple):
    """What work that starts now must heed: bits it keeps off, and bits it lies within (see ``Demand``)."""

    kept_off: int
    within: int


class Heeding(Protocol):
    """Waiting work, as far as it must heed anything: ``row`` is its number, ``limit_us`` how long it may run."""

    @property
    def row(self) -> int: ...
    @property
    def limit_us(self) -> int: ...
    @property
    def reservation(self) -> ReservationName: ...


class _GroupKey(NamedTuple):
    limit_us: int
    reservation: ReservationName


@dataclass(slots=True)
class _Group:
    heed: Heed
    members: dict[int, None] = field(default_factory=dict)
    """Rows of jobs."""


class Windows:
    """The advance reservations of a center, each that has not ended with a bit of its own."""

    def __init__(self) -> None:
        self._told: dict[ReservationName, AdvanceReservation] = {}
        self._there: dict[ReservationName, AdvanceReservation] = {}
        """Those that had not ended when it was last asked, and so have bits."""
        self._bits: dict[ReservationName, int] = {}
        self._of_nodes: dict[NodeName, int] = {}
        self._groups: dict[_GroupKey, _Group] = {}
        self._since = 0
        self._until = t.NEVER

    def tell(self, reservation: AdvanceReservation) -> None:
        """A reservation is there, or is otherwise than before."""
        self._told[reservation.name] = reservation
        self._until = _STALE

    def forget(self, name: ReservationName) -> None:
        """A reservation is there no longer."""
        if self._told.pop(name, None) is not None:
            self._until = _STALE

    def are_current(self, now: Instant) -> bool:
        """Tell whether all that waits must heed the same as it was last told."""
        return self._since <= now <= self._until

    @property
    def until(self) -> int:
        """The last instant at which that is so, ``NEVER`` where only what happens can change it."""
        return self._until

    def copied(self) -> Windows:
        """As it is now, and on its own from then on."""
        other = Windows()
        other._told, other._there, other._bits = dict(self._told), dict(self._there), dict(self._bits)
        other._of_nodes, other._since, other._until = dict(self._of_nodes), self._since, self._until
        other._groups = {key: _Group(group.heed, dict(group.members)) for key, group in self._groups.items()}
        return other

    def move(self, now: Instant) -> bool:
        """Let it be now, and tell whether other reservations than before have bits, or may have other nodes.

        Raises:
            InvalidRequestError: more of them have not ended than there are bits.
        """
        was_told = self._until == _STALE
        there = self._there = {name: one for name, one in self._told.items() if one.ends_at > now}
        gone = [name for name in self._bits if name not in there]
        new = [name for name in there if name not in self._bits]
        self._since = now
        if not (was_told or gone or new):
            return False
        for name in gone:
            del self._bits[name]
        unused = sorted(set(range(t.WINDOWS)) - set(self._bits.values()))
        if len(new) > len(unused):
            raise InvalidRequestError("reservations", f"of more than {t.WINDOWS} some must be removed or have ended")
        self._bits.update(zip(new, unused, strict=False))
        self._of_nodes.clear()
        for name, bit in self._bits.items():
            for node in there[name].nodes:
                self._of_nodes[node] = self._of_nodes.get(node, 0) | 1 << bit
        return True

    def write(self, tables: t.Center, nodes: Mapping[NodeName, int]) -> None:
        """Let tables know which windows there are, and the nodes in them (rows by name) their bits."""
        bits, rows = np.zeros(tables.nodes.shape[0], dtype=np.int64), self.rows()
        tables.windows[: len(rows)] = rows_from(rows, 2)
        tables.sizes[t.WINDOWS_SIZE] = len(rows)
        for name in self.nodes().keys() & nodes.keys():
            bits[nodes[name]] = self.of_node(name)
        for row in np.flatnonzero(bits != tables.nodes[:, t.RESERVED]).tolist():
            engine, ready, cpu, memory = tables.nodes[row, : t.FREE_CPU].tolist()
            features, switch, disk = tables.nodes[row, [t.HAS, t.SWITCH, t.DISK]].tolist()
            changes.set_node(tables, row, (engine, ready, cpu, memory, int(bits[row]), features, switch, disk))

    def moved(self) -> Iterator[tuple[Heed, list[int]]]:
        """Every group of work, by rows of jobs, that must heed something else now than before, after :meth:`move`."""
        self._until = min((one.ends_at - 1 for one in self._there.values()), default=t.NEVER)
        for key, group in self._groups.items():
            heed = self._judge(key)
            if heed != group.heed:
                group.heed = heed
                yield heed, list(group.members)

    def join(self, job: Heeding) -> Heed:
        """What a job that begins to wait must heed."""
        key = _GroupKey(job.limit_us, job.reservation)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(self._judge(key))
        group.members[job.row] = None
        return group.heed

    def leave(self, job: Heeding) -> None:
        """A job waits no longer."""
        key = _GroupKey(job.limit_us, job.reservation)
        members = self._groups[key].members
        del members[job.row]
        if not members:
            del self._groups[key]

    def of_node(self, node: NodeName) -> int:
        """The bits of all that a node lies in."""
        return self._of_nodes.get(node, 0)

    def nodes(self) -> dict[NodeName, int]:
        """The bits of all nodes that lie in any."""
        return self._of_nodes

    def rows(self) -> list[tuple[int, int]]:
        """By bit up to the last one in use, when its reservation starts and ends; zeros for bits not in use."""
        found = [(0, 0)] * (1 + max(self._bits.values(), default=-1))
        for name, bit in self._bits.items():
            found[bit] = (self._there[name].starts_at, self._there[name].ends_at)
        return found

    def named(self, name: ReservationName) -> AdvanceReservation | None:
        """The reservation of a name, if there is one."""
        return self._told.get(name)

    def those(self, bits: int) -> list[tuple[int, AdvanceReservation]]:
        """Bits and their reservations, in the order in which these start."""
        found = [(1 << bit, self._there[name]) for name, bit in self._bits.items() if bits >> bit & 1]
        return sorted(found, key=lambda pair: (pair[1].starts_at, pair[1].name))

    def _judge(self, key: _GroupKey) -> Heed:
        """What work must heed that starts now; ``until`` comes down to when that changes."""
        now, end, kept_off, within = self._since, self._since + key.limit_us, 0, t.CLOSED if key.reservation else 0
        for name, bit in self._bits.items():
            one = self._there[name]
            if name == key.reservation:
                within = 1 << bit
                if not one.starts_at <= now or end > one.ends_at:
                    within |= t.CLOSED
                turns = (one.starts_at - 1, one.ends_at - key.limit_us)
            else:
                if one.overlaps(now, end):
                    kept_off |= 1 << bit
                turns = (one.starts_at - key.limit_us, one.ends_at - 1)
            self._until = min(self._until, *(turn if turn >= now else t.NEVER for turn in turns))
        return Heed(kept_off, within)
