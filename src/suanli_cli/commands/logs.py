"""What work writes."""

from __future__ import annotations

import json
import sys

import click

from suanli_cli.errors import UsageMistake
from suanli_cli.following import STREAMS
from suanli_cli.frame import App, Reference, Whole, Word, command, option, pass_app, pass_through
from suanli_cli.language import say
from suanli_cli.transport import PIECE_BYTES


@command("logs")
@click.argument("ref", type=Reference())
@option("-f", "--follow", is_flag=True, says="logs.follow")
@option("--stream", type=Word(STREAMS), default="stdout", says="logs.stream")
@option("--run", "attempt", type=Whole(1), metavar="N", says="logs.run")
@option("-n", "--lines", type=Whole(), metavar="N", says="logs.lines")
@pass_app
def logs(app: App, ref: str, follow: bool, stream: str, attempt: int | None, lines: int | None) -> None:
    """Print one stream of a run, as it is or as it grows."""
    client = app.client()
    if follow and lines is not None:
        raise UsageMistake(say("error.lines_or_follow"))
    if follow:
        for chunk in client.follow_log(ref, stream, run=attempt):
            sys.stdout.write(json.dumps(chunk._asdict(), ensure_ascii=False) + "\n" if app.json else chunk.text)
            sys.stdout.flush()
        return
    # The end of a log is looked for in its last piece, so that a log of any size answers at once.
    pieces = client.log(ref, stream, run=attempt, offset=0 if lines is None else -PIECE_BYTES)
    if lines is not None:
        kept = b"".join(pieces).splitlines(keepends=True)
        pieces = iter(kept[len(kept) - min(lines, len(kept)) :])
    if app.json:
        click.echo(json.dumps({"text": b"".join(pieces).decode("utf-8", "replace")}, ensure_ascii=False))
        return
    pass_through(pieces)
