"""``suanlid replay`` as a person runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOG = "; MaxProcs: 4\n" + "\n".join(
    f"{number} {number} -1 {run} {processors} -1 -1 {processors} {run} -1 1 1 1 -1 -1 -1 -1 -1"
    for number, (run, processors) in enumerate([(10, 2), (5, 4), (8, 2), (9, 2)], 1)
)


def suanlid(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "suanli.wiring.main", "replay", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_it_compares_policies_and_writes_tables_plots_and_a_page(tmp_path: Path) -> None:
    log = tmp_path / "small.swf"
    log.write_text(LOG, encoding="utf-8")
    done = suanlid(str(log), "--policy", "fcfs", "--policy", "easy", "--out", str(tmp_path / "out"), "--processes", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["policy", "fcfs", "easy"]
    assert (tmp_path / "out" / "report.html").stat().st_size > 1000
    assert sorted(path.name for path in (tmp_path / "out" / "easy").iterdir()) == ["intervals.parquet", "jobs.parquet"]
    assert (tmp_path / "out" / "wait-distribution.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_it_says_what_is_wrong(tmp_path: Path) -> None:
    log = tmp_path / "small.swf"
    log.write_text(LOG, encoding="utf-8")
    unknown = suanlid(str(log), "--policy", "alphabetical")
    assert unknown.returncode == 1
    assert "alphabetical" in unknown.stderr
    assert "easy" in unknown.stderr
    absent = suanlid(str(tmp_path / "absent.swf"))
    assert absent.returncode == 1
    assert "absent.swf" in absent.stderr
    damaged = tmp_path / "damaged.swf"
    damaged.write_text("1 2 three\n", encoding="utf-8")
    assert "line 1" in suanlid(str(damaged)).stderr
