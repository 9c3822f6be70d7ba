"""Results as Parquet: one file of jobs and one of intervals for each policy."""

from __future__ import annotations

from pathlib import Path

from suanli.adapters.reports import texts
from suanli.adapters.reports.results import Columns, PolicyResult
from suanli.model.errors import UnsupportedError


def write_parquet(result: PolicyResult, folder: Path) -> tuple[Path, Path]:
    """Write ``jobs.parquet`` and ``intervals.parquet`` into the folder, made where missing; return their paths.

    Raises:
        UnsupportedError: pyarrow is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs, intervals = folder / "jobs.parquet", folder / "intervals.parquet"
    _write(result.jobs, jobs)
    _write(result.intervals, intervals)
    return jobs, intervals


def _write(columns: Columns, path: Path) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415  an optional library
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedError("parquet", texts.MISSING.format(name="pyarrow"), texts.MISSING_HINT) from error
    parquet.write_table(pa.table(dict(columns)), path, compression="zstd")
