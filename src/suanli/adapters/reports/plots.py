"""Plots of several policies side by side, drawn without a display."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suanli.adapters.reports import texts
from suanli.adapters.reports.results import Report
from suanli.model.errors import UnsupportedError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 1000


def write_plots(report: Report, folder: Path) -> list[Path]:
    """Write one PNG file for each curve, sample and class of the report; return their paths in reading order.

    Raises:
        UnsupportedError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in _figures(report):
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=144, metadata={"Software": ""})
        written.append(path)
    return written


def _figures(report: Report) -> Iterator[tuple[str, Figure]]:
    first = report.results[0]
    for key, label in texts.CURVES.items():
        if key in first.curves:
            figure, axes = _blank(report.title, str(texts.TIME), str(label))
            for result in report.results:
                axes.plot(
                    result.times_s * texts.TIME.factor, result.curves[key] * label.factor, label=result.policy, lw=1.1
                )
            axes.set_ylim(bottom=0)
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
            yield f"{key}-over-time", figure
    for key, label in texts.SAMPLES.items():
        figure, axes = _blank(report.title, str(label), str(texts.SHARE))
        shares = np.linspace(0, 1, _POINTS)
        for result in report.results:
            if result.samples[key].size:
                values = np.maximum(np.quantile(result.samples[key], shares), 1.0)
                axes.step(values, shares * texts.SHARE.factor, where="post", label=result.policy)
        axes.set_xscale("log")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        yield f"{key.removesuffix('_s')}-distribution", figure
    for key, label in texts.CLASSES.items():
        figure, axes = _blank(report.title, str(label), str(texts.MEAN))
        names = report.class_names[key]
        width = 0.8 / len(report.results)
        for place, result in enumerate(report.results):
            offset = (place - (len(report.results) - 1) / 2) * width
            axes.bar(np.arange(len(names)) + offset, result.classes[key], width, label=result.policy)
        axes.set_xticks(range(len(names)), names)
        axes.set_yscale("log")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        yield f"slowdown-{key.replace('_', '-')}", figure


def _blank(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  an optional library
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedError("plots", texts.MISSING.format(name="matplotlib"), texts.MISSING_HINT) from error
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=across, ylabel=up)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
