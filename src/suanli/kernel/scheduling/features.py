"""Features of nodes as bits: a bit for each that waiting work names, given when it is first named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from suanli.kernel.scheduling.core import tables as t
from suanli.model.errors import InvalidRequestError


class Features:
    """Which nodes have which features, and the bits of those that are named.

    A name that nobody uses any more keeps its bit until another needs one: work that names it is often followed by
    more. A shape that is remembered may so have bits that became another name's; who takes it again gives it its own.
    """

    def __init__(self) -> None:
        self.bits: dict[str, int] = {}
        self._users: Counter[str] = Counter()
        self._having: dict[str, set[int]] = {}
        self._of_rows: dict[int, frozenset[str]] = {}

    def copied(self) -> Features:
        """As it is now, and on its own from then on."""
        other = Features()
        other.bits, other._users = dict(self.bits), self._users.copy()
        other._having = {name: set(rows) for name, rows in self._having.items()}
        other._of_rows = dict(self._of_rows)
        return other

    def set_node(self, row: int, features: frozenset[str]) -> int:
        """Let a node have these features; its bits."""
        before = self._of_rows.get(row, frozenset())
        for name in before - features:
            self._having[name].discard(row)
        for name in features - before:
            self._having.setdefault(name, set()).add(row)
        self._of_rows[row] = features
        return sum(bit for name, bit in self.bits.items() if name in features)

    def admit(self, names: Collection[str]) -> None:
        """Let pass what more work may name.

        Raises:
            InvalidRequestError: there would be more names than bits.
        """
        if names and len(self._users.keys() | set(names)) > t.FEATURES:
            raise InvalidRequestError("features", f"waiting work names more than {t.FEATURES} features of nodes")

    def take(self, tables: t.Center, shape: int, names: Iterable[str]) -> bool:
        """Let a shape ask for features, with one user more; tell whether nodes have other bits than before."""
        new = [name for name in names if name not in self.bits]
        self._users.update(names)
        for name in new:
            self.bits[name] = self._free_bit()
            self._mark(tables, name)
        mask = sum(self.bits[name] for name in names)
        if tables.shapes[shape, t.MUST_HAVE] != mask:
            tables.shapes[shape, [t.MUST_HAVE, t.SEEN]] = (mask, t.NOBODY)
        return bool(new)

    def leave(self, names: Iterable[str]) -> None:
        """Work that names them waits no longer."""
        for name in names:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]

    def _free_bit(self) -> int:
        """A bit that no name has, or that of a name which nobody uses."""
        if len(self.bits) < t.FEATURES:
            return 1 << len(self.bits)
        return self.bits.pop(next(name for name in self.bits if name not in self._users))

    def _mark(self, tables: t.Center, name: str) -> None:
        """Write the bit of a name; also where nodes stand as they are at the reserved start, for they have it then."""
        bit, rows = self.bits[name], list(self._having.get(name, ()))
        for nodes in (tables.nodes, tables.then_nodes, tables.both_nodes):
            nodes[:, t.HAS] &= ~bit
            nodes[rows, t.HAS] |= bit
