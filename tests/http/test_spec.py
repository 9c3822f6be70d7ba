"""The spec as it travels: text forms, and canonical forms that ask for the same."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from suanli.api.schemas.arrays import format_indices, parse_array, parse_indices
from suanli.api.schemas.spec import Alternative, WorkloadSpec
from suanli.model import spec as nouns
from suanli.model.devices import MAX_RATE, DeviceClass, DeviceRequest, Precision
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import ProjectName, QueueName, WorkloadId
from suanli.model.quantities import MAX_MEMORY_BYTES

indices = st.lists(st.integers(0, nouns.MAX_ARRAY_INDEX), min_size=1, max_size=30, unique=True).map(tuple)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}", fullmatch=True)
named = st.builds(
    nouns.Dependency,
    kind=st.sampled_from([kind for kind in nouns.DependencyKind if kind is not nouns.DependencyKind.SINGLETON]),
    workload=st.integers(1, 10**15).map(WorkloadId),
    index=st.none() | st.integers(0, nouns.MAX_ARRAY_INDEX),
)
devices = st.builds(
    DeviceRequest,
    device_class=st.sampled_from(DeviceClass),
    count=st.integers(1, 1024),
    share=st.integers(1, 1000),
    model=st.sampled_from(["", "A100", "A100|H800", "910B1..910B3"]),
    min_memory_bytes=st.integers(0, MAX_MEMORY_BYTES),
    precision=st.none() | st.sampled_from(Precision),
    at_least=st.integers(0, MAX_RATE),
)
work = st.dictionaries(st.sampled_from(Precision), st.integers(1, nouns.MAX_WORK), max_size=2)
singleton = st.just(nouns.Dependency(kind=nouns.DependencyKind.SINGLETON))
resources = st.builds(
    nouns.TaskResources,
    cpu_milli=st.integers(1, 10**9),
    memory_bytes=st.integers(1, MAX_MEMORY_BYTES),
    disk_bytes=st.integers(0, MAX_MEMORY_BYTES),
    devices=st.none() | devices,
)
requests = st.builds(
    nouns.Request,
    tasks=st.integers(1, nouns.MAX_TASKS),
    min_tasks=st.integers(0, nouns.MAX_TASKS),
    resources=resources,
    nodes=st.integers(0, nouns.MAX_TASKS),
    max_tasks_per_node=st.integers(0, nouns.MAX_TASKS),
    exclusive=st.booleans(),
    features=st.frozensets(names, max_size=3),
    work=work,
    time_limit_s=st.integers(0, 10**9),
)
specs = st.builds(
    nouns.WorkloadSpec,
    name=names,
    project=names.map(ProjectName),
    kind=st.sampled_from(nouns.Kind),
    command=st.lists(words, min_size=1, max_size=3).map(tuple),
    script=words,
    tasks=st.integers(1, nouns.MAX_TASKS),
    min_tasks=st.integers(0, nouns.MAX_TASKS),
    resources=resources,
    alternatives=st.lists(requests, max_size=3).map(tuple),
    max_tasks_per_node=st.integers(0, nouns.MAX_TASKS),
    exclusive=st.booleans(),
    features=st.frozensets(names, max_size=3),
    work=work,
    objective=st.none() | st.sampled_from(nouns.Objective),
    time_limit_s=st.integers(0, 10**9),
    queue=names.map(QueueName),
    priority=st.integers(-(10**6), 10**6),
    array=st.none() | st.builds(nouns.ArraySpec, indices=indices, max_running=st.integers(0, 100)),
    dependencies=st.lists(named | singleton, max_size=3).map(tuple),
    environment=st.dictionaries(names, words, max_size=3),
    launcher=st.sampled_from(nouns.Launcher),
    retry=st.builds(
        nouns.RetryPolicy,
        max_attempts=st.integers(1, 1000),
        on=st.frozensets(st.sampled_from(nouns.RetryCause)),
    ),
    labels=st.dictionaries(names, words, max_size=3),
)


@given(specs)
def test_the_canonical_form_asks_for_the_same(spec: nouns.WorkloadSpec) -> None:
    sent = WorkloadSpec.of(spec).model_dump_json(by_alias=True)
    assert WorkloadSpec.model_validate_json(sent).noun() == spec


def test_the_form_has_every_field_of_the_noun() -> None:
    wire = {field.replace("time_limit", "time_limit_s") for field in WorkloadSpec.model_fields}
    assert wire == {field.name for field in dataclasses.fields(nouns.WorkloadSpec)}


def test_an_alternative_has_every_field_of_its_noun() -> None:
    wire = {field.replace("time_limit", "time_limit_s") for field in Alternative.model_fields}
    assert wire == {field.name for field in dataclasses.fields(nouns.Request)}


def test_an_empty_form_is_the_noun_with_its_own_defaults() -> None:
    assert WorkloadSpec.model_validate_json("{}").noun() == nouns.WorkloadSpec()


@given(indices)
def test_indices_are_read_as_they_are_written(listed: tuple[int, ...]) -> None:
    assert parse_indices(format_indices(listed)) == listed


@pytest.mark.parametrize(
    ("text", "listed", "bound"),
    [
        ("0-7", (0, 1, 2, 3, 4, 5, 6, 7), 0),
        ("0-7%4", (0, 1, 2, 3, 4, 5, 6, 7), 4),
        ("1,3,5-9:2", (1, 3, 5, 7, 9), 0),
        ("5", (5,), 0),
    ],
)
def test_array_texts(text: str, listed: tuple[int, ...], bound: int) -> None:
    assert parse_array(text) == (listed, bound)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-2-3", "0-7%", "0-7%0", "0-7%x", "-1", "0-3000000000", "0-1000000"])
def test_what_is_no_array_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_array(text)


@pytest.mark.parametrize(
    ("asked", "resources"),
    [
        ({"cpus": 0.5}, {"cpu_milli": 500}),
        ({"memory": "1.5GiB"}, {"memory_bytes": 3 << 29}),
        ({"memory": 4096}, {"memory_bytes": 4096}),
        ({"disk": "100GB"}, {"disk_bytes": 100_000_000_000}),
        ({"disk": 0}, {"disk_bytes": 0}),
    ],
)
def test_amounts_become_the_centers_units(asked: dict[str, Any], resources: dict[str, int]) -> None:
    noun = WorkloadSpec.model_validate({"resources": asked}).noun()
    assert noun.resources == nouns.TaskResources(**resources)  # type: ignore[arg-type]


def test_models_in_a_list_are_kept_as_one_text() -> None:
    asked = {"resources": {"devices": {"class": "gpu", "model": ["A100", "H800"]}}}
    noun = WorkloadSpec.model_validate_json(json.dumps(asked)).noun()
    assert noun.resources.devices is not None
    assert noun.resources.devices.model == "A100|H800"


@pytest.mark.parametrize("model", [[], ["A100", 3], ["A100|H800"], 3])
def test_what_lists_no_models_is_refused(model: object) -> None:
    asked = {"resources": {"devices": {"model": model}}}
    with pytest.raises(ValidationError):
        WorkloadSpec.model_validate_json(json.dumps(asked))
