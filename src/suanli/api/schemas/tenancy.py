"""Users, projects and tokens as they are shown, and what may be asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, Field

from suanli.api.schemas.fields import Body, Name, Seconds, ShortText, Timestamp, maybe_timestamp, timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.model.tenancy import Caller, Project, Role, Scope, Token, User


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """One user."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Their name."""
    role: Role
    """What they are in the center."""
    account: str
    """The system account their work runs as; empty for the engine's own."""
    default_project: str
    """The project of work that names none."""
    active: bool
    """Whether their tokens are worth anything."""
    created_at: Timestamp
    """Since when they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersView:
    """All users."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[UserView]
    """By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """One token, never its secret."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    id: str
    """Its public id."""
    user: str
    """Whose it is."""
    scopes: list[Scope]
    """What it may be used for."""
    created_at: Timestamp
    """When it was issued."""
    expires_at: Timestamp | None
    """When it expires; null for never."""
    revoked: bool
    """Whether it was ended before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensView:
    """All tokens of a user."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[TokenView]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTokenView(TokenView):
    """A token just issued."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    secret: str | None
    """The secret, shown this once; null where the answer is a repeated one, for it is kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectView:
    """One project."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    name: str
    """Its name."""
    members: list[str]
    """Who may submit to it."""
    shares: int
    """How much of the center it may expect: twice the shares, twice as much."""
    created_at: Timestamp
    """Since when it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectsView:
    """The projects the caller may know of."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    items: list[ProjectView]
    """By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoamiView:
    """Who a token speaks for."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    user: str
    """The user."""
    role: Role
    """What they are in the center."""
    scopes: list[Scope]
    """What this token may be used for."""
    default_project: str
    """The project of work that names none."""


class NewUserBody(Body):
    """A new user."""

    name: Name = Field(examples=["ada"])
    """Lower-case letters, digits and ``_ . -``."""
    role: Role = Role.USER
    """What they are to be in the center."""
    account: ShortText = ""
    """The system account their work runs as where the center runs as root."""
    default_project: Name = "default"
    """The project of work that names none."""


class UserChangeBody(Body):
    """What to change of a user; what is not given stays."""

    role: Role | None = None
    """What they are to be in the center."""
    account: ShortText | None = None
    """The system account their work runs as."""
    active: bool | None = None
    """Whether their tokens are worth anything."""


class NewTokenBody(Body):
    """A token to issue."""

    scopes: frozenset[Scope] = Field(
        default=frozenset({Scope.READ, Scope.WRITE}), min_length=1, examples=[["read", "write"]]
    )
    """What it may be used for; no more than the token that asks."""
    expires_in: Seconds = 30 * 24 * 3600
    """How long it is good, no longer than the token that asks; 0 for just as long."""


class ProjectBody(Body):
    """A project, whole."""

    members: frozenset[Name] = Field(default=frozenset(), max_length=10_000, examples=[["ada", "li"]])
    """Who may submit to it."""
    shares: int = Field(default=1, ge=0, le=1_000_000, examples=[3])
    """How much of the center it may expect beside the others: twice the shares, twice as much; 0: what they leave."""


def user_view(user: User) -> UserView:
    """Show a user."""
    return UserView(
        name=user.name,
        role=user.role,
        account=user.account,
        default_project=user.default_project,
        active=user.active,
        created_at=timestamp(user.created_at),
    )


def token_view(token: Token) -> TokenView:
    """Show a token."""
    return TokenView(
        id=token.id,
        user=token.user,
        scopes=sorted(token.scopes),
        created_at=timestamp(token.created_at),
        expires_at=maybe_timestamp(token.expires_at),
        revoked=token.revoked,
    )


def project_view(project: Project) -> ProjectView:
    """Show a project."""
    return ProjectView(
        name=project.name,
        members=sorted(project.members),
        shares=project.shares,
        created_at=timestamp(project.created_at),
    )


def whoami_view(caller: Caller, user: User) -> WhoamiView:
    """Show who a token speaks for."""
    return WhoamiView(
        user=caller.user, role=caller.role, scopes=sorted(caller.scopes), default_project=user.default_project
    )
