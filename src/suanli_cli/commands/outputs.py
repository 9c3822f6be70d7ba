"""The files that work leaves behind."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import click

from suanli_cli import text
from suanli_cli.errors import UsageMistake
from suanli_cli.frame import App, LazyGroup, Reference, command, option, pass_app, pass_through
from suanli_cli.language import say

outputs = LazyGroup(
    "outputs",
    help=say("command.outputs"),
    no_args_is_help=True,
    sections={"section.commands": {"list": f"{__name__}:list_outputs", "get": f"{__name__}:get_output"}},
)


@command("outputs.list")
@click.argument("ref", type=Reference())
@pass_app
def list_outputs(app: App, ref: str) -> None:
    """Print the files there are."""
    found = app.client().outputs(ref)
    rows = [[item["name"], text.memory(item["size_bytes"]), item["path"]] for item in found["items"]]
    app.answer(
        found, lambda: text.table([say(f"column.{name}") for name in ("name", "size", "path")], rows, right=(1,))
    )


@command("outputs.get")
@click.argument("ref", type=Reference())
@click.argument("name")
@option("-o", "--to", metavar="FILE", says="outputs.to")
@option("--force", is_flag=True, says="outputs.force")
@pass_app
def get_output(app: App, ref: str, name: str, to: str | None, force: bool) -> None:
    """Write one file here, under its own last name unless told otherwise."""
    pieces = app.client().output(ref, name)
    if to == "-":
        pass_through(pieces)
        return
    path = Path(to or os.path.basename(name))  # noqa: PTH119  a Path would take ".." for a name
    # Asked for before the file is made, so that a refusal leaves none behind.
    first = next(pieces, b"")
    try:
        with path.open("wb" if force else "xb") as file:
            size = sum(file.write(piece) for piece in chain([first], pieces))
    except FileExistsError as error:
        raise UsageMistake(say("error.exists", path=path), say("hint.force")) from error
    except OSError as error:
        raise UsageMistake(say("error.unwritable", path=path, why=error.strerror)) from error
    app.answer({"path": str(path), "size_bytes": size}, lambda: f"{path} ({text.memory(size)})")
