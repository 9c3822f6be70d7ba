"""Which models a name as asked for means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.device_names import are_meant, parse_names, words_of

words = st.from_regex(r"[A-Z]{1,3}[0-9]{1,4}[A-Z]?", fullmatch=True)
names = st.lists(words, min_size=1, max_size=4).map(" ".join)


@pytest.mark.parametrize(
    ("asked", "meant", "other"),
    [
        ("A100", "A100 SXM4 80GB", "A10"),
        ("A10", "A10", "A100 SXM4 80GB"),
        ("A100-SXM4-80GB", "A100 SXM4 80GB", "A100 SXM4 40GB"),
        ("V100", "V100 PCIe 32GB", "BI-V100"),
        ("A100", "NVIDIA A100-PCIE-40GB", "NVIDIA A10"),
        ("V100-SXM2", "Tesla V100-SXM2-16GB", "Tesla V100-PCIE-16GB"),
        ("BI-V100", "BI-V100", "V100 PCIe 32GB"),
        ("K100_AI", "DCU K100_AI", "DCU Z100"),
        ("a100|h800|910b1", "Ascend 910B1", "Ascend 910B2"),
        ("910B1..910B3", "Ascend 910B3", "Ascend 910B4"),
        ("Ascend 910B", "Ascend 910B (generic)", "Ascend 910C"),
    ],
)
def test_a_name_means_the_models_that_have_its_words(asked: str, meant: str, other: str) -> None:
    assert are_meant(asked, meant)
    assert not are_meant(asked, other)


@given(names, names)
def test_a_whole_name_means_its_model_and_alternatives_mean_no_less(name: str, other: str) -> None:
    assert are_meant(name, name)
    assert are_meant(f"{other}|{name}", name)
    assert are_meant(other, name) == (words_of(other) <= words_of(name))


@given(st.text(alphabet="A", max_size=3), st.integers(0, 900), st.integers(0, 200), st.sampled_from(["", "X"]))
def test_a_range_means_each_name_in_it(stem: str, low: int, count: int, end: str) -> None:
    asked = f"{stem}{low}{end}..{stem}{low + count}{end}"
    assert parse_names(asked) == tuple(words_of(f"{stem}{number}{end}") for number in range(low, low + count + 1))
