"""A center that begins as another is and then goes its own way: what was remembered comes along, nothing is worked out.

Of nouns that never change both hold the same; tables, and what tells rows from each other, are copied.
"""

from __future__ import annotations

from typing import Any

from suanli.kernel.scheduling.bounds import Bounds
from suanli.kernel.scheduling.codes import Codes
from suanli.kernel.scheduling.core.tables import Center
from suanli.kernel.scheduling.deadlines import Deadlines
from suanli.kernel.scheduling.fair_share import Owed
from suanli.kernel.scheduling.features import Features
from suanli.kernel.scheduling.levels import Levels
from suanli.kernel.scheduling.state import ClusterState
from suanli.kernel.scheduling.windows import Windows


def snapshot(state: ClusterState) -> ClusterState:
    """A copy of a state; of the two neither notices what is told to the other."""
    other = ClusterState()
    vars(other).update({name: _copied(value) for name, value in vars(state).items()})
    return other


def _copied(value: Any) -> Any:
    """A copy as deep as changes go: the lists of a list are changed in place, the values of a mapping replaced."""
    if isinstance(value, Center | Codes | Bounds | Windows | Owed | Deadlines | Features | Levels):
        return value.copied()
    if isinstance(value, dict):
        return value.copy()
    if isinstance(value, list):
        return [list(item) if isinstance(item, list) else item for item in value]
    return value
