"""Gavel's traces and throughputs: each column that is read, and each way in which either may be damaged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.replay.formats.gavel import is_gavel, read_gavel, read_throughputs
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError

SECOND = 1_000_000
RATES = {
    "v100": {("ResNet", 1): 10.0, ("ResNet", 2): 16.0, ("LM", 1): 0.5, ("Broken", 1): 0.0},
    "k80": {("ResNet", 1): 2.0, ("ResNet", 2): 3.0, ("LM", 1): 0.1},
}


def line(job: str = "ResNet", steps: object = 100, scale: object = 1, arrival: object = 0) -> str:
    return f"{job}\tpython3 main.py\tfolder\t-n\t1\t{steps}\t{scale}\t1\t-1.000000\t{arrival}"


def read(*lines: str, model: str = "v100") -> Trace:
    return read_gavel("\n".join(lines), RATES, model)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param(line(), True, id="a job"),
        pytest.param(line(steps="x"), False, id="steps that are no number"),
        pytest.param(line(steps=-1), False, id="steps below none"),
        pytest.param(line() + "\t", False, id="a column more"),
        pytest.param(line().rpartition("\t")[0], False, id="a column less"),
        pytest.param(line().replace("\t", " "), False, id="blanks for tabs"),
        pytest.param("", False, id="nothing"),
        pytest.param("1 0 -1 60 1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1", False, id="the standard format"),
    ],
)
def test_a_line_of_the_format_is_told_from_others(text: str, answer: bool) -> None:
    assert is_gavel(text) is answer


@pytest.mark.parametrize(
    ("written", "model", "seconds"),
    [
        pytest.param(line(steps=100), "v100", 10, id="steps over the rate"),
        pytest.param(line(steps=100), "k80", 50, id="of the model named"),
        pytest.param(line(steps=160, scale=2), "v100", 10, id="and of the scale factor"),
        pytest.param(line(job="LM", steps=1), "v100", 2, id="and of the job type"),
        pytest.param(line(steps=1), "v100", 0.1, id="a tenth of a second"),
    ],
)
def test_steps_become_a_run_time_and_the_limit(written: str, model: str, seconds: float) -> None:
    trace = read(written, model=model)
    assert trace.runtime_us.tolist() == trace.requested_us.tolist() == [round(seconds * SECOND)]


def test_a_run_that_takes_no_time_takes_a_microsecond() -> None:
    rates = {"v100": {("Quick", 1): 1e12}}
    assert read_gavel(line(job="Quick", steps=1), rates, "v100").runtime_us.tolist() == [1]


@pytest.mark.parametrize(("scale", "tasks"), [(1, 1), (2, 2)])
def test_a_scale_factor_is_so_many_tasks_of_a_cpu_and_a_device_of_any_model(scale: int, tasks: int) -> None:
    trace = read(line(scale=scale))
    assert trace.tasks.tolist() == [tasks]
    assert (trace.cpu_milli.tolist(), trace.device_count.tolist()) == ([1000], [1])
    assert (trace.device_share.tolist(), trace.device_models.tolist(), trace.models) == ([1000], [0], ())


@pytest.mark.parametrize(("arrival", "micros"), [("0", 0), ("1.5", 1_500_000), ("1e2", 10**8), ("0.0000004", 0)])
def test_arrivals_are_seconds_with_fractions(arrival: str, micros: int) -> None:
    assert read(line(arrival=arrival)).submitted_us.tolist() == [micros]


def test_job_types_are_applications_and_lines_are_numbers() -> None:
    trace = read(line(arrival=9), line(job="LM", arrival=3), line(arrival=3))
    assert trace.number.tolist() == [1, 2, 0]
    assert [trace.applications[code] for code in trace.application.tolist()] == ["LM", "ResNet", "ResNet"]


def test_empty_lines_are_passed_over_but_counted_in_what_is_said() -> None:
    assert read("", line(), "", line(), "").number.tolist() == [0, 1]
    with pytest.raises(InvalidRequestError) as caught:
        read("", line(), "", "a\tb")
    assert caught.value.field == "lines.4"


def test_nothing_is_an_empty_trace() -> None:
    assert len(read_gavel("", RATES, "v100")) == 0


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param("a\tb", "2 columns, not 10", id="too few columns"),
        pytest.param(line() + "\t", "11 columns, not 10", id="too many columns"),
        pytest.param(line(steps="x"), "invalid literal for int() with base 10: 'x'", id="steps that are a word"),
        pytest.param(line(steps="1.5"), "invalid literal for int() with base 10: '1.5'", id="part of a step"),
        pytest.param(line(steps=0), "0 steps are no work", id="no steps"),
        pytest.param(line(steps=-5), "-5 steps are no work", id="fewer than no steps"),
        pytest.param(
            line(scale="x"), "invalid literal for int() with base 10: 'x'", id="a scale factor that is a word"
        ),
        pytest.param(line(arrival="x"), "could not convert string to float: 'x'", id="an arrival that is a word"),
        pytest.param(line(arrival="nan"), "cannot convert float NaN to integer", id="an arrival that is no number"),
        pytest.param(line(arrival="inf"), "cannot convert float infinity to integer", id="an arrival that never is"),
        pytest.param(line(job="GPT"), "no rate is known of GPT on 1 devices", id="a job type that was not measured"),
        pytest.param(line(scale=4), "no rate is known of ResNet on 4 devices", id="a scale that was not measured"),
        pytest.param(
            line(job="Broken"), "no rate is known of Broken on 1 devices", id="a job that makes no steps there"
        ),
    ],
)
def test_a_damaged_line_is_named_with_what_is_wrong(damage: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(line(), damage, line())
    assert caught.value.field == "lines.2"
    assert caught.value.detail == f"line 2: {said}"


def test_steps_beyond_all_measure_are_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(line(steps=10**30))
    assert caught.value.field == "runtime_us.0"


def test_a_model_that_was_not_measured_is_named_with_those_that_were() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(line(), model="h100")
    assert (caught.value.field, caught.value.detail) == ("model", "nothing was measured on 'h100'")
    assert caught.value.hint == "one of v100, k80"


def test_throughputs_are_those_of_jobs_alone() -> None:
    document = {
        "v100": {
            "('ResNet-18 (batch size 64)', 1)": {"null": 12.5, "('LM', 1)": [3.0, 4.0]},
            "('LM', 2)": {"null": 3},
        },
        "k80": {},
    }
    assert read_throughputs(document) == {
        "v100": {("ResNet-18 (batch size 64)", 1): 12.5, ("LM", 2): 3.0},
        "k80": {},
    }


def test_a_rate_of_nothing_is_a_rate_and_its_jobs_cannot_run_there() -> None:
    rates = read_throughputs({"v100": {"('LM', 1)": {"null": 0.0}}})
    with pytest.raises(InvalidRequestError, match="no rate is known of LM"):
        read_gavel(line(job="LM"), rates, "v100")


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        pytest.param([], "throughputs", "not a mapping from device models to rates", id="a list"),
        pytest.param(None, "throughputs", "not a mapping from device models to rates", id="nothing"),
        pytest.param("v100", "throughputs", "not a mapping from device models to rates", id="a word"),
        pytest.param(
            {"v100": 5},
            "throughputs.v100",
            "not a mapping from (job type, scale factor) to rates",
            id="a number a model",
        ),
        pytest.param(
            {"k80": {}, "v100": []},
            "throughputs.v100",
            "not a mapping from (job type, scale factor) to rates",
            id="a list a model",
        ),
    ],
)
def test_a_document_of_another_shape_names_the_place(document: object, field: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_throughputs(document)
    assert (caught.value.field, caught.value.detail) == (field, said)


@pytest.mark.parametrize(
    ("key", "rates", "said"),
    [
        pytest.param("(", {"null": 1}, "not the rate of (job type, scale factor)", id="a key that nothing closes"),
        pytest.param("ResNet", {"null": 1}, "not the rate of (job type, scale factor)", id="a key that is a word"),
        pytest.param("('A',)", {"null": 1}, "not the rate of (job type, scale factor)", id="a key without scale"),
        pytest.param("('A', 1, 2)", {"null": 1}, "not the rate of (job type, scale factor)", id="a key of three"),
        pytest.param(
            "('A', 'x')", {"null": 1}, "not the rate of (job type, scale factor)", id="a scale that is a word"
        ),
        pytest.param(
            "('A', None)", {"null": 1}, "not the rate of (job type, scale factor)", id="a scale that is nothing"
        ),
        pytest.param("7", {"null": 1}, "not the rate of (job type, scale factor)", id="a key that is a number"),
        pytest.param("('A', 1)", {}, "not the rate of (job type, scale factor)", id="no rate alone"),
        pytest.param("('A', 1)", {"null": "x"}, "not the rate of (job type, scale factor)", id="a rate that is a word"),
        pytest.param(
            "('A', 1)", {"null": None}, "not the rate of (job type, scale factor)", id="a rate that is nothing"
        ),
        pytest.param("('A', 1)", [1.0], "not the rate of (job type, scale factor)", id="rates that are a list"),
        pytest.param("('A', 1)", 1.0, "not the rate of (job type, scale factor)", id="rates that are a number"),
        pytest.param("('A', 1)", {"null": -1}, "-1.0 is no rate", id="a rate below none"),
        pytest.param("('A', 1)", {"null": float("nan")}, "nan is no rate", id="a rate that is no number"),
        pytest.param("('A', 1)", {"null": float("inf")}, "inf is no rate", id="a rate without end"),
    ],
)
def test_a_damaged_rate_is_named(key: str, rates: object, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_throughputs({"k80": {}, "v100": {"('B', 1)": {"null": 1}, key: rates}})
    assert (caught.value.field, caught.value.detail) == (f"throughputs.v100.{key}", said)


JOBS = st.tuples(
    st.sampled_from([("ResNet", 1), ("ResNet", 2), ("LM", 1)]), st.integers(1, 10**7), st.integers(0, 10**6)
)


@given(st.lists(JOBS, max_size=20), st.sampled_from(["v100", "k80"]))
def test_any_trace_reads_as_a_plain_reader_reads_it(jobs: list[tuple[tuple[str, int], int, int]], model: str) -> None:
    rates: Mapping[tuple[str, int], float] = RATES[model]
    trace = read_gavel(
        "\n".join(line(kind, steps, scale, arrival) for (kind, scale), steps, arrival in jobs), RATES, model
    )
    in_order = sorted(range(len(jobs)), key=lambda place: (jobs[place][2], place))
    assert trace.number.tolist() == in_order
    assert trace.tasks.tolist() == [jobs[place][0][1] for place in in_order]
    assert trace.runtime_us.tolist() == [max(1, round(jobs[p][1] / rates[jobs[p][0]] * SECOND)) for p in in_order]
