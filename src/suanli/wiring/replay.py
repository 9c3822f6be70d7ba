"""``suanlid replay``: a trace read, replayed under each policy in a process of its own, written down and summed up."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from queue import Empty, Queue
from typing import Generic, TypeVar

import numpy as np

from suanli.adapters.reports import texts
from suanli.adapters.reports.page import write_page
from suanli.adapters.reports.parquet import write_parquet
from suanli.adapters.reports.plots import write_plots
from suanli.adapters.reports.results import PolicyResult, Report
from suanli.kernel.replay import metrics
from suanli.kernel.replay.center import CenterDescription
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.outcome import Outcome, Replayer
from suanli.kernel.replay.policy import POLICIES
from suanli.kernel.replay.resources import CPU, DISK, MEMORY, Resource, resources
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import NotFoundError
from suanli.model.power import MILLIWATTS
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE
from suanli.wiring.traces import Source, read

_INTERVALS = 400
_BAR = 40
"""Marks of the progress bar."""
_LISTEN_S = 0.1
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
        InvalidRequestError: as :func:`suanli.wiring.traces.read`.
        UnsupportedError: as ``write``.
    """
    names = options.policy or ["easy"]
    if "help" in names:
        print("\n".join(f"{name:24}{policy}" for name, policy in POLICIES.items()))  # noqa: T201  the command's answer
        return
    for name in names:
        if name not in POLICIES:
            raise NotFoundError("policy", name, f"one of {', '.join(POLICIES)}")
    trace, center = read(Source.of(options))
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
    is_watched = sys.stderr.isatty()
    outcomes = replay_all(work, replay, _bar if is_watched else None)
    if is_watched:
        sys.stderr.write("\n")
    summaries = {name: metrics.summary(trace, outcome, center) for name, outcome in outcomes.items()}
    print(table(summaries))  # noqa: T201  the command's answer
    if options.out is not None:
        print(f"written: {write(work, outcomes, summaries, options.out, options.language)}")  # noqa: T201


def replay_all(work: Work[P], replayer: Replayer[P], tell: Callable[[float], None] | None = None) -> dict[str, Outcome]:
    """Replay each policy; the outcomes in the order of the policies, whatever the number of processes.

    ``tell`` hears now and then what share of all the jobs of all policies has come.
    """
    processes = min(work.processes or len(os.sched_getaffinity(0)), len(work.policies))
    shares = dict.fromkeys(work.policies, 0.0)

    def heard(name: str, come: int, jobs: int) -> None:
        shares[name] = come / max(1, jobs)
        if tell is not None:
            tell(sum(shares.values()) / len(shares))

    if processes <= 1:
        return {
            name: replayer(work.trace, work.center, one, work.seed, partial(heard, name))
            for name, one in work.policies.items()
        }
    context = get_context("spawn")
    with ExitStack() as stack:
        # Words from other processes cost a process more, which nobody needs who does not listen.
        words = None if tell is None else stack.enter_context(context.Manager()).Queue()
        pool = stack.enter_context(ProcessPoolExecutor(processes, mp_context=context))
        futures = {
            name: pool.submit(
                replayer, work.trace, work.center, policy, work.seed, None if words is None else _Teller(name, words)
            )
            for name, policy in work.policies.items()
        }
        while words is not None and not (words.empty() and all(future.done() for future in futures.values())):
            try:
                heard(*words.get(timeout=_LISTEN_S))
            except Empty:
                continue
        return {name: future.result() for name, future in futures.items()}


@dataclass(frozen=True, slots=True)
class _Teller:
    """What a process says of its policy's progress."""

    policy: str
    words: Queue[tuple[str, int, int]]

    def __call__(self, come: int, jobs: int) -> None:
        self.words.put((self.policy, come, jobs))


def _bar(share: float) -> None:
    done = round(share * _BAR)
    sys.stderr.write(f"\r[{'#' * done}{'.' * (_BAR - done)}] {share:4.0%}")
    sys.stderr.flush()


def write(
    work: Work[P],
    outcomes: Mapping[str, Outcome],
    summaries: Mapping[str, metrics.Summary],
    folder: Path,
    language: str = "en",
) -> Path:
    """Write tables, plots and the page under the folder; return the page's path.

    Raises:
        UnsupportedError: a library of the extra ``replay`` is not installed.
    """
    report = Report(
        title=work.title,
        results=[_result(name, work, outcome, summaries[name]) for name, outcome in outcomes.items()],
        class_names={
            "slowdown_by_size": _SIZE_NAMES,
            "slowdown_by_runtime": _RUNTIME_NAMES,
            "wait_by_size": _SIZE_NAMES,
        },
        language=language,
    )
    for result in report.results:
        write_parquet(result, folder / result.policy)
    page = folder / "report.html"
    write_page(report, write_plots(report, folder), page)
    return page


def table(summaries: Mapping[str, metrics.Summary]) -> str:
    """The figures of each policy, a line each."""
    rows = [["policy", "bsld mean", "median", "p99", "max", "wait s", "cpus %", "makespan s", "Jain users"]]
    for name, found in summaries.items():
        slow = found.bounded_slowdown
        values = (slow.mean, slow.median, slow.p99, slow.max, found.wait_s.mean, found.resources[CPU].held * 100)
        rows.append([name, *(f"{one:.2f}" for one in values), f"{found.makespan_s:.0f}"])
        rows[-1].append(f"{found.jain_user_slowdown:.3f}")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _result(name: str, work: Work[P], outcome: Outcome, found: metrics.Summary) -> PolicyResult:
    trace, center = work.trace, work.center
    wait, run = metrics.wait_s(trace, outcome), metrics.run_s(outcome)
    found_over_time = resources(trace, outcome, center)
    slow = found.bounded_slowdown
    figures = {key: getattr(found, key) for key in texts.FIGURES if hasattr(found, key)} | {
        "bounded_slowdown_mean": slow.mean,
        "bounded_slowdown_median": slow.median,
        "bounded_slowdown_p99": slow.p99,
        "bounded_slowdown_max": slow.max,
        "wait_mean_s": found.wait_s.mean,
        "wait_p99_s": found.wait_s.p99,
        "turnaround_mean_s": found.turnaround_s.mean,
        "turnaround_p99_s": found.turnaround_s.p99,
    }
    for resource, one in found.resources.items():
        figures |= {f"{resource}_{field}": value for field, value in asdict(one).items()}
    if not outcome.looked_at_us.size:
        del figures["fragmentation"]
    if not found.energy_j:
        # The description of the center says nothing of power.
        del figures["energy_j"]
    if not outcome.draw_mw.size:
        del figures["peak_draw_w"]
    return PolicyResult(
        policy=name,
        jobs={
            "number": trace.number,
            "submitted_us": trace.submitted_us,
            "started_us": outcome.started_us,
            "ended_us": outcome.ended_us,
            "requested_us": trace.requested_us,
            "cpus": trace.cpu_milli_total / WHOLE_CPU,
            "memory_bytes": trace.memory_total,
            "disk_bytes": trace.disk_total,
            "devices": trace.devices_total / WHOLE_DEVICE,
            "used_cpu_us": trace.used_cpu_us,
            "used_memory_bytes": trace.used_memory_bytes,
            "user": np.array(trace.users)[trace.user],
            "project": np.array(trace.projects)[trace.project],
            "queue": np.array(trace.queues)[trace.queue],
        },
        intervals=_intervals(outcome, found_over_time),
        figures=figures,
        times_s=metrics.resampled(outcome, outcome.waiting, _INTERVALS)[0],
        curves=_curves(outcome, center, found_over_time),
        samples={"wait_s": wait, "bounded_slowdown": metrics.bounded_slowdown(wait, run)},
        classes={key: [one.mean or np.nan for one in getattr(found, key)] for key in texts.CLASSES},
    )


def _intervals(outcome: Outcome, over_time: Mapping[str, Resource]) -> dict[str, np.ndarray]:
    """What was at each instant at which something changed, until the next."""
    names = ("time_us", "cpu_milli", "device_share", "waiting", "running", "waiting_cpu_milli")
    columns = {name: getattr(outcome, name) for name in names}
    if outcome.draw_mw.size:
        columns["draw_mw"] = outcome.draw_mw
    for name in (MEMORY, DISK):
        if name in over_time:
            columns[f"{name}_bytes"] = np.rint(over_time[name].held).astype(np.int64)
    for name, unit in ((CPU, "cpu_milli"), (MEMORY, "memory_bytes")):
        if name in over_time and over_time[name].is_told:
            columns[f"used_{unit}"] = np.rint(over_time[name].used).astype(np.int64)
    return columns


def _curves(outcome: Outcome, center: CenterDescription, over_time: Mapping[str, Resource]) -> dict[str, np.ndarray]:
    """What is drawn over time: means in equal intervals, in parts of what there is; and how many wait."""

    def means(column: metrics.Numbers, whole: int) -> np.ndarray:
        return metrics.resampled(outcome, column, _INTERVALS)[1] / whole

    curves = {"waiting": means(outcome.waiting, 1)}
    if outcome.draw_mw.size:
        curves["draw"] = means(outcome.draw_mw, MILLIWATTS)
    for name, one in over_time.items():
        curves[name] = means(one.held, one.capacity)
        curves[f"{name}_lost"] = means(one.lost, one.capacity)
        if one.is_told:
            curves[f"{name}_used"] = means(one.used, one.capacity)
    if outcome.looked_at_us.size:
        ends = metrics.resampled(outcome, outcome.waiting, _INTERVALS)[0] * metrics.SECOND_US
        last = np.maximum(np.searchsorted(outcome.looked_at_us, ends, side="right") - 1, 0)
        curves["fragmentation"] = outcome.fragmented_share[last] / center.device_share
    return curves
