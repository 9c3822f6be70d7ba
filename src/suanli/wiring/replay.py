"""``suanlid replay``: a trace read, replayed under each policy in a process of its own, written down and summed up."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import yaml

from suanli.adapters.reports import texts
from suanli.adapters.reports.page import write_page
from suanli.adapters.reports.parquet import write_parquet
from suanli.adapters.reports.plots import write_plots
from suanli.adapters.reports.results import PolicyResult, Report
from suanli.kernel.replay import metrics
from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.formats.swf import from_swf_header, read_swf
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome, Replayer
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.quantities import WHOLE_CPU

_INTERVALS = 400
_SIZE_NAMES = ("1", "2-4", "5-16", "17-64", "65-256", "> 256")
_RUNTIME_NAMES = ("<= 1 min", "<= 10 min", "<= 1 h", "<= 6 h", "<= 1 d", "> 1 d")

P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[P]):
    """What to replay: the same trace and center under each of the policies, by name."""

    title: str
    trace: Trace
    center: CenterDescription
    policies: Mapping[str, P]
    seed: int
    processes: int = 0
    """0: one for each policy, as far as there are processors."""


def run(options: argparse.Namespace) -> None:
    """Do what the command line asks: print one line a policy, and write what ``--out`` wants.

    Raises:
        NotFoundError: a file or a policy is not there.
        InvalidRequestError: as ``read``.
        UnsupportedError: as ``write``.
    """
    names = options.policy or ["easy"]
    if "help" in names:
        print("\n".join(f"{name:24}{policy}" for name, policy in POLICIES.items()))  # noqa: T201  the command's answer
        return
    for name in names:
        if name not in POLICIES:
            raise NotFoundError("policy", name, f"one of {', '.join(POLICIES)}")
    trace, center = read(options.trace, options.center, options.format)
    if options.jobs_limit > 0:
        trace = trace.select(slice(options.jobs_limit))
    policies = {name: POLICIES[name] for name in names}
    work = Work(
        title=options.trace.name,
        trace=trace,
        center=center,
        policies=policies,
        seed=options.seed,
        processes=options.processes,
    )
    outcomes = replay_all(work, replay)
    print(table(work, outcomes))  # noqa: T201  the command's answer
    if options.out is not None:
        print(f"written: {write(work, outcomes, options.out)}")  # noqa: T201


def read(trace: Path, center: Path | None, format: str = "") -> tuple[Trace, CenterDescription]:
    """Read a trace (``swf``, ``openb`` or ``sacct``; guessed where empty) and its center (YAML, or an openb node list).

    Raises:
        NotFoundError: a file is not there.
        InvalidRequestError: a file is damaged, the format is not one of these, or no center is known.
    """
    text = _text(trace)
    kind = format or _guess(text)
    described = None if center is None else _center(center)
    if kind == "swf":
        log = read_swf(text)
        return log.trace, described or from_swf_header(log.header)
    readers = {"openb": read_tasks, "sacct": read_sacct}
    if kind not in readers:
        raise InvalidRequestError("format", f"{kind!r} is not a format of traces", "swf, openb or sacct")
    if described is None:
        raise InvalidRequestError("center", f"a trace of format {kind} does not describe its center", "give --center")
    return readers[kind](text), described


def replay_all(work: Work[P], replayer: Replayer[P]) -> dict[str, Outcome]:
    """Replay each policy; the outcomes in the order of the policies, whatever the number of processes."""
    processes = min(work.processes or len(os.sched_getaffinity(0)), len(work.policies))
    if processes <= 1:
        return {name: replayer(work.trace, work.center, one, work.seed, None) for name, one in work.policies.items()}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        futures = {
            name: pool.submit(replayer, work.trace, work.center, policy, work.seed, None)
            for name, policy in work.policies.items()
        }
        return {name: future.result() for name, future in futures.items()}


def write(work: Work[P], outcomes: Mapping[str, Outcome], folder: Path) -> Path:
    """Write tables, plots and the page under the folder; return the page's path.

    Raises:
        UnsupportedError: a library of the extra ``replay`` is not installed.
    """
    report = Report(
        title=work.title,
        results=[_result(name, work, outcome) for name, outcome in outcomes.items()],
        class_names={"by_size": _SIZE_NAMES, "by_runtime": _RUNTIME_NAMES},
    )
    for result in report.results:
        write_parquet(result, folder / result.policy)
    page = folder / "report.html"
    write_page(report, write_plots(report, folder), page)
    return page


def table(work: Work[P], outcomes: Mapping[str, Outcome]) -> str:
    """The figures of each policy, a line each."""
    rows = [["policy", "bsld mean", "median", "p99", "max", "wait s", "cpus %", "makespan s", "Jain users"]]
    for name, outcome in outcomes.items():
        found = metrics.summary(work.trace, outcome, work.center)
        slow = found.bounded_slowdown
        values = (slow.mean, slow.median, slow.p99, slow.max, found.wait_s.mean, found.cpu_utilization * 100)
        rows.append([name, *(f"{one:.2f}" for one in values), f"{found.makespan_s:.0f}"])
        rows[-1].append(f"{found.jain_user_slowdown:.3f}")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _result(name: str, work: Work[P], outcome: Outcome) -> PolicyResult:
    trace, center = work.trace, work.center
    found = metrics.summary(trace, outcome, center)
    wait, run = metrics.wait_s(trace, outcome), metrics.run_s(outcome)
    slow = found.bounded_slowdown
    figures = {key: getattr(found, key) for key in texts.FIGURES if hasattr(found, key)} | {
        "bounded_slowdown_mean": slow.mean,
        "bounded_slowdown_median": slow.median,
        "bounded_slowdown_p99": slow.p99,
        "bounded_slowdown_max": slow.max,
        "wait_mean_s": found.wait_s.mean,
        "wait_p99_s": found.wait_s.p99,
    }
    steps = {"cpu": (outcome.cpu_milli, center.cpu_milli), "waiting": (outcome.waiting, 1)}
    if center.device_share:
        steps["device"] = (outcome.device_share, center.device_share)
    curves = {key: metrics.resampled(outcome, column, _INTERVALS)[1] / whole for key, (column, whole) in steps.items()}
    return PolicyResult(
        policy=name,
        jobs={
            "number": trace.number,
            "submitted_us": trace.submitted_us,
            "started_us": outcome.started_us,
            "ended_us": outcome.ended_us,
            "cpus": trace.cpu_milli_total / WHOLE_CPU,
        },
        intervals={
            column: getattr(outcome, column)
            for column in ("time_us", "cpu_milli", "device_share", "waiting", "running", "waiting_cpu_milli")
        },
        figures=figures,
        times_s=metrics.resampled(outcome, outcome.waiting, _INTERVALS)[0],
        curves=curves,
        samples={"wait_s": wait, "bounded_slowdown": metrics.bounded_slowdown(wait, run)},
        classes={
            "by_size": [one.mean or np.nan for one in found.by_size],
            "by_runtime": [one.mean or np.nan for one in found.by_runtime],
        },
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFoundError("file", str(path)) from error


def _guess(text: str) -> str:
    first: Sequence[str] = text.split("\n", 1)[0]
    if "|" in first:
        return "sacct"
    return "openb" if "num_gpu" in first else "swf"


def _center(path: Path) -> CenterDescription:
    text = _text(path)
    if path.suffix == ".csv":
        return read_nodes(text)
    try:
        return from_mapping(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InvalidRequestError("center", f"{path} is not YAML: {error}") from error
