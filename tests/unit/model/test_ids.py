"""Names of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.errors import InvalidRequestError
from suanli.model.ids import WorkloadId, parse_run_id, run_id


@given(st.integers(1, 10**18 - 1).map(WorkloadId), st.integers(1, 10**9 - 1))
def test_a_run_id_names_workload_and_attempt(workload: WorkloadId, attempt: int) -> None:
    assert parse_run_id(run_id(workload, attempt)) == (workload, attempt)


@pytest.mark.parametrize("text", ["", "1", "1.", ".1", "0.1", "1.0", "01.1", "1.1.1", "1.1\n", "-1.1", "1.٣", "1_1"])
def test_what_is_no_run_id(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_run_id(text)
    assert refused.value.field == "run"
