"""Users, projects and tokens: who comes in, as what, and who may say so."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from suanli.adapters.identity.secrets import SystemSecrets
from suanli.model.errors import (
    AlreadyExistsError,
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
    NotPermittedError,
)
from suanli.model.ids import FactSeq, ProjectName, TokenId, UserName
from suanli.model.quantities import Instant
from suanli.model.tenancy import Caller, Project, Role, Scope, User
from suanli.ports.store import FactFilter
from suanli.services.tenants import NewToken, Tenants
from suanli.testing.builders import ANN, BOB
from tests.unit.services.center import ADMIN, Center, admin, ann, bob, caller, operator, reader

READ, WRITE = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.WRITE})
SECOND_US = 1_000_000


def issued(
    center: Center,
    user: UserName = ANN,
    scopes: frozenset[Scope] = WRITE,
    expires_in_s: int = 0,
    by: Caller | None = None,
) -> NewToken:
    asker = by or caller(user)
    return center.do(lambda tx: center.tenants.issue_token(tx, asker, user, scopes, expires_in_s))


def changed(center: Center, name: UserName, by: Caller = admin, **to: Any) -> User:
    return center.do(lambda tx: center.tenants.change_user(tx, by, name, **to))


def test_a_token_says_who_comes_and_what_it_may_be_used_for(center: Center) -> None:
    token = issued(center, scopes=READ)
    assert center.tenants.authenticate(token.secret) == Caller(user=ANN, role=Role.USER, scopes=READ)


def test_the_secret_is_nowhere_on_record(center: Center) -> None:
    token = issued(center)
    assert token.token.digest == hashlib.sha256(token.secret.encode()).hexdigest()
    assert token.secret not in repr(token.token)
    with center.store.read() as tables:
        recorded = tables.facts(FactSeq(0), FactFilter(), 1000)
    assert token.token.digest in repr(recorded)
    assert token.secret not in repr(recorded)


@pytest.mark.parametrize("secret", ["", "nonsense", "suanli_" + "A" * 43])
def test_an_unknown_token_is_refused(center: Center, secret: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(secret)


def test_a_digest_is_no_token(center: Center) -> None:
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(issued(center).token.digest)


def test_a_token_expires_at_its_instant_even_if_it_was_just_seen(center: Center) -> None:
    token = issued(center, expires_in_s=60)
    assert token.token.expires_at == center.clock.at_us + 60 * SECOND_US
    center.clock.at_us += 60 * SECOND_US - 1
    assert center.tenants.authenticate(token.secret).user == ANN
    center.clock.at_us += 1
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(token.secret)


def test_a_revoked_token_is_worth_nothing_at_once(center: Center) -> None:
    token, other = issued(center), issued(center)
    center.tenants.authenticate(token.secret)
    center.do(lambda tx: center.tenants.revoke(tx, ann, token.token.id))
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(token.secret)
    assert center.tenants.authenticate(other.secret).user == ANN
    facts = center.facts()
    center.do(lambda tx: center.tenants.revoke(tx, ann, token.token.id))
    assert center.facts() == facts


def test_a_change_of_the_person_is_felt_at_once(center: Center) -> None:
    token = issued(center)
    assert center.tenants.authenticate(token.secret).role is Role.USER
    changed(center, ANN, role=Role.OPERATOR)
    assert center.tenants.authenticate(token.secret).role is Role.OPERATOR
    changed(center, ANN, active=False)
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(token.secret)
    changed(center, ANN, active=True)
    assert center.tenants.authenticate(token.secret).user == ANN


def test_a_change_made_by_another_server_is_felt_within_a_second(center: Center) -> None:
    other = Tenants(center.store, center.clock, SystemSecrets())
    token = issued(center)
    center.tenants.authenticate(token.secret)
    center.do(lambda tx: other.revoke(tx, ann, token.token.id))
    center.clock.at_us += SECOND_US
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(token.secret)


def test_a_clock_set_back_does_not_prolong_an_answer(center: Center) -> None:
    other = Tenants(center.store, center.clock, SystemSecrets())
    token = issued(center)
    center.tenants.authenticate(token.secret)
    center.do(lambda tx: other.revoke(tx, ann, token.token.id))
    center.clock.at_us -= 3600 * SECOND_US
    with pytest.raises(NotAuthenticatedError):
        center.tenants.authenticate(token.secret)


def test_a_token_gives_no_more_than_the_one_that_asks_for_it(center: Center) -> None:
    with pytest.raises(NotPermittedError):
        issued(center, scopes=frozenset(Scope), by=caller(ANN, scopes=WRITE))
    with pytest.raises(NotPermittedError):
        issued(center, scopes=READ, by=reader)
    assert issued(center, scopes=WRITE, by=caller(ANN, scopes=WRITE)).token.scopes == WRITE


def test_a_token_does_not_outlive_the_one_that_asks_for_it(center: Center) -> None:
    asking = replace(caller(ANN), expires_at=Instant(center.clock.at_us + 3600 * SECOND_US))
    assert issued(center, by=asking, expires_in_s=3600).token.expires_at == asking.expires_at
    assert issued(center, by=asking, expires_in_s=0).token.expires_at == asking.expires_at
    with pytest.raises(NotPermittedError):
        issued(center, by=asking, expires_in_s=3601)


def test_tokens_for_others_are_an_administrators_to_give(center: Center) -> None:
    assert issued(center, BOB, by=admin).token.user == BOB
    for by in (ann, operator, caller(ADMIN, Role.ADMIN, WRITE)):
        with pytest.raises(NotPermittedError):
            issued(center, BOB, by=by)
    with pytest.raises(NotFoundError):
        issued(center, UserName("nobody"), by=admin)


@pytest.mark.parametrize(("scopes", "lifetime", "field"), [(frozenset(), 0, "scopes"), (READ, -1, "expires_in")])
def test_a_token_needs_a_use_and_a_future(center: Center, scopes: frozenset[Scope], lifetime: int, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        issued(center, scopes=scopes, expires_in_s=lifetime)
    assert refused.value.field == field


def test_tokens_are_listed_for_their_user_and_administrators(center: Center) -> None:
    first = issued(center)
    center.clock.at_us += 1
    second = issued(center)
    assert center.tenants.tokens(ann, ANN) == [first.token, second.token]
    assert center.tenants.tokens(admin, ANN) == [first.token, second.token]
    for by in (bob, operator):
        with pytest.raises(NotPermittedError):
            center.tenants.tokens(by, ANN)
    with pytest.raises(NotFoundError):
        center.tenants.tokens(admin, UserName("nobody"))


def test_others_tokens_cannot_be_revoked_nor_found_out(center: Center) -> None:
    token = issued(center).token.id
    for by, wanted in ((bob, token), (operator, token), (bob, TokenId("nothing"))):
        with pytest.raises(NotFoundError) as refused:
            center.do(partial(center.tenants.revoke, caller=by, token=wanted))
        assert (refused.value.params, refused.value.hint) == ({"noun": "token", "name": wanted}, "")
    with pytest.raises(NotPermittedError):
        center.do(lambda tx: center.tenants.revoke(tx, reader, token))
    with pytest.raises(NotPermittedError):
        center.do(lambda tx: center.tenants.revoke(tx, caller(ADMIN, Role.ADMIN, WRITE), token))
    center.do(lambda tx: center.tenants.revoke(tx, admin, token))


def test_the_first_administrator_comes_once_and_gets_a_token_each_time(center: Center) -> None:
    users, projects = center.tenants.users(admin), center.tenants.projects(admin)
    new = center.tenants.bootstrap()
    assert center.tenants.authenticate(new.secret) == admin
    assert (center.tenants.users(admin), center.tenants.projects(admin)) == (users, projects)


def test_users_are_made_by_administrators_under_free_names(center: Center) -> None:
    carl = User(name=UserName("carl"), role=Role.USER, account="carl", generation=40)
    made = center.do(lambda tx: center.tenants.create_user(tx, admin, carl))
    assert (made.role, made.account, made.created_at, made.generation) == (Role.USER, "carl", center.clock.at_us, 1)
    with pytest.raises(AlreadyExistsError):
        center.do(lambda tx: center.tenants.create_user(tx, admin, carl))
    dora = User(name=UserName("dora"), role=Role.USER)
    for by in (ann, operator, caller(ADMIN, Role.ADMIN, WRITE)):
        with pytest.raises(NotPermittedError):
            center.do(partial(center.tenants.create_user, caller=by, user=dora))


@pytest.mark.parametrize("name", ["", "Ann", "a b", "-a", "a/b", "system", "x" * 65, "a\n", "算"])
def test_what_names_no_user(center: Center, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        center.do(lambda tx: center.tenants.create_user(tx, admin, User(name=UserName(name), role=Role.USER)))


def test_a_user_needs_a_project_that_is_there(center: Center) -> None:
    lost = User(name=UserName("carl"), role=Role.USER, default_project=ProjectName("nothing"))
    with pytest.raises(NotFoundError):
        center.do(lambda tx: center.tenants.create_user(tx, admin, lost))


def test_administrators_change_others_and_cannot_lock_themselves_out(center: Center) -> None:
    assert changed(center, BOB, role=Role.ADMIN, account="b").role is Role.ADMIN
    assert changed(center, BOB, active=False) == center.tenants.user(admin, BOB)
    assert center.tenants.user(admin, BOB).account == "b"
    assert changed(center, ADMIN, account="root1").account == "root1"
    facts = center.facts()
    with pytest.raises(NotPermittedError):
        changed(center, ADMIN, role=Role.OPERATOR)
    with pytest.raises(NotPermittedError):
        changed(center, ADMIN, active=False)
    for by in (ann, operator):
        with pytest.raises(NotPermittedError):
            changed(center, ANN, by, role=Role.ADMIN)
    with pytest.raises(NotFoundError):
        changed(center, UserName("nobody"), active=False)
    assert center.facts() == facts


def test_a_plain_user_sees_only_themselves(center: Center) -> None:
    assert center.tenants.user(ann, ANN).name == ANN
    assert [user.name for user in center.tenants.users(operator)] == ["admin", "ann", "bob", "olga"]
    for unseen in (BOB, UserName("nobody")):
        with pytest.raises(NotFoundError) as refused:
            center.tenants.user(ann, unseen)
        assert (refused.value.params, refused.value.hint) == ({"noun": "user", "name": unseen}, "")
    with pytest.raises(NotPermittedError):
        center.tenants.users(ann)


def test_projects_are_made_by_administrators_and_keep_their_birthday(center: Center) -> None:
    born = center.clock.now()

    def define(members: frozenset[UserName], by: Caller = admin, name: str = "fluids") -> Project:
        project = Project(name=ProjectName(name), members=members)
        return center.do(lambda tx: center.tenants.define_project(tx, by, project))

    define(frozenset({ANN}))
    center.clock.at_us += 5
    assert define(frozenset({ANN, BOB})) == Project(
        name=ProjectName("fluids"), members=frozenset({ANN, BOB}), created_at=born, generation=2
    )
    with pytest.raises(NotFoundError):
        define(frozenset({UserName("nobody")}))
    with pytest.raises(NotPermittedError):
        define(frozenset(), by=operator)
    with pytest.raises(InvalidRequestError):
        define(frozenset(), name="No")


def test_one_sees_the_projects_one_may_submit_to(center: Center) -> None:
    for name, members in (("fluids", {ANN}), ("stars", {BOB})):
        project = Project(name=ProjectName(name), members=frozenset(members))
        center.do(partial(center.tenants.define_project, caller=admin, project=project))
    assert [project.name for project in center.tenants.projects(ann)] == ["default", "fluids"]
    assert [project.name for project in center.tenants.projects(operator)] == ["default", "fluids", "stars"]


def test_secrets_are_long_and_ids_are_short(center: Center) -> None:
    token = issued(center)
    assert re.fullmatch(r"suanli_[A-Za-z0-9_-]{43}", token.secret)
    assert re.fullmatch(r"[0-9a-f]{12}", token.token.id)
