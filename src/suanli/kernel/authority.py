"""Who may do what: one table of rules, denied unless a rule allows. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Protocol

from suanli.model.errors import InvalidRequestError, NotFoundError, NotPermittedError
from suanli.model.ids import ProjectName, UserName
from suanli.model.tenancy import Caller, Project, Role, Scope, User


class People(Protocol):
    """Who there is; what is not raises NotFoundError."""

    def project(self, name: ProjectName) -> Project: ...

    def user(self, name: UserName) -> User: ...


_STAFF = frozenset({Role.ADMIN, Role.OPERATOR})


def is_staff(caller: Caller) -> bool:
    """Whether the caller handles everybody's work: an operator or an administrator."""
    return caller.role in _STAFF


def is_member(user: User, project: Project) -> bool:
    """Whether the user's work may belong to the project."""
    return project.name == user.default_project or user.name in project.members


def sees(caller: Caller, owner: UserName) -> bool:
    """Whether the caller may know that a thing of this owner exists."""
    return caller.user == owner or is_staff(caller)


def require(caller: Caller, scope: Scope) -> None:
    """Let pass a token that was issued for this use (WRITE covers READ, ADMIN covers both).

    Raises:
        NotPermittedError: it was not.
    """
    granted = caller.scopes
    covered = {
        Scope.READ: bool(granted),
        Scope.WRITE: bool(granted & {Scope.WRITE, Scope.ADMIN}),
        Scope.ADMIN: Scope.ADMIN in granted,
    }
    if not covered[scope]:
        raise NotPermittedError(f"this token has no scope {scope}", f"use a token with scope {scope}", scope=scope)


def require_operator(caller: Caller, scope: Scope) -> None:
    """Let pass operators and administrators with a token of this scope.

    Raises:
        NotPermittedError: the caller is neither, or the token lacks the scope.
    """
    require(caller, scope)
    if not is_staff(caller):
        raise NotPermittedError("this is for operators of the center", "ask an operator")


def require_admin(caller: Caller) -> None:
    """Let pass administrators with a token of scope ADMIN.

    Raises:
        NotPermittedError: the caller is none, or the token lacks the scope.
    """
    require(caller, Scope.ADMIN)
    if caller.role is not Role.ADMIN:
        raise NotPermittedError("this is for administrators of the center", "ask an administrator")


def require_self_or_admin(caller: Caller, user: UserName, scope: Scope) -> None:
    """Let pass the user in question with a token of this scope, and administrators.

    Raises:
        NotPermittedError: the caller is somebody else, or the token lacks the scope.
    """
    if caller.user == user:
        require(caller, scope)
    else:
        require_admin(caller)


def require_known(people: People, projects: AbstractSet[ProjectName], users: AbstractSet[UserName]) -> None:
    """Let what is for some projects and users be for such as there are.

    Raises:
        InvalidRequestError: there is no such project or user; the first by name is told.
    """
    for project in sorted(projects):
        try:
            people.project(project)
        except NotFoundError:
            raise InvalidRequestError("projects", f"there is no project {project}") from None
    for user in sorted(users):
        try:
            people.user(user)
        except NotFoundError:
            raise InvalidRequestError("users", f"there is no user {user}") from None
