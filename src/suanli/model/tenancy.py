"""Who may do what: users, projects, tokens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from suanli.model.ids import ProjectName, TokenId, UserName
from suanli.model.quantities import Instant


class Role(StrEnum):
    """ADMIN runs the center; OPERATOR sees and handles all work and nodes; USER handles their own work."""

    ADMIN = "admin"
    OPERATOR = "operator"
    USER = "user"


class Scope(StrEnum):
    """What a token may be used for, within what its user may do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or a service. ``account`` is the system account their work runs as where Suanli runs as root."""

    name: UserName
    role: Role
    account: str = ""
    default_project: ProjectName = ProjectName("default")
    active: bool = True
    created_at: Instant = Instant(0)
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A group of work under one account of use; its members may submit to it.

    ``shares`` says how much of the center it may expect beside the others: twice the shares, twice as much. With 0 it
    gets what the others leave.
    """

    name: ProjectName
    members: frozenset[UserName] = frozenset()
    shares: int = 1
    created_at: Instant = Instant(0)
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token as stored: never the secret, only its SHA-256. ``expires_at`` 0 means never."""

    id: TokenId
    user: UserName
    digest: str
    scopes: frozenset[Scope]
    created_at: Instant = Instant(0)
    expires_at: Instant = Instant(0)
    revoked: bool = False
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, as a token showed: the user, what they are, and what this token is good for, until when (0: ever)."""

    user: UserName
    role: Role
    scopes: frozenset[Scope]
    expires_at: Instant = Instant(0)
