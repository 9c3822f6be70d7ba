"""Plots of several policies side by side, drawn without a display."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from suanli.adapters.reports import texts
from suanli.adapters.reports.results import Report
from suanli.model.errors import UnsupportedError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 1000
_CHINESE = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "PingFang SC",
)
"""Fonts that have Chinese letters; matplotlib brings none."""


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Write one PNG file for each curve, sample and class of the report; return their paths in reading order.

    Their words are English where the machine has no font with the letters of the report's language.

    Raises:
        UnsupportedError: matplotlib is not installed.
    """
    matplotlib = _matplotlib()
    fonts = {font.name for font in matplotlib.font_manager.fontManager.ttflist}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    found = [font for font in _CHINESE if report.language == "zh" and font in fonts]
    words = texts.LANGUAGES[report.language if found or report.language == "en" else "en"]
    with matplotlib.rc_context({"font.sans-serif": [*found[:1], "DejaVu Sans"]}):
        for name, figure in _figures(report, words):
            path = folder / f"{name}.png"
            figure.savefig(path, dpi=144, metadata={"Software": ""})
            written.append(path)
    return written


def _matplotlib() -> Any:
    try:
        import matplotlib.backends.backend_agg  # noqa: PLC0415  an optional library
        import matplotlib.figure  # noqa: PLC0415
        import matplotlib.font_manager  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedError("plots", texts.MISSING.format(name="matplotlib"), texts.MISSING_HINT) from error
    return matplotlib


def _figures(report: Report, words: texts.Texts) -> Iterator[tuple[str, Figure]]:
    first = report.results[0]
    for key, label in words.curves.items():
        if key in first.curves:
            figure, axes = _blank(report, str(words.time), str(label))
            for result in report.results:
                times = result.times_s * words.time.factor
                (line,) = axes.plot(times, result.curves[key] * label.factor, label=result.policy, lw=1.1)
                if f"{key}_used" in result.curves:
                    used = result.curves[f"{key}_used"] * label.factor
                    name = words.used.format(policy=result.policy)
                    axes.plot(times, used, label=name, lw=1.1, ls=":", color=line.get_color())
            axes.set_ylim(bottom=0)
            _name_policies(axes)
            yield f"{key}-over-time", figure
    for key, label in words.samples.items():
        figure, axes = _blank(report, str(label), str(words.share))
        shares = np.linspace(0, 1, _POINTS)
        for result in report.results:
            if result.samples[key].size:
                values = np.maximum(np.quantile(result.samples[key], shares), 1.0)
                axes.step(values, shares * words.share.factor, where="post", label=result.policy)
        axes.set_xscale("log")
        _name_policies(axes)
        yield f"{key.removesuffix('_s')}-distribution", figure
    for key, bars in words.classes.items():
        figure, axes = _blank(report, str(bars.across), str(bars.up))
        names = report.class_names[key]
        width = 0.8 / len(report.results)
        tops = np.asarray([result.classes[key] for result in report.results], dtype=np.float64)
        for place, result in enumerate(report.results):
            offset = (place - (len(report.results) - 1) / 2) * width
            heights = np.asarray(result.classes[key]) * bars.up.factor
            axes.bar(np.arange(len(names)) + offset, heights, width, label=result.policy)
        axes.set_xticks(range(len(names)), names)
        # Where nobody waited there is nothing that a logarithm could be taken of.
        if np.any(tops > 0):
            axes.set_yscale("log")
        _name_policies(axes)
        yield key.replace("_", "-"), figure


def _name_policies(axes: Axes) -> None:
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _blank(report: Report, across: str, up: str) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  an optional library
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=report.title, xlabel=across, ylabel=up)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
