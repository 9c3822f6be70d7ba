"""The report as one page that needs no network: the table of figures, and the plots inside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from suanli.adapters.reports import texts
from suanli.adapters.reports.results import Report

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 2rem } th, td { padding: .35rem .9rem; border-bottom: 1px solid #ddd }
th { text-align: left } td, thead th + th { text-align: right; font-variant-numeric: tabular-nums }
img { max-width: 100%; display: block; margin: 1.5rem 0 }
"""


def write_page(report: Report, plots: Sequence[Path], path: Path) -> None:
    """Write the page; the plots are files made by ``plots.write_plots``."""
    words = texts.LANGUAGES[report.language]
    heads = "".join(f"<th>{escape(result.policy)}</th>" for result in report.results)
    rows = "".join(_row(report, key, label) for key, label in words.figures.items() if key in report.results[0].figures)
    images = "".join(
        f'<img alt="{escape(plot.stem)}" src="data:image/png;base64,{base64.b64encode(plot.read_bytes()).decode()}">'
        for plot in plots
    )
    title = escape(report.title)
    path.write_text(
        f'<!doctype html><html lang="{report.language}"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style>"
        f"<h1>{title}</h1><table><thead><tr><th>{words.policy}</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"{images}</html>\n",
        encoding="utf-8",
    )


def _row(report: Report, key: str, label: texts.Label) -> str:
    cells = "".join(f"<td>{_number(result.figures[key], label.factor)}</td>" for result in report.results)
    return f"<tr><th>{escape(str(label))}</th>{cells}</tr>"


def _number(figure: float, factor: float) -> str:
    """A count without decimals, anything else with three."""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure * factor:,.3f}"
