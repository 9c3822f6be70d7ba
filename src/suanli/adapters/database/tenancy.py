"""Users, projects and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Index, Table, select

from suanli.adapters.database.codec import decoder, encode
from suanli.adapters.database.schema import Aggregate, Row, flag, metadata, text, whole
from suanli.adapters.database.view import View
from suanli.model.errors import NotFoundError
from suanli.model.ids import ProjectName, TokenId, UserName
from suanli.model.tenancy import Project, Role, Scope, Token, User

users = Table(
    "users",
    metadata,
    text("name", key=True),
    text("role"),
    text("account"),
    text("default_project"),
    flag("active"),
    whole("created_at_us"),
    whole("generation"),
    sqlite_strict=True,
)

projects = Table(
    "projects",
    metadata,
    text("name", key=True),
    text("members"),
    whole("shares"),
    whole("created_at_us"),
    whole("generation"),
    sqlite_strict=True,
)

tokens = Table(
    "tokens",
    metadata,
    text("id", key=True),
    text("user"),
    text("digest"),
    text("scopes"),
    whole("created_at_us"),
    whole("expires_at_us"),
    flag("revoked"),
    whole("generation"),
    Index(None, "user"),
    Index(None, "digest", unique=True),
    sqlite_strict=True,
)

_read_members = decoder(frozenset[UserName])
_read_scopes = decoder(frozenset[Scope])


def _user_row(user: User) -> Row:
    return (
        user.name,
        user.role.value,
        user.account,
        user.default_project,
        user.active,
        user.created_at,
        user.generation,
    )


def _user_record(row: Row) -> User:
    return User(
        name=row[0],
        role=Role(row[1]),
        account=row[2],
        default_project=row[3],
        active=bool(row[4]),
        created_at=row[5],
        generation=row[6],
    )


def _project_row(project: Project) -> Row:
    return (project.name, encode(project.members).decode(), project.shares, project.created_at, project.generation)


def _project_record(row: Row) -> Project:
    return Project(name=row[0], members=_read_members(row[1]), shares=row[2], created_at=row[3], generation=row[4])


def _token_row(token: Token) -> Row:
    return (
        token.id,
        token.user,
        token.digest,
        encode(token.scopes).decode(),
        token.created_at,
        token.expires_at,
        token.revoked,
        token.generation,
    )


def _token_record(row: Row) -> Token:
    return Token(
        id=row[0],
        user=row[1],
        digest=row[2],
        scopes=_read_scopes(row[3]),
        created_at=row[4],
        expires_at=row[5],
        revoked=bool(row[6]),
        generation=row[7],
    )


USERS = Aggregate(
    kind=User, noun="user", table=users, key=lambda user: (user.name,), row=_user_row, record=_user_record
)
PROJECTS = Aggregate(
    kind=Project,
    noun="project",
    table=projects,
    key=lambda project: (project.name,),
    row=_project_row,
    record=_project_record,
)
TOKENS = Aggregate(
    kind=Token, noun="token", table=tokens, key=lambda token: (token.id,), row=_token_row, record=_token_record
)


class TenancyQueries(View):
    """Questions about users, projects and tokens."""

    def user(self, user: UserName) -> User:
        return self._find(USERS, (user,))

    def users(self) -> Sequence[User]:
        return sorted(self._records(USERS, select(users)), key=lambda user: user.name)

    def project(self, project: ProjectName) -> Project:
        return self._find(PROJECTS, (project,))

    def projects(self) -> Sequence[Project]:
        return sorted(self._records(PROJECTS, select(projects)), key=lambda project: project.name)

    def token(self, token: TokenId) -> Token:
        return self._find(TOKENS, (token,))

    def token_by_digest(self, digest: str) -> Token:
        found = self._records(TOKENS, select(tokens).where(tokens.c.digest == digest))
        if not found:
            # The digest is not repeated: an error may be logged.
            raise NotFoundError("token", "of this secret")
        return found[0]

    def tokens(self, user: UserName) -> Sequence[Token]:
        found = self._records(TOKENS, select(tokens).where(tokens.c.user == user))
        return sorted(found, key=lambda token: (token.created_at, token.id))
