"""Every rule of the workload spec, with the field it blames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suanli.model.devices import MAX_RATE, DeviceRequest, Precision
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import WorkloadId
from suanli.model.spec import (
    MAX_ALTERNATIVES,
    MAX_ARRAY_SIZE,
    MAX_SCRIPT_BYTES,
    MAX_TASKS,
    MAX_WORK,
    ArraySpec,
    Dependency,
    DependencyKind,
    InputArtifact,
    Objective,
    OutputArtifact,
    Request,
    RetryPolicy,
    TaskResources,
    WorkloadSpec,
)

PLAIN = WorkloadSpec(command=("/bin/true",))


def devices(**asked: Any) -> TaskResources:
    return TaskResources(devices=DeviceRequest(**asked))


def output(name: str, path: str = "out/result.txt") -> OutputArtifact:
    return OutputArtifact(name=name, path=path)


def depends(kind: DependencyKind, workload: int = 0, index: int | None = None) -> tuple[Dependency, ...]:
    return (Dependency(kind=kind, workload=WorkloadId(workload), index=index),)


RIGHT: list[dict[str, Any]] = [
    {},
    {"command": (), "script": "#!/bin/sh\nexit 0\n"},
    {"command": (), "application": "lammps"},
    {"command": ("prog", "", "two words", "新")},
    {"command": (), "script": "#!" + "x" * (MAX_SCRIPT_BYTES - 2)},
    {"tasks": MAX_TASKS},
    {"tasks": 6, "nodes": 3},
    {"tasks": 6, "nodes": 3, "max_tasks_per_node": 2},
    {"tasks": 6, "min_tasks": 6},
    {"alternatives": (Request(tasks=4, nodes=2, min_tasks=2, time_limit_s=9),) * MAX_ALTERNATIVES},
    {"tasks": 6, "nodes": 3, "min_tasks": 4},
    {"tasks": 6, "max_tasks_per_node": 1, "features": frozenset({"x86_64", "ib:hdr"})},
    {"resources": TaskResources(cpu_milli=1, memory_bytes=1)},
    {"resources": devices(count=8)},
    {"resources": devices(share=1)},
    {"resources": devices(model="A100|H800 | 910B1..910B3")},
    {"retry": RetryPolicy(max_attempts=1000, on=frozenset())},
    {"array": ArraySpec(indices=(5, 0, 3), max_running=1)},
    {"array": ArraySpec(indices=tuple(range(MAX_ARRAY_SIZE)))},
    {"name": "a b:c 名字"},
    {"name": "x" * 128},
    {"environment": {"PATH": "", "_a1": "x=y\nz"}},
    {"labels": {"team/model.v-2_x": "", "a": "v" * 256}},
    {"working_directory": "/srv/data"},
    {"inputs": (InputArtifact(source="/srv/in", target="in/..data"),)},
    {"outputs": (output("a"), output("b", "..."))},
    {"dependencies": depends(DependencyKind.SINGLETON) + depends(DependencyKind.AFTER, 1, 0)},
    {"time_limit_s": 0, "priority": -5},
    {"resources": devices(precision=Precision.BF16, at_least=MAX_RATE)},
    {"resources": devices(), "work": {Precision.BF16: MAX_WORK, Precision.FP64: 1}},
    {"resources": devices(), "work": {Precision.BF16: 1}, "objective": Objective.TIME},
    {"alternatives": (Request(resources=devices(), work={Precision.INT8: 5}),)},
]


@pytest.mark.parametrize("asked", RIGHT, ids=[f"{n}-{'-'.join(asked)}" for n, asked in enumerate(RIGHT)])
def test_what_may_be_asked(asked: dict[str, Any]) -> None:
    replace(PLAIN, **asked).check()


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("command", {"command": ()}),
    ("command", {"script": "#!/bin/sh"}),
    ("command", {"application": "lammps"}),
    ("command", {"command": ("", "x")}),
    ("command", {"command": ("x", "a\0b")}),
    ("script", {"command": (), "script": "#!/bin/sh\n\0"}),
    ("script", {"command": (), "script": "exit 0"}),
    ("script", {"command": (), "script": "#!" + "é" * (MAX_SCRIPT_BYTES // 2)}),
    ("tasks", {"tasks": 0}),
    ("tasks", {"tasks": MAX_TASKS + 1}),
    ("resources.cpus", {"resources": TaskResources(cpu_milli=0)}),
    ("resources.memory", {"resources": TaskResources(memory_bytes=2**45 + 1)}),
    ("priority", {"priority": 2**63}),
    ("resources.memory", {"resources": TaskResources(memory_bytes=0)}),
    ("resources.devices.count", {"resources": devices(count=0)}),
    ("resources.devices.share", {"resources": devices(share=0)}),
    ("resources.devices.share", {"resources": devices(share=1001)}),
    ("resources.devices.count", {"resources": devices(count=2, share=500)}),
    ("resources.devices.min_memory", {"resources": devices(min_memory_bytes=-1)}),
    ("resources.devices.model", {"resources": devices(model="A100|")}),
    ("resources.devices.model", {"resources": devices(model="910B3..910B1")}),
    ("resources.devices.model", {"resources": devices(model="A100..H100")}),
    ("resources.devices.model", {"resources": devices(model="A1..A257|H100")}),
    ("resources.devices.at_least", {"resources": devices(at_least=5)}),
    ("resources.devices.at_least", {"resources": devices(precision=Precision.BF16, at_least=MAX_RATE + 1)}),
    ("resources.devices.at_least", {"resources": devices(precision=Precision.BF16, at_least=-1)}),
    ("work", {"work": {Precision.BF16: 1}}),
    ("work.bf16", {"resources": devices(), "work": {Precision.BF16: 0}}),
    ("work.fp64", {"resources": devices(), "work": {Precision.BF16: 1, Precision.FP64: MAX_WORK + 1}}),
    ("objective", {"resources": devices(), "objective": Objective.ENERGY}),
    ("objective", {"resources": devices(), "objective": Objective.COST}),
    ("alternatives.0.work", {"alternatives": (Request(work={Precision.INT8: 5}),)}),
    ("nodes", {"nodes": -1}),
    ("nodes", {"tasks": 5, "nodes": 2}),
    ("nodes", {"tasks": 1, "nodes": 2}),
    ("max_tasks_per_node", {"tasks": 6, "nodes": 3, "max_tasks_per_node": 1}),
    ("max_tasks_per_node", {"max_tasks_per_node": -1}),
    ("min_tasks", {"tasks": 6, "min_tasks": 7}),
    ("min_tasks", {"min_tasks": -1}),
    ("alternatives", {"alternatives": (Request(),) * (MAX_ALTERNATIVES + 1)}),
    ("alternatives.1.nodes", {"alternatives": (Request(), Request(nodes=2))}),
    ("alternatives.0.resources.devices.count", {"alternatives": (Request(resources=devices(count=0)),)}),
    ("alternatives.0.features", {"alternatives": (Request(features=frozenset({"a b"})),)}),
    ("alternatives.0.time_limit", {"alternatives": (Request(time_limit_s=-1),)}),
    (
        "alternatives",
        {
            "features": frozenset(f"a{n}" for n in range(10)),
            "alternatives": (Request(features=frozenset(f"b{n}" for n in range(10))),),
        },
    ),
    ("min_tasks", {"tasks": 6, "nodes": 3, "min_tasks": 3}),
    ("features", {"features": frozenset({"a b"})}),
    ("time_limit", {"time_limit_s": -1}),
    ("retry.max_attempts", {"retry": RetryPolicy(max_attempts=0)}),
    ("retry.max_attempts", {"retry": RetryPolicy(max_attempts=1001)}),
    ("array.indices", {"array": ArraySpec(indices=())}),
    ("array.indices", {"array": ArraySpec(indices=(0, 1, 0))}),
    ("array.indices", {"array": ArraySpec(indices=(0, -1))}),
    ("array.indices", {"array": ArraySpec(indices=tuple(range(MAX_ARRAY_SIZE + 1)))}),
    ("array.max_running", {"array": ArraySpec(indices=(0,), max_running=-1)}),
    ("name", {"name": ""}),
    ("name", {"name": "a/b"}),
    ("name", {"name": "a\nb"}),
    ("name", {"name": "x" * 129}),
    ("environment.1A", {"environment": {"1A": ""}}),
    ("environment.A=B", {"environment": {"A=B": ""}}),
    ("environment.A", {"environment": {"A": "\0"}}),
    ("labels.-a", {"labels": {"-a": ""}}),
    ("labels.a", {"labels": {"a": "v" * 257}}),
    ("working_directory", {"working_directory": "data"}),
    ("working_directory", {"working_directory": "/data\0"}),
    ("inputs.0.source", {"inputs": (InputArtifact(source="in", target="in"),)}),
    ("inputs.0.target", {"inputs": (InputArtifact(source="/in", target="/in"),)}),
    ("inputs.0.target", {"inputs": (InputArtifact(source="/in", target="a/../../b"),)}),
    ("inputs.1.target", {"inputs": (InputArtifact(source="/a", target="a"), InputArtifact(source="/b", target=""))}),
    ("outputs.0.path", {"outputs": (output("a", "../a"),)}),
    ("outputs.0.path", {"outputs": (output("a", "a\0"),)}),
    ("outputs.0.name", {"outputs": (output(""),)}),
    ("outputs.0.name", {"outputs": (output("a/b"),)}),
    ("outputs.1.name", {"outputs": (output("a"), output("a", "other"))}),
    ("dependencies.0", {"dependencies": depends(DependencyKind.AFTEROK)}),
    ("dependencies.0", {"dependencies": depends(DependencyKind.SINGLETON, 3)}),
    ("dependencies.0", {"dependencies": depends(DependencyKind.SINGLETON, 0, 0)}),
    ("dependencies.1", {"dependencies": depends(DependencyKind.AFTER, 1) + depends(DependencyKind.AFTERANY, -1)}),
]


@pytest.mark.parametrize(("field", "asked"), WRONG, ids=[f"{n}-{field}" for n, (field, _) in enumerate(WRONG)])
def test_what_may_not_be_asked(field: str, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        replace(PLAIN, **asked).check()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("dependency", "text"),
    [
        (*depends(DependencyKind.SINGLETON), "singleton"),
        (*depends(DependencyKind.AFTEROK, 120), "afterok:120"),
        (*depends(DependencyKind.AFTERANY, 120, 0), "afterany:120_0"),
    ],
)
def test_a_dependency_prints_as_people_write_it(dependency: Dependency, text: str) -> None:
    assert str(dependency) == text


def test_each_form_asks_what_its_request_says_and_leaves_the_rest_as_it_is() -> None:
    small = Request(tasks=4, min_tasks=2, resources=devices(share=500), features=frozenset({"ib"}))
    slow = Request(nodes=1, exclusive=True, max_tasks_per_node=1, time_limit_s=70)
    spec = replace(PLAIN, name="x", tasks=3, time_limit_s=50, features=frozenset({"nvme"}), alternatives=(small, slow))
    assert [form.time_limit_s for form in spec.forms] == [50, 50, 70]
    assert [form.requests[0] for form in spec.forms] == [spec.requests[0], replace(small, time_limit_s=50), slow]
    assert all(form.features_named == {"ib", "nvme"} for form in spec.forms)
    assert {form.name for form in spec.forms} == {"x"}
    assert PLAIN.forms == (PLAIN,)
