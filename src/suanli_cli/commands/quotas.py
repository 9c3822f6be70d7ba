"""Quotas and licenses."""

from __future__ import annotations

from typing import Any

import click

from suanli_cli import text
from suanli_cli.asking import Number
from suanli_cli.frame import App, LazyGroup, Whole, Word, command, option, pass_app
from suanli_cli.language import say

SCOPES = ("queue", "queue_user", "qos", "qos_user", "project", "project_user", "user")

quota = LazyGroup(
    "quota",
    help=say("command.quota"),
    no_args_is_help=True,
    sections={"section.commands": {"set": f"{__name__}:set_quota", "list": f"{__name__}:list_quotas"}},
)
license_ = LazyGroup(
    "license",
    help=say("command.license"),
    no_args_is_help=True,
    sections={"section.commands": {"set": f"{__name__}:set_license", "list": f"{__name__}:list_licenses"}},
)


@command("quota.set")
@click.argument("scope", type=Word(SCOPES))
@click.argument("name")
@option("--runs", type=Whole(0), metavar="N", says="quota.runs")
@option("-c", "--cpus", type=Number(), metavar="N", says="quota.cpus")
@option("-m", "--memory", metavar="SIZE", says="quota.memory")
@option("-d", "--devices", type=Number(), metavar="N", says="quota.devices")
@pass_app
def set_quota(app: App, /, scope: str, name: str, **most: Any) -> None:
    """Let a quota hold from now on; without a bound there is none any more."""
    bounds = {amount: value for amount, value in most.items() if value is not None}
    made = app.client().set_quota(scope, name, bounds)
    app.answer(made, lambda: say("quota.set", scope=say(f"quota_scope.{scope}"), name=name, bounds=_bounds(made)))


@command("quota.list")
@pass_app
def list_quotas(app: App) -> None:
    """Print the quotas."""
    found = app.client().quotas()
    app.answer(found, lambda: _quotas_text(found))


@command("license.set")
@click.argument("name")
@click.argument("total", type=Whole(0))
@pass_app
def set_license(app: App, name: str, total: int) -> None:
    """Say how many of a license there are."""
    made = app.client().set_license(name, {"total": total})
    app.answer(made, lambda: say("license.set", name=name, total=made["total"]))


@command("license.list")
@pass_app
def list_licenses(app: App) -> None:
    """Print the licenses."""
    found = app.client().licenses()
    rows = [[item["name"], str(item["total"]), str(item["in_use"])] for item in found["items"]]
    headings = [say(f"column.{name}") for name in ("license", "total", "in_use")]
    app.answer(found, lambda: text.table(headings, rows, right=(1, 2)) if rows else say("license.none"))


def _quotas_text(found: dict[str, Any]) -> str:
    if not found["items"]:
        return say("quota.none")
    rows = [[say(f"quota_scope.{item['scope']}"), item["name"], *_amounts(item).values()] for item in found["items"]]
    headings = [say(f"column.{name}") for name in ("scope", "name", "runs", "cpus", "memory", "devices")]
    return text.table(headings, rows, right=(2, 3, 4, 5))


def _amounts(item: dict[str, Any]) -> dict[str, str]:
    """By column, what is bounded; empty where nothing is."""
    return {
        "runs": "" if item["runs"] is None else str(item["runs"]),
        "cpus": "" if item["cpus"] is None else text.amount(item["cpus"]),
        "memory": "" if item["memory_bytes"] is None else text.memory(item["memory_bytes"]),
        "devices": "" if item["devices"] is None else text.amount(item["devices"]),
    }


def _bounds(item: dict[str, Any]) -> str:
    told = [f"{say(f'column.{name}').lower()} {amount}" for name, amount in _amounts(item).items() if amount]
    return ", ".join(told) or say("quota.unbounded")
