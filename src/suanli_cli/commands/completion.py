"""Completion for shells."""

from __future__ import annotations

import click

from suanli_cli.frame import Word, command
from suanli_cli.main import COMPLETION
from suanli_cli.root import root

SHELLS = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell", type=Word(SHELLS))
def completion(shell: str) -> None:
    """Print click's completion script for the shell."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    made = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    click.echo(made(root, {}, "suanli", COMPLETION).source())
