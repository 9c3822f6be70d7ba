"""``suanlid``: the server and the commands that work on its store while it is down."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suanli.model.errors import SuanliError

if TYPE_CHECKING:
    from suanli.wiring.settings import Settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``suanlid``; exits with 0, 1 (it failed, one line says why) or 2 (usage)."""
    options = _parser().parse_args(arguments)
    given: dict[str, Any] = {
        name: value for name in ("home", "listen", "database") if (value := getattr(options, name, None)) is not None
    }

    def settings() -> Settings:
        from suanli.wiring.settings import Settings  # noqa: PLC0415  `probe` need not pay for pydantic

        return Settings(**given)

    try:
        options.act(settings, options)
    except SuanliError as error:
        sys.exit(f"suanlid: {error.code}: {error}" + (f" ({error.hint})" if error.hint else ""))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="suanlid", description="The Suanli server.")
    parser.add_argument("--home", type=Path, help="folder of the center's state")
    parser.add_argument("--database", help="SQLAlchemy URL of the store (default: SQLite in the home folder)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the center in the foreground")
    serve.add_argument("--listen", help="ADDRESS:PORT, port 0 picks a free one (default 127.0.0.1:0)")
    serve.set_defaults(act=_serve)
    verify = commands.add_parser("verify", help="check the fact chain, and that the tables are what the facts say")
    verify.set_defaults(act=_verify)
    ahead = commands.add_parser("compile", help="make the planner's machine code now; else the first turn waits for it")
    ahead.add_argument("--replays", action="store_true", help="that of replays, too")
    ahead.set_defaults(act=_compile)
    probe = commands.add_parser("probe", help="show the processors and devices of this machine; needs no server")
    probe.add_argument("--explain", action="store_true", help="also what was looked for, and why not found")
    probe.set_defaults(act=_probe)
    _add_replay(commands)
    for command in (serve, verify):
        command.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.add_argument("--database", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    replay = commands.add_parser(
        "replay",
        help="live through a trace under one policy or several, and compare",
        description="Live through a trace under one policy or several; no center and no server is needed.",
    )
    replay.add_argument(
        "trace", type=Path, metavar="TRACE", help="SWF, openb tasks, `sacct --parsable2`, Gavel, or a home"
    )
    replay.add_argument("--center", type=Path, help="YAML, or an openb node list (an SWF log may describe its own)")
    replay.add_argument("--policy", action="append", help="may be repeated (default: easy); `help` lists them")
    replay.add_argument("--format", default="", help="swf, openb, sacct, gavel or facts (default: guessed)")
    replay.add_argument("--throughputs", type=Path, help="JSON of measured rates, for a Gavel trace")
    replay.add_argument("--model", default="", help="the device model on which a Gavel trace ran")
    replay.add_argument("--out", type=Path, help="folder for tables (Parquet), plots (PNG) and a page (HTML)")
    replay.add_argument("--language", choices=("en", "zh"), default=_language(os.environ), help="of the page and plots")
    replay.add_argument("--jobs-limit", type=int, default=0, help="only the first so many jobs")
    replay.add_argument("--seed", type=int, default=0, help="for policies that draw lots")
    replay.add_argument("--processes", type=int, default=0, help="policies at a time (default: one a processor)")
    replay.set_defaults(act=_replay)


def _language(environment: Mapping[str, str]) -> str:
    """Chinese where the locale, as POSIX orders its variables, says so."""
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.startswith("zh") else "en"


def _replay(_: Callable[[], Settings], options: argparse.Namespace) -> None:
    from suanli.wiring.compiled import keep_compiled  # noqa: PLC0415  before the kernel is imported

    keep_compiled()
    from suanli.wiring.replay import run  # noqa: PLC0415  the server need not pay for the replay

    run(options)


def _compile(_: Callable[[], Settings], options: argparse.Namespace) -> None:
    from suanli.wiring import compiled  # noqa: PLC0415  before the kernel

    folder = compiled.keep_compiled()
    compiled.compile_ahead()
    if options.replays:
        compiled.compile_replays()
    from suanli.wiring.linking import c_compiler, link  # noqa: PLC0415  it loads the kernel

    if compiler := c_compiler():
        link(folder / compiled.LIBRARY, compiler)
    else:
        sys.stderr.write("suanlid: no C compiler here (CC may name one), so a server's planner will load numba\n")


def _probe(_: Callable[[], Settings], options: argparse.Namespace) -> None:
    from suanli.wiring.probe import probe  # noqa: PLC0415  the server need not pay for it

    print("\n".join(probe(explain=options.explain)))  # noqa: T201  the command's answer


def _serve(settings: Callable[[], Settings], _: argparse.Namespace) -> None:
    from suanli.wiring.serve import serve  # noqa: PLC0415  verify need not pay for the web server

    serve(settings())


def _verify(settings: Callable[[], Settings], _: argparse.Namespace) -> None:
    from suanli.wiring.build import build_store  # noqa: PLC0415  --help need not pay for the database

    store = build_store(settings())
    try:
        report = store.verify()
        print(f"chain of {report.facts} facts is whole; head {report.head}")  # noqa: T201  the command's answer
        wrong = [
            f"{found.table} {found.key}: stored {found.stored}, by the facts {found.replayed}"
            for found in store.differences()
        ]
        if wrong:
            sys.exit("\n".join([*wrong, f"suanlid: {len(wrong)} records are not what the facts say"]))
        print("every table is what the facts say")  # noqa: T201
    finally:
        store.close()


if __name__ == "__main__":
    main()
