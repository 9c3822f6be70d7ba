"""The report of two policies: tables read back whole, plots are pictures, the page needs nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from suanli.adapters.reports import texts
from suanli.adapters.reports.page import write_page
from suanli.adapters.reports.parquet import write_parquet
from suanli.adapters.reports.plots import write_plots
from suanli.adapters.reports.results import PolicyResult, Report
from suanli.model.errors import UnsupportedError

SIZES = ("1", "2-4", "5-16", "17-64", "65-256", "> 256")


def result(policy: str, seed: int) -> PolicyResult:
    chance = np.random.default_rng(seed)
    times = np.arange(1, 201) * 3600.0
    slowdown = 1 + chance.lognormal(1, 2, 500)
    return PolicyResult(
        policy=policy,
        jobs={"number": np.arange(500), "started_us": chance.integers(0, 10**12, 500)},
        intervals={"time_us": np.arange(3), "cpu_milli": np.array([0, 4000, 0])},
        figures={key: float(place + seed) for place, key in enumerate(texts.FIGURES)},
        times_s=times,
        curves={
            "cpu": chance.uniform(0.5, 1, 200),
            "cpu_used": np.full(200, 0.4),
            "waiting": chance.integers(0, 99, 200),
        },
        samples={"wait_s": chance.exponential(4000, 500), "bounded_slowdown": slowdown},
        classes={key: np.sort(slowdown[: len(SIZES)]).tolist() for key in texts.CLASSES},
    )


@pytest.fixture
def report() -> Report:
    return Report(
        title="A <trace> on 100 nodes",
        results=[result("easy", 1), result("fcfs", 2)],
        class_names=dict.fromkeys(texts.CLASSES, SIZES),
    )


def test_tables_read_back_as_they_were(report: Report, tmp_path: Path) -> None:
    one = report.results[0]
    for path, columns in zip(write_parquet(one, tmp_path / "easy"), (one.jobs, one.intervals), strict=True):
        table = parquet.read_table(path)
        assert table.column_names == list(columns)
        for name, column in columns.items():
            assert np.array_equal(table[name].to_numpy(), column)


def test_the_page_holds_all_figures_and_plots_and_asks_the_network_for_nothing(report: Report, tmp_path: Path) -> None:
    plots = write_plots(report, tmp_path)
    assert [plot.stem for plot in plots] == [
        "cpu-over-time",
        "waiting-over-time",
        "wait-distribution",
        "bounded_slowdown-distribution",
        "slowdown-by-size",
        "slowdown-by-runtime",
        "wait-by-size",
    ]
    assert all(plot.read_bytes().startswith(b"\x89PNG") for plot in plots)
    write_page(report, plots, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "A &lt;trace&gt; on 100 nodes" in page
    assert len(re.findall("<img ", page)) == len(plots)
    assert len(re.findall("<td>", page)) == 2 * len(texts.FIGURES)
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", page) == []


def test_what_was_used_is_drawn_beside_what_was_held(report: Report, tmp_path: Path) -> None:
    def cpus(folder: str, results: Sequence[PolicyResult]) -> bytes:
        return write_plots(replace(report, results=results), tmp_path / folder)[0].read_bytes()

    bare = [replace(one, curves={key: one.curves[key] for key in ("cpu", "waiting")}) for one in report.results]
    assert cpus("with", report.results) != cpus("without", bare)


def test_classes_in_which_nobody_waited_are_drawn_too(report: Report, tmp_path: Path) -> None:
    nobody = [replace(one, classes=dict.fromkeys(texts.CLASSES, [np.nan] * len(SIZES))) for one in report.results]
    assert (tmp_path / "wait-by-size.png") in write_plots(replace(report, results=nobody), tmp_path)


def test_figures_that_a_trace_does_not_tell_have_no_row(report: Report, tmp_path: Path) -> None:
    bare = [replace(one, figures=dict(list(one.figures.items())[:5]) | {"finished": 1234}) for one in report.results]
    write_page(replace(report, results=bare), [], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert len(re.findall("<td>", page)) == 2 * 6
    assert "<td>1,234</td><td>1,234</td>" in page


def test_a_report_in_chinese_has_every_text_and_the_same_figures(report: Report, tmp_path: Path) -> None:
    chinese = replace(report, language="zh")
    plots = write_plots(chinese, tmp_path)
    write_page(chinese, plots, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    write_page(report, plots, tmp_path / "english.html")
    english = (tmp_path / "english.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in page
    assert re.findall("<td>[^<]*", page) == re.findall("<td>[^<]*", english)
    heads = [re.findall("<th>([^<]*)", text)[3:] for text in (page, english)]
    assert len(heads[0]) == len(heads[1]) == len(texts.FIGURES)
    assert all(re.search("[\u4e00-\u9fff]", head) for head in heads[0])


def test_every_language_has_the_same_keys_and_units() -> None:
    def shape(words: texts.Texts) -> list[object]:
        labels = (words.figures, words.curves, words.samples)
        told: list[object] = [{key: label.factor for key, label in table.items()} for table in labels]
        return [*told, {key: bars.up.factor for key, bars in words.classes.items()}, words.time.factor]

    first, *others = map(shape, texts.LANGUAGES.values())
    assert all(other == first for other in others)


def test_plots_are_the_same_to_the_bit_each_time(report: Report, tmp_path: Path) -> None:
    first, second = (write_plots(report, tmp_path / name) for name in ("a", "b"))
    assert [plot.read_bytes() for plot in first] == [plot.read_bytes() for plot in second]


def test_a_missing_library_says_what_to_install(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyarrow", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UnsupportedError, match="pyarrow") as caught:
        write_parquet(report.results[0], tmp_path)
    assert "suanli[replay]" in caught.value.hint
    with pytest.raises(UnsupportedError, match="matplotlib"):
        write_plots(report, tmp_path)
