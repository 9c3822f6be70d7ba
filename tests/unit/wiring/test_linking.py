"""Which C compiler links the kernel, and what is linked where there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suanli.wiring.linking import c_compiler


def test_the_compiler_is_the_one_that_is_named_or_one_of_the_usual(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "python -m 'zig lang' cc")
    assert c_compiler() == ["python", "-m", "zig lang", "cc"]
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert c_compiler() == []
    for name in ("gcc", "clang"):
        (tmp_path / name).touch(mode=0o755)
    assert c_compiler() == [str(tmp_path / "gcc")]


@pytest.mark.slow
def test_without_a_compiler_there_is_numbas_code_and_a_word_about_it(tmp_path: Path) -> None:
    suanlid = Path(sys.executable).with_name("suanlid")
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"]}
    done = subprocess.run([suanlid, "compile"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no C compiler here" in done.stderr
