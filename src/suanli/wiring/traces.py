"""What ``suanlid replay`` reads: a file in one of the known formats, or what the center of a folder lived through."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from suanli.adapters.devices.partitions_known import templates_of
from suanli.kernel.replay.center import CenterDescription, from_mapping, from_nodes
from suanli.kernel.replay.formats.facts import read_facts
from suanli.kernel.replay.formats.gavel import is_gavel, read_gavel, read_throughputs
from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.formats.swf import from_swf_header, read_swf
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.facts import RecordedFact
from suanli.model.ids import FactSeq
from suanli.ports.store import Store

_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a trace and its center come from.

    ``trace`` is a file, or the home folder of a center. ``format`` is guessed where empty. A Gavel trace is in steps:
    ``throughputs`` says how many a second each job makes, ``model`` on which device.
    """

    trace: Path
    center: Path | None = None
    format: str = ""
    throughputs: Path | None = None
    model: str = ""

    @classmethod
    def of(cls, options: argparse.Namespace) -> Source:
        """What a command line names."""
        return cls(
            trace=options.trace,
            center=options.center,
            format=options.format,
            throughputs=options.throughputs,
            model=options.model,
        )


def read(source: Source) -> tuple[Trace, CenterDescription]:
    """Read a trace, and its center: from YAML or an openb node list, else as far as the trace describes it.

    Raises:
        NotFoundError: a file is not there, or the folder is none of a center.
        InvalidRequestError: a file is damaged, the format is not one of these, or no center is known.
    """
    described = None if source.center is None else _center(source.center)
    if source.format == "facts" or source.trace.is_dir():
        return _lived_through(source.trace, described)
    text = _text(source.trace)
    kind = source.format or _guess(text)
    if kind == "swf":
        log = read_swf(text)
        return log.trace, described or from_swf_header(log.header)
    if kind not in {"openb", "sacct", "gavel"}:
        raise InvalidRequestError(
            "format", f"{kind!r} is not a format of traces", "swf, openb, sacct, gavel, or facts in a center's folder"
        )
    if described is None:
        raise InvalidRequestError("center", f"a trace of format {kind} does not describe its center", "give --center")
    if kind == "gavel":
        return _gavel(text, source), described
    return {"openb": read_tasks, "sacct": read_sacct}[kind](text), described


def _gavel(text: str, source: Source) -> Trace:
    if source.throughputs is None:
        raise InvalidRequestError("throughputs", "a Gavel trace tells steps and not seconds", "give --throughputs")
    try:
        rates = read_throughputs(json.loads(_text(source.throughputs)))
    except ValueError as error:
        raise InvalidRequestError("throughputs", f"{source.throughputs} is not JSON: {error}") from error
    return read_gavel(text, rates, source.model)


def _lived_through(home: Path, described: CenterDescription | None) -> tuple[Trace, CenterDescription]:
    """Read what the center of a folder recorded; its server may be running."""
    from suanli.wiring.build import build_store  # noqa: PLC0415  other traces need no database
    from suanli.wiring.settings import Settings  # noqa: PLC0415

    settings = Settings(home=home)
    if not settings.database and not (home / "center.db").exists():
        raise NotFoundError("center", str(home), "the folder holds no center.db")
    store = build_store(settings)
    try:
        trace = read_facts(_facts(store))
        if described is not None:
            return trace, described
        with store.read() as tables:
            return trace, from_nodes(tables.nodes())
    finally:
        store.close()


def _facts(store: Store) -> Iterator[RecordedFact]:
    last = FactSeq(0)
    while facts := store.news(last, _CHUNK):
        last = facts[-1].seq
        yield from facts


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFoundError("file", str(path)) from error


def _guess(text: str) -> str:
    first = text.split("\n", 1)[0]
    if is_gavel(first):
        return "gavel"
    if "|" in first:
        return "sacct"
    return "openb" if "num_gpu" in first else "swf"


def _center(path: Path) -> CenterDescription:
    text = _text(path)
    if path.suffix == ".csv":
        return read_nodes(text)
    try:
        return from_mapping(yaml.safe_load(text), templates_of)
    except yaml.YAMLError as error:
        raise InvalidRequestError("center", f"{path} is not YAML: {error}") from error
