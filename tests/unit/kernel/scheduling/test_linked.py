"""The kernel as a linked library decides as the one that numba runs, and refuses what it would misread."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from suanli.kernel.scheduling.core.linked import Library, symbol
from suanli.kernel.scheduling.core.tables import Ints
from suanli.wiring.compiled import LIBRARY, keep_compiled
from suanli.wiring.linking import c_compiler
from tests.unit.kernel.scheduling.linked_lives import lived

SEEDS = (3, 24, 37, 131)

WORDS_IN_C = """
#include <stdint.h>

int64_t weigh(int64_t *words) __asm__("{weigh}");
int64_t split(int64_t *words) __asm__("{split}");
int64_t fail(int64_t *words) __asm__("{fail}");

/* A named tuple of an array [n, m] and a truth value, then a pair of numbers, then an array [n]. */
int64_t weigh(int64_t *words)
{{
    int64_t *of = (int64_t *)words[0], *wide = (int64_t *)of[0], *narrow = (int64_t *)words[3], sum = 0;
    for (int64_t row = 0; row < of[1]; row++)
        for (int64_t column = 0; column < of[2]; column++)
            sum += wide[row * (of[3] / 8) + column * (of[4] / 8)];
    for (int64_t row = 0; row < words[4]; row++)
        sum += narrow[row * (words[5] / 8)];
    words[0] = (of[5] ? 1 : -1) * sum + 1000 * words[1] + 100000 * words[2];
    return 1;
}}

int64_t split(int64_t *words)
{{
    words[1] = words[0] % 10;
    words[0] /= 10;
    return 1;
}}

int64_t fail(int64_t *words)
{{
    (void)words;
    return 0;
}}
"""


class Table(NamedTuple):
    rows: Ints
    added: bool


class Digits(NamedTuple):
    tens: int
    ones: int


def weigh(table: Table, pair: tuple[int, int], more: Ints) -> int:
    raise NotImplementedError


def split(number: int) -> Digits:
    raise NotImplementedError


def fail(number: int) -> bool:
    raise NotImplementedError


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    compiler = c_compiler()
    if not compiler:
        pytest.skip("there is no C compiler here")
    source = tmp_path_factory.mktemp("linked") / "words.c"
    names: dict[str, Callable[..., object]] = {"weigh": weigh, "split": split, "fail": fail}
    source.write_text(WORDS_IN_C.format(**{name: symbol(function) for name, function in names.items()}))
    made = source.with_suffix(".so")
    subprocess.run([*compiler, "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return Library(str(made))


def test_values_arrive_and_results_come_back(library: Library) -> None:
    rows, more = np.arange(6, dtype=np.int64).reshape(2, 3), np.array([10, 20], dtype=np.int64)
    called = library.entry(weigh)
    assert called(Table(rows, added=True), (3, 2), more) == 15 + 30 + 3_000 + 200_000
    assert called(Table(rows, added=False), (3, 2), more[:1]) == -(15 + 10) + 3_000 + 200_000
    assert library.entry(split)(42) == Digits(4, 2)


def test_a_table_is_read_anew_when_it_is_another(library: Library) -> None:
    called, none = library.entry(weigh), np.zeros(0, dtype=np.int64)
    tables = [Table(np.full((1, 1), value, dtype=np.int64), added=True) for value in (1, 2)]
    assert [called(table, (0, 0), none) for table in (*tables, *tables)] == [1, 2, 1, 2]
    tables[0].rows[:] = 7
    assert called(tables[0], (0, 0), none) == 7


def test_memory_that_ran_out_is_an_error(library: Library) -> None:
    with pytest.raises(MemoryError, match="fail"):
        library.entry(fail)(1)


def test_what_it_would_misread_is_refused(library: Library) -> None:
    rows = np.zeros((2, 3), dtype=np.int64)
    with pytest.raises(TypeError, match="one after the other"):
        library.entry(weigh)(Table(rows.T, added=True), (0, 0), rows[0])
    with pytest.raises(TypeError, match="by position"):
        library.entry(split)(number=42)


@pytest.mark.slow
def test_the_linked_kernel_decides_as_the_compiled_one_does() -> None:
    library = keep_compiled() / LIBRARY
    if not library.exists():
        pytest.skip("the kernel is not linked here; `suanlid compile` does it where there is a C compiler")
    module = "tests.unit.kernel.scheduling.linked_lives"
    command = [sys.executable, "-m", module, str(library), *map(str, SEEDS)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4])
    assert told.stdout.splitlines() == [line for seed in SEEDS for line in lived(seed)]
