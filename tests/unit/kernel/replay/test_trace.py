"""A trace: what its columns may hold, the order of its rows, and what is filled in where a source does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.trace import MAX_MODELS, Column, Trace, coded, make_trace
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError

INT32_MOST = 2**31 - 1
TIMES: dict[Any, Any] = {"number": [0], "submitted_us": [0], "runtime_us": [1], "requested_us": [1]}


def one(models: Any = (), names: Any = None, **columns: object) -> Trace:
    """A trace of one job, unknown but for ``columns``."""
    return make_trace(TIMES | {name: [value] for name, value in columns.items()}, models=models, names=names)


def several(**columns: Sequence[int]) -> Trace:
    """A trace of as many jobs as a column has."""
    count = len(next(iter(columns.values())))
    plain: dict[Any, Any] = {
        "number": range(count),
        "submitted_us": [0] * count,
        "runtime_us": [1] * count,
        "requested_us": [1] * count,
    }
    return make_trace(plain | columns)


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("tasks", 1, np.int32),
        ("cpu_milli", 1000, np.int64),
        ("memory_bytes", 0, np.int64),
        ("device_count", 0, np.int32),
        ("device_share", 1000, np.int32),
        ("device_models", 0, np.uint64),
        ("user", 0, np.int32),
        ("project", 0, np.int32),
        ("application", 0, np.int32),
        ("queue", 0, np.int32),
    ],
)
def test_what_is_not_said_is_what_means_unknown(column: str, value: int, kind: type[np.generic]) -> None:
    filled = getattr(one(), column)
    assert filled.tolist() == [value]
    assert filled.dtype == kind


def test_names_not_said_are_one_empty_name() -> None:
    trace = one()
    assert (trace.users, trace.projects, trace.applications, trace.queues) == (("",), ("",), ("",), ("",))
    assert one(names={"users": []}).users == ("",)
    assert (trace.models, trace.dropped) == ((), 0)


@pytest.mark.parametrize(
    ("column", "least"),
    [
        ("runtime_us", 1),
        ("requested_us", 1),
        ("tasks", 1),
        ("cpu_milli", 0),
        ("memory_bytes", 0),
        ("device_count", 0),
        ("device_share", 1),
    ],
)
def test_the_least_of_each_amount(column: str, least: int) -> None:
    assert getattr(one(**{column: least}), column).tolist() == [least]
    with pytest.raises(InvalidRequestError) as caught:
        one(**{column: least - 1})
    assert caught.value.field == f"{column}.0"
    assert caught.value.detail.startswith(f"{least - 1} does not lie in {least}..")


@pytest.mark.parametrize(
    ("column", "most"),
    [
        ("runtime_us", NEVER),
        ("requested_us", NEVER),
        ("device_share", 1000),
        ("tasks", INT32_MOST),
        ("device_count", INT32_MOST),
        ("cpu_milli", 2**63 - 1),
        ("memory_bytes", 2**63 - 1),
        ("number", 2**63 - 1),
        ("submitted_us", 2**63 - 1),
    ],
)
def test_the_most_of_each_amount(column: str, most: int) -> None:
    assert getattr(one(**{column: most}), column).tolist() == [most]
    for beyond in (most + 1, 2**70):
        with pytest.raises(InvalidRequestError) as caught:
            one(**{column: beyond})
        assert caught.value.field == f"{column}.0"
        assert caught.value.detail.endswith(f"..{most}") or beyond > 2**63


@pytest.mark.parametrize("column", ["tasks", "device_count", "user", "queue"])
def test_a_wide_column_is_not_wrapped_into_a_narrow_one(column: Any) -> None:
    wide = {**TIMES, column: np.array([2**32 + 1], dtype=np.int64)}
    with pytest.raises(InvalidRequestError) as caught:
        make_trace(wide)
    assert caught.value.field == f"{column}.0"


def test_the_first_row_that_is_wrong_is_named_by_its_place_in_order() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        several(submitted_us=[5, 9, 1], tasks=[1, 0, 0])
    # Sorted by submission the third comes first.
    assert caught.value.field == "tasks.0"


@pytest.mark.parametrize(
    ("column", "names"),
    [("user", "users"), ("project", "projects"), ("application", "applications"), ("queue", "queues")],
)
def test_a_code_is_a_place_among_the_names(column: str, names: str) -> None:
    known = {names: ("a", "b")}
    assert getattr(one(names=known, **{column: 1}), column).tolist() == [1]
    for wrong in (-1, 2):
        with pytest.raises(InvalidRequestError) as caught:
            one(names=known, **{column: wrong})
        assert caught.value.field == f"{column}.0"
        assert caught.value.detail == f"{wrong} does not lie in 0..1"


@pytest.mark.parametrize(
    ("models", "mask"),
    [
        pytest.param((), 0, id="no models, no bits"),
        pytest.param(("a",), 0, id="any of one"),
        pytest.param(("a",), 1, id="the one"),
        pytest.param(("a", "b"), 3, id="either of two"),
        pytest.param(tuple(map(str, range(MAX_MODELS))), 2**64 - 1, id="all of as many as there may be"),
    ],
)
def test_masks_of_models(models: tuple[str, ...], mask: int) -> None:
    assert one(models=models, device_models=mask).device_models.tolist() == [mask]


@pytest.mark.parametrize(("models", "mask"), [((), 1), (("a",), 2), (("a", "b"), 4), (("a",), 2**63)])
def test_a_bit_must_name_a_model(models: tuple[str, ...], mask: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        one(models=models, device_models=mask)
    assert (caught.value.field, caught.value.detail) == ("device_models.0", "a bit names no model")


def test_more_models_than_bits_are_refused() -> None:
    models = tuple(map(str, range(MAX_MODELS + 1)))
    with pytest.raises(InvalidRequestError, match="65 device models; a mask holds 64") as caught:
        one(models=models)
    assert caught.value.field == "models"
    with pytest.raises(InvalidRequestError, match="65 device models; a mask holds 64"):
        replace(one(), models=models)


@pytest.mark.parametrize(
    ("submitted", "numbers", "field"),
    [
        pytest.param([2, 1], [0, 1], "number.1", id="a later submission before an earlier"),
        pytest.param([1, 1], [1, 0], "number.1", id="equal submissions against their numbers"),
        pytest.param([1, 1], [3, 3], "number.1", id="one number twice"),
        pytest.param([0, 1, 1], [7, 5, 5], "number.2", id="later one number twice"),
    ],
)
def test_rows_are_in_the_order_of_submission_and_number(submitted: list[int], numbers: list[int], field: str) -> None:
    sound = several(number=range(len(numbers)))
    with pytest.raises(InvalidRequestError) as caught:
        replace(sound, submitted_us=np.array(submitted), number=np.array(numbers))
    assert caught.value.field == field


def test_a_number_may_be_there_again_at_another_instant() -> None:
    assert several(submitted_us=[0, 1], number=[4, 4]).number.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("tasks", np.array([1], dtype=np.int64), id="wider than it should be"),
        pytest.param("cpu_milli", np.array([1], dtype=np.int32), id="narrower than it should be"),
        pytest.param("runtime_us", np.array([1.0]), id="fractions"),
        pytest.param("user", np.array([0, 0], dtype=np.int32), id="a row more"),
        pytest.param("queue", np.array([], dtype=np.int32), id="a row less"),
        pytest.param("memory_bytes", np.array([[0]]), id="a table for a column"),
    ],
)
def test_a_column_has_its_type_and_its_length(column: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        replace(one(), **{column: value})
    assert caught.value.field == column
    assert caught.value.detail.startswith(f"{column} has shape {value.shape} of {value.dtype}, not 1 of")


def test_sums_over_the_gang() -> None:
    trace = several(tasks=[1, 3, 2], cpu_milli=[500, 1500, 0], device_count=[0, 2, 4], device_share=[1000, 1000, 250])
    assert trace.cpu_milli_total.tolist() == [500, 4500, 0]
    assert trace.devices_total.tolist() == [0, 6000, 2000]


def test_sums_over_a_large_gang_do_not_wrap() -> None:
    trace = one(tasks=2**20, device_count=2**20, device_share=1000)
    assert trace.devices_total.tolist() == [1000 * 2**40]


def test_a_length_is_the_number_of_jobs() -> None:
    assert len(one()) == 1
    assert len(make_trace({"number": [], "submitted_us": [], "runtime_us": [], "requested_us": []})) == 0


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        pytest.param(slice(None), [0, 1, 2, 3], id="all"),
        pytest.param(slice(1, 3), [1, 2], id="a stretch"),
        pytest.param(slice(0, 0), [], id="none"),
        pytest.param(slice(None, None, 2), [0, 2], id="every second"),
        pytest.param(np.array([0, 3]), [0, 3], id="by place"),
        pytest.param(np.array([True, False, True, False]), [0, 2], id="by flag"),
    ],
)
def test_some_rows_keep_names_and_what_was_dropped(rows: Any, left: list[int]) -> None:
    trace = make_trace(
        {**TIMES, "number": [0, 1, 2, 3], "submitted_us": [0] * 4, "runtime_us": [1, 2, 3, 4], "requested_us": [9] * 4}
        | {"user": [0, 1, 0, 1]},
        names={"users": ["ann", "bob"]},
        dropped=5,
    )
    some = trace.select(rows)
    assert some.number.tolist() == left
    assert some.runtime_us.tolist() == [row + 1 for row in left]
    assert some.user.tolist() == [row % 2 for row in left]
    assert (some.users, some.dropped) == (("ann", "bob"), 5)


def test_rows_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="not in the order"):
        several(number=[0, 1, 2]).select(np.array([2, 0]))


@pytest.mark.parametrize(
    ("values", "codes", "names"),
    [
        pytest.param([], [], (), id="nothing"),
        pytest.param(["a"], [0], ("a",), id="one"),
        pytest.param(["b", "a", "b"], [0, 1, 0], ("b", "a"), id="by first appearance"),
        pytest.param(["", "a"], [0, 1], ("", "a"), id="the empty name is a name"),
    ],
)
def test_names_as_places(values: list[str], codes: list[int], names: tuple[str, ...]) -> None:
    found, of = coded(values)
    assert (found.tolist(), of, found.dtype) == (codes, names, np.dtype(np.int32))


@given(st.lists(st.sampled_from(["", "a", "b", "ab", "ba"])))
def test_places_lead_back_to_the_names(values: list[str]) -> None:
    codes, names = coded(iter(values))
    assert [names[code] for code in codes.tolist()] == values
    assert len(set(names)) == len(names)


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 99), st.integers(1, 9), st.integers(0, 2)), max_size=20
).map(lambda rows: [(number, *row) for number, row in enumerate(rows)])


@given(ROWS, st.randoms(use_true_random=False))
def test_rows_in_any_order_make_the_same_trace(rows: list[tuple[int, ...]], chance: Any) -> None:
    def made(some: list[tuple[int, ...]]) -> list[list[int]]:
        columns = [[row[place] for row in some] for place in range(5)]
        names: list[Column] = ["number", "submitted_us", "runtime_us", "tasks", "user"]
        trace = make_trace(
            {**dict(zip(names, columns, strict=True)), "requested_us": columns[2]}, names={"users": ["a", "b", "c"]}
        )
        return [getattr(trace, name).tolist() for name in names]

    shuffled = list(rows)
    chance.shuffle(shuffled)
    in_order = sorted(rows, key=lambda row: (row[1], row[0]))
    assert made(shuffled) == made(rows) == [[row[place] for row in in_order] for place in range(5)]
