"""The `suanli` command. Settles the language, then imports the command that was asked for and nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from suanli_cli import language

COMPLETION = "_SUANLI_COMPLETE"
"""The variable through which a shell asks for completions."""
INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code. Errors of ours are told on stderr, without a traceback."""
    language.settle(language.wanted(arguments, os.environ))
    import click

    from suanli_cli.errors import CliError
    from suanli_cli.frame import App, usage_text
    from suanli_cli.root import root

    asked_to_complete = os.environ.get(COMPLETION)
    if asked_to_complete:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "suanli", COMPLETION, asked_to_complete)
    app = App()
    try:
        # Not click's own main: it would take errors of ours, broken pipes and Ctrl-C for its own.
        with root.make_context("suanli", list(arguments), obj=app) as context:
            result = root.invoke(context)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        _tell(*usage_text(error))
        return error.exit_code
    except CliError as error:
        if app.json:
            click.echo(json.dumps(error.problem(), ensure_ascii=False), err=True)
        else:
            _tell(error.detail, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; without this, Python complains again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _tell(detail: str, hint: str) -> None:
    print(f"suanli: {detail}", file=sys.stderr)  # noqa: T201
    if hint:
        print(f"  {hint}", file=sys.stderr)  # noqa: T201
