"""What every command is made of: lazily imported groups, the options all share, help and errors in both languages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from suanli_cli.language import LANGUAGES, say

if TYPE_CHECKING:
    from suanli_cli.client import Client

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class App:
    """What the shared options said, handed to every command."""

    json: bool = False
    server: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def client(self, home: Path | None = None, *, patience_s: float | None = None) -> Client:
        """A client of the server the person means; ``patience_s`` for answers that take their time."""
        from suanli_cli.client import Client
        from suanli_cli.connection import find_connection, state_directory
        from suanli_cli.transport import ANSWER_TIMEOUT_S, Transport

        home = home or state_directory(self.environment)
        connection = find_connection(self.server, home, self.environment)
        client = Client(Transport(connection, patience_s=patience_s or ANSWER_TIMEOUT_S))
        click.get_current_context().call_on_close(client.close)
        return client

    def answer(self, document: object, text: Callable[[], str]) -> None:
        """Print an answer: the API's own JSON where asked for, else as people read it."""
        shown = json.dumps(document, ensure_ascii=False) if self.json else text()
        if shown:
            click.echo(shown)


def pass_through(pieces: Iterable[bytes]) -> None:
    """Write bytes to stdout as they are, all of them: where Python runs unbuffered its own stdout may write a part."""
    with open(1, "wb", closefd=False) as out:
        out.writelines(pieces)


pass_app = click.make_pass_decorator(App, ensure=True)


def option(*names: str, says: str, **attributes: Any) -> Callable[[F], F]:
    """An option whose help is the text of the key ``says``."""
    return click.option(*names, help=say(says), **attributes)


class Formatter(click.HelpFormatter):
    """Writes click's own few words in the reader's language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, f"{say('help.usage')} " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        super().write_heading(say("help.options") if heading == "Options" else heading)


click.Context.formatter_class = Formatter


class _Shared(click.Command):
    """Adds the options every command takes, and the translated ``--help``."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params += [
            click.Option(["--json"], is_flag=True, expose_value=False, callback=_want_json, help=say("option.json")),
            click.Option(["--server"], metavar="URL", expose_value=False, callback=_server, help=say("option.server")),
            # Acted upon before click runs (`language.wanted`); here it is only declared and checked.
            click.Option(["--lang"], type=Word(LANGUAGES), expose_value=False, help=say("option.lang")),
        ]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = say("option.help")
        return found


class Command(_Shared):
    """A command with arguments of its own only."""


class WorkCommand(_Shared):
    """A command that carries another: words after ``--`` are left in `after_dashes`, never taken for its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            ctx.meta[_AFTER_DASHES] = args[cut + 1 :]
            args = args[:cut]
        return super().parse_args(ctx, args)


_AFTER_DASHES = "suanli_cli.after_dashes"


def after_dashes() -> list[str]:
    """The words after ``--``."""
    words: list[str] = click.get_current_context().meta.get(_AFTER_DASHES, [])
    return words


class LazyGroup(_Shared, click.Group):
    """A group that knows where its commands stand (``module:attribute``) and imports only the one that is called.

    ``sections`` maps the key of a heading to command names and places; a name's help is the text ``command.<path>``.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, str]], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._sections = sections
        self._places = {name: place for section in sections.values() for name, place in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self._places and not args[0].startswith("-"):
            raise click.NoSuchCommand(args[0], possibilities=self._places, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        prefix = ".".join(["command", *ctx.command_path.split()[1:]])
        for heading, section in self._sections.items():
            with formatter.section(say(heading)):
                formatter.write_dl([(name, say(f"{prefix}.{name}")) for name in section])


def command(path: str, cls: type[_Shared] = Command) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function the command of that name; its help is the text ``command.<path>``."""
    return click.command(path.rpartition(".")[2], cls=cls, help=say(f"command.{path}"))


class Word(click.Choice[str]):
    """One of a few words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002
        return say("usage.word", value=value, words=", ".join(self.choices))


class Whole(click.ParamType[int]):
    """A whole number of at least ``least``."""

    name = "number"

    def __init__(self, least: int | None = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            self.fail(say("usage.number", value=value), param, ctx)
        if self.least is not None and number < self.least:
            self.fail(say("usage.least", value=value, least=self.least), param, ctx)
        return number


class Reference(click.ParamType[str]):
    """A workload: ``120``, or ``120_3`` for index 3 of array 120."""

    name = "ref"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        first, _, index = str(value).partition("_")
        if not first.isdecimal() or (index and not index.isdecimal()):
            self.fail(say("usage.ref", value=value), param, ctx)
        return str(value)


def usage_text(error: click.UsageError) -> tuple[str, str]:
    """What was wrong with a command line, and what to do, in the reader's language."""
    hint = say("hint.help", command=error.ctx.command_path) if error.ctx else ""
    if isinstance(error, (click.NoSuchCommand, click.NoSuchOption)):
        is_command = isinstance(error, click.NoSuchCommand)
        name = error.command_name if isinstance(error, click.NoSuchCommand) else error.option_name
        detail = say("usage.no_command" if is_command else "usage.no_option", name=name)
        near = ", ".join(error.possibilities or ())
        return detail, say("hint.near", names=near) if near else hint
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return say("usage.missing", name=_named(error.param)), hint
    if isinstance(error, click.BadParameter) and error.param is not None:
        return f"{_named(error.param)}: {error.message}", hint
    if isinstance(error, click.BadOptionUsage):
        return say("usage.option_value", name=error.option_name), hint
    return error.format_message(), hint


def _named(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len) if isinstance(parameter, click.Option) else parameter.human_readable_name


def _want_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(App).json = True


def _server(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value:
        ctx.ensure_object(App).server = value
