"""Who may do what: every role with every token before every door."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from suanli.kernel.authority import (
    is_member,
    is_staff,
    require,
    require_admin,
    require_operator,
    require_self_or_admin,
    sees,
)
from suanli.model.errors import NotPermittedError
from suanli.model.ids import ProjectName, UserName
from suanli.model.tenancy import Caller, Project, Role, Scope, User

ANN, BOB = UserName("ann"), UserName("bob")
ADMIN, OPERATOR, USER = Role.ADMIN, Role.OPERATOR, Role.USER
TOKENS = [frozenset(some) for size in range(4) for some in combinations(Scope, size)]
REACH = {Scope.READ: 1, Scope.WRITE: 2, Scope.ADMIN: 3}


def ann(role: Role = USER, *scopes: Scope) -> Caller:
    return Caller(user=ANN, role=role, scopes=frozenset(scopes))


@pytest.mark.parametrize("scopes", TOKENS)
@pytest.mark.parametrize("wanted", Scope)
def test_a_token_reaches_as_far_as_its_highest_scope(scopes: frozenset[Scope], wanted: Scope) -> None:
    caller = ann(ADMIN, *scopes)
    if max((REACH[scope] for scope in scopes), default=0) >= REACH[wanted]:
        require(caller, wanted)
    else:
        with pytest.raises(NotPermittedError) as refused:
            require(caller, wanted)
        assert refused.value.params == {"scope": wanted}


@pytest.mark.parametrize(("role", "staff"), [(ADMIN, True), (OPERATOR, True), (USER, False)])
def test_staff_sees_everybody_and_others_themselves(role: Role, staff: bool) -> None:
    assert is_staff(ann(role)) is staff
    assert sees(ann(role), BOB) is staff
    assert sees(ann(role), ANN)


@pytest.mark.parametrize(
    ("role", "scopes", "passes"),
    [
        (ADMIN, (Scope.WRITE,), True),
        (OPERATOR, (Scope.WRITE,), True),
        (OPERATOR, (Scope.READ,), False),
        (ADMIN, (), False),
        (USER, tuple(Scope), False),
    ],
)
def test_an_operators_door_asks_for_office_and_scope(role: Role, scopes: tuple[Scope, ...], passes: bool) -> None:
    if passes:
        require_operator(ann(role, *scopes), Scope.WRITE)
    else:
        with pytest.raises(NotPermittedError):
            require_operator(ann(role, *scopes), Scope.WRITE)


@pytest.mark.parametrize(
    ("role", "scopes", "passes"),
    [
        (ADMIN, (Scope.ADMIN,), True),
        (ADMIN, (Scope.READ, Scope.WRITE), False),
        (OPERATOR, tuple(Scope), False),
        (USER, tuple(Scope), False),
    ],
)
def test_an_administrators_door_asks_for_office_and_scope(role: Role, scopes: tuple[Scope, ...], passes: bool) -> None:
    if passes:
        require_admin(ann(role, *scopes))
    else:
        with pytest.raises(NotPermittedError):
            require_admin(ann(role, *scopes))


def test_ones_own_things_need_the_scope_only_and_others_need_an_administrator() -> None:
    require_self_or_admin(ann(USER, Scope.READ), ANN, Scope.READ)
    require_self_or_admin(ann(ADMIN, Scope.ADMIN), BOB, Scope.WRITE)
    for caller, whose in (
        (ann(USER, Scope.READ), ANN),
        (ann(USER, *Scope), BOB),
        (ann(OPERATOR, *Scope), BOB),
        (ann(ADMIN, Scope.WRITE), BOB),
    ):
        with pytest.raises(NotPermittedError):
            require_self_or_admin(caller, whose, Scope.WRITE)


@pytest.mark.parametrize(
    ("default", "members", "member"),
    [
        ("p", frozenset(), True),
        ("other", frozenset({ANN}), True),
        ("p", frozenset({ANN}), True),
        ("other", frozenset({BOB}), False),
        ("other", frozenset(), False),
    ],
    ids=["its own", "among its members", "both", "of others", "of nobody"],
)
def test_whose_work_may_belong_to_a_project(default: str, members: frozenset[UserName], member: bool) -> None:
    user = User(name=ANN, role=USER, default_project=ProjectName(default))
    assert is_member(user, Project(name=ProjectName("p"), members=members)) is member


@pytest.mark.parametrize("role", Role)
def test_an_office_makes_nobody_a_member(role: Role) -> None:
    assert not is_member(User(name=ANN, role=role), Project(name=ProjectName("p")))


@pytest.mark.parametrize(
    ("ask", "detail", "hint"),
    [
        (
            lambda: require(ann(USER, Scope.READ), Scope.WRITE),
            "this token has no scope write",
            "use a token with scope write",
        ),
        (lambda: require(ann(USER), Scope.READ), "this token has no scope read", "use a token with scope read"),
        (
            lambda: require_operator(ann(USER, Scope.WRITE), Scope.WRITE),
            "this is for operators of the center",
            "ask an operator",
        ),
        (
            lambda: require_operator(ann(OPERATOR, Scope.READ), Scope.WRITE),
            "this token has no scope write",
            "use a token with scope write",
        ),
        (
            lambda: require_admin(ann(OPERATOR, Scope.ADMIN)),
            "this is for administrators of the center",
            "ask an administrator",
        ),
        (
            lambda: require_self_or_admin(ann(USER, *Scope), BOB, Scope.READ),
            "this is for administrators of the center",
            "ask an administrator",
        ),
        (
            lambda: require_self_or_admin(ann(USER, Scope.READ), ANN, Scope.WRITE),
            "this token has no scope write",
            "use a token with scope write",
        ),
    ],
    ids=["scope", "no scope", "office", "operator's scope", "administrator", "somebody else", "one's own scope"],
)
def test_who_is_turned_away_is_told_what_to_do(ask: Callable[[], None], detail: str, hint: str) -> None:
    with pytest.raises(NotPermittedError) as refused:
        ask()
    assert (refused.value.detail, refused.value.hint) == (detail, hint)
    assert refused.value.code == "not_permitted"
