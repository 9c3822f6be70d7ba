"""Advance reservations and shares of a described center: each key, each refusal, and which nodes are meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.center import MAX_SHARES, CenterDescription, NodeGroup, SetAside, from_mapping
from suanli.model.errors import InvalidRequestError

PLAIN: dict[str, Any] = {"cpus": 1, "memory": "1GiB"}
CENTURY_S = 100 * 366 * 86_400
WHOLE: dict[str, Any] = {"name": "repair", "start": 60, "end": 120}


def described(*reservations: object, nodes: Any = None, **more: Any) -> CenterDescription:
    groups = nodes or [PLAIN | {"prefix": "a", "count": 2}, PLAIN | {"prefix": "b", "count": 3}]
    return from_mapping({"nodes": groups, "reservations": [*reservations], **more})


def refused(*reservations: object, **more: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        described(*reservations, **more)
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param(0, 0, id="the origin"),
        pytest.param(90, 90, id="a number of seconds"),
        pytest.param("90", 90, id="which may be a text"),
        pytest.param("2h", 7200, id="hours"),
        pytest.param("7d12h", 7 * 86_400 + 12 * 3600, id="days and hours"),
        pytest.param("01:30:00", 5400, id="as a clock shows it"),
        pytest.param(CENTURY_S - 1, CENTURY_S - 1, id="a century from now, all but a second"),
    ],
)
def test_an_instant_is_a_duration_from_the_origin(text: object, seconds: int) -> None:
    (one,) = described(WHOLE | {"start": text, "end": CENTURY_S}).reservations
    assert (one.starts_us, one.ends_us) == (seconds * 1_000_000, CENTURY_S * 1_000_000)


@pytest.mark.parametrize("key", ["start", "end"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("soon", "'soon' is not a duration", id="a word"),
        pytest.param(-5, "'-5' is not a duration", id="before the origin"),
        pytest.param(None, "'None' is not a duration", id="nothing"),
        pytest.param(True, "'True' is not a duration", id="a flag"),
        pytest.param([1], "'[1]' is not a duration", id="a list"),
        pytest.param(CENTURY_S + 1, f"{CENTURY_S + 1} does not lie in 0..{CENTURY_S}", id="beyond a century"),
        pytest.param(10**13, f"{10**13} does not lie in 0..{CENTURY_S}", id="beyond 64 bits of microseconds"),
    ],
)
def test_an_instant_that_is_none_is_named(key: str, value: object, said: str) -> None:
    error = refused(WHOLE, WHOLE | {"name": "other", key: value})
    assert (error.field, error.detail) == (f"reservations.1.{key}", said)


@pytest.mark.parametrize(("start", "end"), [(60, 60), (61, 60), (CENTURY_S, 0)])
def test_a_reservation_lasts(start: int, end: int) -> None:
    error = refused(WHOLE | {"start": start, "end": end})
    assert (error.field, error.detail) == ("reservations.0.end", "a reservation ends after it starts")


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        pytest.param({"name": ""}, "reservations.0.name", "reservations.0.name must be a name", id="no name"),
        pytest.param({"name": 7}, "reservations.0.name", "reservations.0.name must be a name", id="a number"),
        pytest.param({"until": 7}, "reservations.0.until", "'until' is not known here", id="an unknown key"),
        pytest.param({"nodes": ["a"]}, "reservations.0.nodes", "reservations.0.nodes must be a mapping", id="a list"),
        pytest.param({"nodes": {"last": 1}}, "reservations.0.nodes.last", "'last' is not known here", id="unknown"),
        pytest.param(
            {"nodes": {"prefix": ""}},
            "reservations.0.nodes.prefix",
            "reservations.0.nodes.prefix must be a name",
            id="a prefix of nothing",
        ),
        pytest.param(
            {"nodes": {"first": -1}}, "reservations.0.nodes.first", "-1 does not lie in 0..1000000", id="first"
        ),
        pytest.param({"nodes": {"count": "2"}}, "reservations.0.nodes.count", "'2' is not a whole number", id="count"),
        pytest.param({"users": "ann"}, "reservations.0.users", "reservations.0.users must be a list", id="one user"),
        pytest.param(
            {"users": ["a", ""]}, "reservations.0.users.1", "reservations.0.users.1 must be a name", id="empty"
        ),
        pytest.param(
            {"projects": {}}, "reservations.0.projects", "reservations.0.projects must be a list", id="projects"
        ),
        pytest.param(
            {"nodes": {"prefix": "c"}}, "reservations", "no node is set aside by 'repair'", id="no such prefix"
        ),
        pytest.param({"nodes": {"first": 3}}, "reservations", "no node is set aside by 'repair'", id="beyond the last"),
    ],
)
def test_what_a_reservation_cannot_be_is_named(changed: dict[str, Any], field: str, said: str) -> None:
    error = refused(WHOLE | changed)
    assert (error.field, error.detail) == (field, said)


@pytest.mark.parametrize("item", [None, "repair", 7, [WHOLE]])
def test_a_reservation_is_a_mapping_in_a_list(item: object) -> None:
    assert refused(item).detail == "reservations.0 must be a mapping"
    with pytest.raises(InvalidRequestError, match="reservations must be a list"):
        from_mapping({"nodes": [PLAIN], "reservations": item if not isinstance(item, list) else {}})


def test_two_reservations_have_two_names() -> None:
    assert len(described(WHOLE, WHOLE | {"name": "again"}).reservations) == 2
    assert refused(WHOLE, WHOLE).detail == "two of them have one name"


@pytest.mark.parametrize(
    ("nodes", "rows"),
    [
        pytest.param({}, [0, 1, 2, 3, 4], id="all"),
        pytest.param({"prefix": "a"}, [0, 1], id="of one group"),
        pytest.param({"prefix": "b", "first": 1}, [3, 4], id="of one group from its second on"),
        pytest.param({"prefix": "b", "first": 1, "count": 1}, [3], id="one of one group"),
        pytest.param({"prefix": "b", "count": 9}, [2, 3, 4], id="no more than it has"),
        pytest.param({"count": 1}, [0, 2], id="one of each group"),
        pytest.param({"first": 1}, [1, 3, 4], id="of each group from its second on"),
        pytest.param({"first": 2, "count": 5}, [4], id="the first group has no third"),
    ],
)
def test_which_nodes_are_set_aside(nodes: dict[str, Any], rows: list[int]) -> None:
    center = described(WHOLE | {"nodes": nodes})
    assert center.rows_of(center.reservations[0]) == rows


def test_a_scale_comes_before_the_reservations() -> None:
    """Twice the nodes: the third of group a is there, and is row 2; b begins at row 4."""
    center = described(WHOLE | {"nodes": {"first": 2, "count": 1}}, scale=2)
    assert center.rows_of(center.reservations[0]) == [2, 6]


def test_for_whom_nodes_are_set_aside() -> None:
    (one,) = described(WHOLE | {"users": ["ann", 7], "projects": ["物理"]}).reservations
    assert (one.users, one.projects) == (frozenset({"ann", "7"}), frozenset({"物理"}))
    (nobody,) = described(WHOLE).reservations
    assert nobody == SetAside(name="repair", starts_us=60_000_000, ends_us=120_000_000)


@pytest.mark.parametrize(
    ("shares", "field", "said"),
    [
        pytest.param(["p"], "shares", "shares must be a mapping from projects to whole numbers", id="a list"),
        pytest.param(None, "shares", "shares must be a mapping from projects to whole numbers", id="nothing"),
        pytest.param({"p": -1}, "shares.p", f"-1 does not lie in 0..{MAX_SHARES}", id="below none"),
        pytest.param({"p": MAX_SHARES + 1}, "shares.p", f"1000001 does not lie in 0..{MAX_SHARES}", id="too many"),
        pytest.param({"p": 1.0}, "shares.p", "1.0 is not a whole number", id="a fraction"),
        pytest.param({"p": True}, "shares.p", "True is not a whole number", id="a flag"),
    ],
)
def test_shares_are_whole_numbers_by_project(shares: object, field: str, said: str) -> None:
    error = refused(shares=shares)
    assert (error.field, error.detail) == (field, said)
    assert described(shares={"p": 0, 7: MAX_SHARES}).shares == {"p": 0, "7": MAX_SHARES}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), min_size=1, max_size=5),
    st.sampled_from(["", "a", "b"]),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_any_reservation_lies_on_the_nodes_that_counting_finds(
    groups: list[tuple[str, int]], prefix: str, first: int, count: int
) -> None:
    names = [(name, place) for name, of in groups for place in range(of)]
    wanted = [
        row
        for row, (name, place) in enumerate(names)
        if prefix in {"", name} and place >= first and (not count or place < first + count)
    ]
    made = tuple(NodeGroup(prefix=name, count=of, cpu_milli=1, memory_bytes=0) for name, of in groups)
    one = SetAside(name="r", starts_us=0, ends_us=1, prefix=prefix, first=first, count=count)
    assert CenterDescription(groups=made).rows_of(one) == wanted
