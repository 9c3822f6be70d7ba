"""Who one is, users and tokens."""

from __future__ import annotations

from typing import Any

import click

from suanli_cli import text
from suanli_cli.errors import BadAnswer
from suanli_cli.frame import App, LazyGroup, Word, command, option, pass_app
from suanli_cli.language import say

ROLES = ("user", "operator", "admin")
SCOPES = ("read", "write", "admin")

user = LazyGroup(
    "user",
    help=say("command.user"),
    no_args_is_help=True,
    sections={"section.commands": {"create": f"{__name__}:create_user", "list": f"{__name__}:list_users"}},
)
token = LazyGroup(
    "token",
    help=say("command.token"),
    no_args_is_help=True,
    sections={
        "section.commands": {
            "create": f"{__name__}:create_token",
            "list": f"{__name__}:list_tokens",
            "revoke": f"{__name__}:revoke_token",
        }
    },
)


@command("whoami")
@pass_app
def whoami(app: App) -> None:
    """Print the caller."""
    me = app.client().whoami()
    line = {"user": me["user"], "role": me["role"], "scopes": " ".join(me["scopes"]), "project": me["default_project"]}
    app.answer(me, lambda: text.fields({say(f"field.{name}"): value for name, value in line.items()}))


@command("user.create")
@click.argument("name")
@option("--role", type=Word(ROLES), default="user", says="user.role")
@option("--account", metavar="NAME", says="user.account")
@option("--project", "default_project", metavar="NAME", says="user.project")
@pass_app
def create_user(app: App, /, **given: Any) -> None:
    """Add a user."""
    created = app.client().create_user({name: value for name, value in given.items() if value is not None})
    app.answer(created, lambda: say("user.created", name=created["name"], role=created["role"]))


@command("user.list")
@pass_app
def list_users(app: App) -> None:
    """Print the users."""
    found = app.client().users()
    headings = ["user", "role", "account", "project", "active"]
    rows = [
        [item["name"], item["role"], item["account"], item["default_project"], say("yes" if item["active"] else "no")]
        for item in found["items"]
    ]
    app.answer(found, lambda: text.table([say(f"column.{name}") for name in headings], rows))


@command("token.create")
@option("--user", "owner", metavar="NAME", says="token.user")
@option("--scope", "scopes", type=Word(SCOPES), multiple=True, default=("read", "write"), says="token.scope")
@option("--expires", metavar="DURATION", says="token.expires")
@pass_app
def create_token(app: App, owner: str | None, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a token; only its secret goes to stdout."""
    client = app.client()
    asked: dict[str, Any] = {"scopes": list(scopes)} | ({"expires_in": expires} if expires else {})
    created = client.create_token(owner or client.whoami()["user"], asked)
    secret = created["secret"]
    if secret is None:
        raise BadAnswer(say("error.secret_lost", id=created["id"]), say("hint.revoke", id=created["id"]))
    app.answer(created, lambda: secret)
    if not app.json:
        click.echo(say("token.once", id=created["id"]), err=True)


@command("token.list")
@option("--user", "owner", metavar="NAME", says="token.user")
@pass_app
def list_tokens(app: App, owner: str | None) -> None:
    """Print the tokens of a user."""
    client = app.client()
    found = client.tokens(owner or client.whoami()["user"])
    headings = ["token", "scopes", "created", "expires", "revoked"]
    rows = [
        [
            str(item["id"]),
            " ".join(item["scopes"]),
            text.instant(item["created_at"]),
            text.instant(item["expires_at"]),
            say("yes" if item["revoked"] else "no"),
        ]
        for item in found["items"]
    ]
    app.answer(found, lambda: text.table([say(f"column.{name}") for name in headings], rows))


@command("token.revoke")
@click.argument("identity", metavar="ID")
@pass_app
def revoke_token(app: App, identity: str) -> None:
    """Revoke a token."""
    app.client().revoke_token(identity)
    app.answer(None, lambda: say("token.revoked", id=identity))
