"""Advance reservations: what one may be, whom it admits, what it meets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.errors import InvalidRequestError
from suanli.model.ids import NodeName, ProjectName, ReservationName, UserName
from suanli.model.quantities import Instant
from suanli.model.reservations import AdvanceReservation, ReservationPurpose, in_conflict

REPAIR = AdvanceReservation(
    name=ReservationName("repair"), starts_at=Instant(10), ends_at=Instant(20), nodes=(NodeName("n1"),)
)
COURSE = replace(REPAIR, purpose=ReservationPurpose.USE, projects=frozenset({ProjectName("p")}))

times = st.tuples(st.integers(1, 30), st.integers(1, 10)).map(lambda pair: (pair[0], pair[0] + pair[1]))
reservations = st.builds(
    lambda name, span, nodes, use: AdvanceReservation(
        name=ReservationName(name),
        starts_at=Instant(span[0]),
        ends_at=Instant(span[1]),
        nodes=tuple(map(NodeName, sorted(nodes))),
        purpose=ReservationPurpose.USE if use else ReservationPurpose.MAINTENANCE,
        projects=frozenset({ProjectName("p")} if use else ()),
    ),
    st.sampled_from(["r0", "r1", "r2"]),
    times,
    st.sets(st.sampled_from(["n0", "n1", "n2"]), min_size=1),
    st.booleans(),
)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "-x"}, "name"),
        ({"ends_at": 10}, "ends_at"),
        ({"starts_at": 0}, "ends_at"),
        ({"nodes": ()}, "nodes"),
        ({"nodes": ("n1", "n1")}, "nodes"),
        ({"purpose": ReservationPurpose.USE}, "projects"),
        ({"projects": frozenset({"p"})}, "purpose"),
        ({"users": frozenset({"ann"})}, "purpose"),
    ],
)
def test_each_rule_names_the_field_that_breaks_it(changes: dict[str, Any], field: str) -> None:
    REPAIR.check()
    COURSE.check()
    with pytest.raises(InvalidRequestError) as refused:
        replace(REPAIR, **changes).check()
    assert refused.value.field == field


def test_use_admits_its_projects_and_its_users_and_maintenance_nobody() -> None:
    both = replace(COURSE, users=frozenset({UserName("ann")}))
    assert both.admits(ProjectName("p"), UserName("bob"))
    assert both.admits(ProjectName("q"), UserName("ann"))
    assert not both.admits(ProjectName("q"), UserName("bob"))
    assert not replace(both, purpose=ReservationPurpose.MAINTENANCE).admits(ProjectName("p"), UserName("ann"))


@given(one=reservations, span=times)
def test_overlapping_is_to_have_an_instant_in_common(one: AdvanceReservation, span: tuple[int, int]) -> None:
    common = set(range(one.starts_at, one.ends_at)) & set(range(*span))
    assert one.overlaps(*span) == bool(common)


@given(one=reservations, others=st.lists(reservations, max_size=5))
def test_conflicts_are_promises_of_one_node_at_one_instant_to_two(
    one: AdvanceReservation, others: list[AdvanceReservation]
) -> None:
    def promised(reservation: AdvanceReservation) -> set[tuple[str, int]]:
        if reservation.purpose is not ReservationPurpose.USE:
            return set()
        return {(node, at) for node in reservation.nodes for at in range(reservation.starts_at, reservation.ends_at)}

    found = in_conflict(one, others)
    assert list(found) == [other for other in others if other.name != one.name and promised(one) & promised(other)]
    for other in found:
        assert in_conflict(other, [one]) == (one,)
