"""Users, projects and tokens: who may come in, and as what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from suanli.kernel.authority import is_member, is_staff, require, require_admin, require_operator, require_self_or_admin
from suanli.model.errors import (
    AlreadyExistsError,
    InvalidRequestError,
    NotAuthenticatedError,
    NotFoundError,
    NotPermittedError,
)
from suanli.model.facts import SYSTEM, ProjectDefined, TokenIssued, TokenRevoked, UserDefined
from suanli.model.ids import ProjectName, TokenId, UserName
from suanli.model.quantities import Instant, check_bounds
from suanli.model.spec import MAX_TIME_LIMIT_S
from suanli.model.tenancy import Caller, Project, Role, Scope, Token, User
from suanli.ports.clock import Clock
from suanli.ports.secrets import Secrets
from suanli.ports.store import Store, Transaction

DEFAULT_PROJECT = ProjectName("default")
ADMIN = UserName("admin")

_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,63}")
_CACHE_US = 1_000_000
_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token just issued; the secret is known only now."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    checked_at: Instant


class Tenants:
    """The center's people and the tokens they come with."""

    def __init__(self, store: Store, clock: Clock, secrets: Secrets) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._known: dict[str, _Known] = {}

    def authenticate(self, secret: str) -> Caller:
        """Whose token this is.

        An answer is remembered for one second, so a change made by another server of the same center takes that long
        to be felt. One made through this service is felt at once, but by a request that comes while it is being
        committed, which may prolong the old answer by that second.

        Raises:
            NotAuthenticatedError: the token is unknown, expired or revoked, or its user is inactive.
        """
        digest = hashlib.sha256(secret.encode()).hexdigest()
        now = self._clock.now()
        known = self._known.get(digest)
        if known is None or not 0 <= now - known.checked_at < _CACHE_US:
            known = self._look_up(digest, now)
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[digest] = known
        if known.caller.expires_at and now >= known.caller.expires_at:
            raise NotAuthenticatedError("this token has expired", "ask for a new token")
        return known.caller

    def _look_up(self, digest: str, now: Instant) -> _Known:
        with self._store.read() as tables:
            try:
                token = tables.token_by_digest(digest)
            except NotFoundError:
                raise NotAuthenticatedError("this token is unknown", "check the token") from None
            user = tables.user(token.user)
        if token.revoked or not user.active:
            raise NotAuthenticatedError("this token was revoked, or its user is inactive", "ask for a new token")
        caller = Caller(user=user.name, role=user.role, scopes=token.scopes, expires_at=token.expires_at)
        return _Known(caller, now)

    def bootstrap(self) -> NewToken:
        """Make sure that the default project and the first administrator exist; issue that administrator a token."""

        def work(tx: Transaction) -> NewToken:
            now = self._clock.now()
            try:
                tx.user(ADMIN)
            except NotFoundError:
                tx.append(ProjectDefined(project=Project(name=DEFAULT_PROJECT, created_at=now)), actor=SYSTEM)
                admin = User(name=ADMIN, role=Role.ADMIN, default_project=DEFAULT_PROJECT, created_at=now)
                tx.append(UserDefined(user=admin), actor=SYSTEM)
            return self._issue(tx, SYSTEM, ADMIN, frozenset(Scope), Instant(0))

        return self._store.transact(work)

    def users(self, caller: Caller) -> Sequence[User]:
        """All users; for operators."""
        require_operator(caller, Scope.READ)
        with self._store.read() as tables:
            return tables.users()

    def user(self, caller: Caller, name: UserName) -> User:
        """One user; a plain user sees only themselves."""
        require(caller, Scope.READ)
        if caller.user != name and not is_staff(caller):
            raise NotFoundError("user", name)
        with self._store.read() as tables:
            return tables.user(name)

    def create_user(self, tx: Transaction, caller: Caller, user: User) -> User:
        """Make a user; for administrators.

        Raises:
            AlreadyExistsError: the name is taken.
            InvalidRequestError: the name is not one a user can have.
        """
        require_admin(caller)
        if _NAME.fullmatch(user.name) is None or user.name == SYSTEM:
            raise InvalidRequestError("name", f"{user.name!r} cannot name a user", "lower case letters, digits, _ . -")
        try:
            tx.user(user.name)
        except NotFoundError:
            tx.project(user.default_project)
            tx.append(UserDefined(user=replace(user, created_at=self._clock.now())), actor=caller.user)
            return tx.user(user.name)
        raise AlreadyExistsError(f"user {user.name} exists", "choose another name")

    def change_user(
        self,
        tx: Transaction,
        caller: Caller,
        name: UserName,
        *,
        role: Role | None = None,
        account: str | None = None,
        active: bool | None = None,
    ) -> User:
        """Change what is given of a user; for administrators, who cannot lock themselves out.

        Raises:
            NotPermittedError: the caller would lose their own administration.
        """
        require_admin(caller)
        user = tx.user(name)
        changed = replace(
            user,
            role=user.role if role is None else role,
            account=user.account if account is None else account,
            active=user.active if active is None else active,
        )
        if name == caller.user and (not changed.active or changed.role is not Role.ADMIN):
            raise NotPermittedError("administrators cannot take their own office away", "ask another administrator")
        tx.append(UserDefined(user=changed), actor=caller.user)
        self._known.clear()
        return tx.user(name)

    def tokens(self, caller: Caller, user: UserName) -> Sequence[Token]:
        """All tokens of a user; for that user and administrators."""
        require_self_or_admin(caller, user, Scope.READ)
        with self._store.read() as tables:
            tables.user(user)
            return tables.tokens(user)

    def issue_token(
        self, tx: Transaction, caller: Caller, user: UserName, scopes: frozenset[Scope], expires_in_s: int
    ) -> NewToken:
        """Issue a token with no more scopes than the caller's own, to last no longer (``expires_in_s`` 0: as long).

        Raises:
            NotPermittedError: the scopes or the lifetime go beyond the caller's.
            InvalidRequestError: no scope, or a lifetime out of bounds.
        """
        require_self_or_admin(caller, user, Scope.WRITE)
        if not scopes <= caller.scopes:
            raise NotPermittedError("a token cannot give scopes beyond those of the token that asks", "ask for fewer")
        if not scopes:
            raise InvalidRequestError("scopes", "a token needs at least one scope")
        check_bounds("expires_in", expires_in_s, 0, MAX_TIME_LIMIT_S)
        tx.user(user)
        expires = Instant(self._clock.now() + expires_in_s * 1_000_000) if expires_in_s else caller.expires_at
        if caller.expires_at and expires > caller.expires_at:
            raise NotPermittedError("a token cannot outlive the token that asks for it", "ask for a shorter lifetime")
        return self._issue(tx, caller.user, user, scopes, expires)

    def _issue(
        self, tx: Transaction, actor: UserName, user: UserName, scopes: frozenset[Scope], expires_at: Instant
    ) -> NewToken:
        secret = self._secrets.secret()
        token = Token(
            id=TokenId(self._secrets.identifier()),
            user=user,
            digest=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=scopes,
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        tx.append(TokenIssued(token=token), actor=actor)
        return NewToken(token=tx.token(token.id), secret=secret)

    def revoke(self, tx: Transaction, caller: Caller, token: TokenId) -> None:
        """End a token now; a token of somebody else is unknown to all but administrators."""
        require(caller, Scope.WRITE)
        stored = tx.token(token)
        if stored.user != caller.user:
            if caller.role is not Role.ADMIN:
                raise NotFoundError("token", token)
            require_admin(caller)
        if not stored.revoked:
            tx.append(TokenRevoked(token=token), actor=caller.user)
        self._known.clear()

    def projects(self, caller: Caller) -> Sequence[Project]:
        """The projects the caller may submit to; all of them for operators."""
        require(caller, Scope.READ)
        with self._store.read() as tables:
            every = tables.projects()
            if is_staff(caller):
                return every
            user = tables.user(caller.user)
        return [project for project in every if is_member(user, project)]

    def define_project(self, tx: Transaction, caller: Caller, project: Project) -> Project:
        """Make a project or set its members; for administrators.

        Raises:
            NotFoundError: a member is no user.
            InvalidRequestError: the name is not one a project can have.
        """
        require_admin(caller)
        if _NAME.fullmatch(project.name) is None:
            raise InvalidRequestError("name", f"{project.name!r} cannot name a project")
        for member in sorted(project.members):
            tx.user(member)
        created = self._clock.now()
        for existing in tx.projects():
            if existing.name == project.name:
                created = existing.created_at
        tx.append(ProjectDefined(project=replace(project, created_at=created)), actor=caller.user)
        return tx.project(project.name)
