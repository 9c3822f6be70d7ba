"""The grammar of devices and work: what a word means, and that what is told is the word again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.devices import Interconnect
from suanli_cli.devices import (
    DEVICE_CLASSES,
    INTERCONNECTS,
    PRECISIONS,
    GrammarError,
    format_device,
    format_operations,
    parse_device,
    parse_operations,
    parse_work,
)


@pytest.mark.parametrize(
    ("word", "request_"),
    [
        ("gpu", {"class": "gpu"}),
        ("gpu:2", {"class": "gpu", "count": 2}),
        ("gpu:0.5", {"class": "gpu", "share": 0.5}),
        ("gpu:.25", {"class": "gpu", "share": 0.25}),
        ("gpu:A100:2", {"class": "gpu", "model": "A100", "count": 2}),
        ("npu:910B:8", {"class": "npu", "model": "910B", "count": 8}),
        ("gpu:A100|H800", {"class": "gpu", "model": "A100|H800"}),
        ("gpu:1g.10gb", {"class": "gpu", "partition": "1g.10gb"}),
        ("gpu:A100:1g.10gb", {"class": "gpu", "model": "A100", "partition": "1g.10gb"}),
        ("gpu:A100:1g.10gb:2", {"class": "gpu", "model": "A100", "partition": "1g.10gb", "count": 2}),
        ("gpu:mem>=9GB:3g.40gb", {"class": "gpu", "min_memory": "9GB", "partition": "3g.40gb"}),
        ("npu:310P3:vir02", {"class": "npu", "model": "310P3", "partition": "vir02"}),
        ("npu:vir05_1c_16g:4", {"class": "npu", "partition": "vir05_1c_16g", "count": 4}),
        # What only begins as a partition does is a model.
        ("gpu:1g.10", {"class": "gpu", "model": "1g.10"}),
        ("any:fp64:4", {"class": "any", "precision": "fp64", "count": 4}),
        ("gpu:link:4", {"class": "gpu", "interconnect": "link", "count": 4}),
        ("fpga:bitstream=vadd", {"class": "fpga", "bitstream": "vadd"}),
        ("fpga:U280,bitstream=vadd-2.1:2", {"class": "fpga", "model": "U280", "bitstream": "vadd-2.1", "count": 2}),
        ("gpu:A100,link:4", {"class": "gpu", "model": "A100", "interconnect": "link", "count": 4}),
        (
            "npu:host,910B,bf16:2",
            {"class": "npu", "interconnect": "host", "model": "910B", "precision": "bf16", "count": 2},
        ),
        (
            "any:bf16>=300TF,mem>=64GB:4",
            {"class": "any", "precision": "bf16", "at_least": 3e14, "min_memory": "64GB", "count": 4},
        ),
        (
            "gpu:mem>=40GiB,910B1..910B3,int8>=1.5P:0.5",
            {"class": "gpu", "min_memory": "40GiB", "model": "910B1..910B3", "precision": "int8", "at_least": 1.5e15}
            | {"share": 0.5},
        ),
    ],
)
def test_what_a_word_means(word: str, request_: dict[str, Any]) -> None:
    assert parse_device(word) == request_


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("", ""),
        ("tpu", "tpu"),
        ("cpu:1", "cpu"),
        ("gpu:", ""),
        ("gpu:A100:H100:1", "A100:H100"),
        ("gpu:1g.10gb:A100", "1g.10gb:A100"),
        ("gpu:A100:1g.10gb:2:3", "A100:1g.10gb:2"),
        ("gpu:A100,:1", ""),
        ("gpu:A100,H100", "H100"),
        ("any:>=3T", ">=3T"),
        ("any:mem>=", "mem>="),
        ("any:cpu>=3", "cpu>=3"),
        ("any:bf16>=0", "0"),
        ("any:bf16>=fast", "fast"),
        ("any:bf16>=3T,fp8", "fp8"),
        ("gpu:link,node:2", "node"),
        ("gpu:link>=2", "link>=2"),
        ("fpga:bitstream=a,bitstream=b", "bitstream=b"),
    ],
)
def test_what_cannot_be_read_is_named(word: str, part: str) -> None:
    with pytest.raises(GrammarError) as raised:
        parse_device(word)
    assert str(raised.value) == part


whole: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    **{
        "class": st.sampled_from(DEVICE_CLASSES),
        "model": st.sampled_from(["", "A100", "A100|H800", "910B1..910B3"]),
        "min_memory": st.sampled_from([0, 1000, 1024, 64 * 10**9, 40 * 2**30, 2**44, 12345]),
        "precision": st.sampled_from(PRECISIONS),
        "interconnect": st.sampled_from([None, *INTERCONNECTS]),
        "bitstream": st.sampled_from(["", "vadd", "aes-gcm_2.1"]),
        "at_least": st.sampled_from([0, 1e9, 3e14, 19.5e12, 7.834e12, 999e12, 1e18]),
        "count": st.integers(1, 1024),
        "share": st.just(1.0),
    },
)


@given(request_=whole, has_precision=st.booleans())
def test_what_the_server_tells_is_the_word_that_asks_for_it(request_: dict[str, Any], has_precision: bool) -> None:
    if not has_precision:
        request_ = request_ | {"precision": None, "at_least": 0}
    again = parse_device(format_device(request_))
    told = {name: value for name, value in request_.items() if value and name not in {"share", "min_memory"}}
    assert {name: value for name, value in again.items() if name != "min_memory"} == told
    assert format_device(again) == format_device(request_)
    assert ("min_memory" in again) == bool(request_["min_memory"])


@pytest.mark.parametrize(
    "word",
    [
        "gpu:A100:2",
        "npu:910B:8",
        "any:bf16>=300TF,mem>=64GB:4",
        "gpu:0.5",
        "fpga:1",
        "gpu:A100:1g.10gb:2",
        "npu:vir02_1c:1",
        "gpu:A100,link:4",
        "fpga:U280,bitstream=vadd:2",
    ],
)
def test_a_word_is_told_in_the_form_in_which_it_was_written(word: str) -> None:
    assert format_device(parse_device(word)) == word


def test_a_share_is_told_as_one() -> None:
    assert format_device({"class": "gpu", "count": 1, "share": 0.375, "model": "T4"}) == "gpu:T4:0.375"


@pytest.mark.parametrize(
    ("word", "work"),
    [("bf16=3.2e18", ("bf16", 3.2e18)), ("fp64=40P", ("fp64", 4e16)), ("int8=250TOPS", ("int8", 2.5e14))],
)
def test_work_is_a_precision_and_operations(word: str, work: tuple[str, float]) -> None:
    assert parse_work(word) == work


@pytest.mark.parametrize("word", ["", "bf16", "bf16=", "=3e9", "fp17=3e9", "bf16=0", "bf16=-1", "bf16=3e9x"])
def test_what_is_no_work_is_refused(word: str) -> None:
    with pytest.raises(GrammarError):
        parse_work(word)


@given(amount=st.integers(1, 999_999), scale=st.sampled_from([1, 10**3, 10**9, 10**12, 10**15]))
def test_operations_are_read_as_they_are_written(amount: int, scale: int) -> None:
    operations = float(amount * scale)
    assert parse_operations(format_operations(operations)) == pytest.approx(operations, rel=1e-12)


def test_the_words_are_those_of_the_server() -> None:
    assert list(INTERCONNECTS) == [word.value for word in Interconnect]
