"""Altered copies: equal to those that the standard library makes, and the original stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.altered import altered
from suanli.model.ids import ProjectName
from suanli.model.spec import Kind, WorkloadSpec

specs = st.builds(
    WorkloadSpec,
    name=st.text(max_size=8),
    kind=st.sampled_from(Kind),
    command=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    environment=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    preemptible=st.booleans(),
)


@given(spec=specs, project=st.text(max_size=5), limit=st.integers())
def test_a_copy_is_that_of_the_standard_library(spec: WorkloadSpec, project: str, limit: int) -> None:
    before = replace(spec)
    copy = altered(spec, project=ProjectName(project), time_limit_s=limit)
    assert copy == replace(spec, project=ProjectName(project), time_limit_s=limit)
    assert spec == before


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        altered(WorkloadSpec(), colour="red")
