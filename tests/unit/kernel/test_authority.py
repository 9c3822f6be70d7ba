"""Who may do what: every role with every token before every door."""

from __future__ import annotations

from itertools import combinations

import pytest

from suanli.kernel.authority import is_staff, require, require_admin, require_operator, require_self_or_admin, sees
from suanli.model.errors import NotPermittedError
from suanli.model.ids import UserName
from suanli.model.tenancy import Caller, Role, Scope

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
