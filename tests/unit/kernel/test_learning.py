"""What finished runs teach: which do, how much, how it fades, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.learning import learned
from suanli.model import facts
from suanli.model.devices import DeviceClass, DeviceRequest, Precision
from suanli.model.errors import NotFoundError
from suanli.model.ids import EngineName, NodeName, ProjectName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.rates import JobClass, LearnedRate, class_of
from suanli.model.resources import Allocation, Device, DeviceHold, Node, NodeHold
from suanli.model.spec import Request, TaskResources, WorkloadSpec
from suanli.model.workload import EndCause
from suanli.testing.builders import ANN
from tests.unit.kernel.book import Book

SECOND = 1_000_000
BF16 = {Precision.BF16: 6000}
GPUS = TaskResources(devices=DeviceRequest(count=2))
SPEC = WorkloadSpec(command=("x",), name="train", project=ProjectName("p"), tasks=2, resources=GPUS, work=BF16)
CLASS = JobClass("", ProjectName("p"), ANN, "train", "bf16")


def node(name: str, *models: str) -> Node:
    devices = tuple(
        Device(index=place, device_class=DeviceClass.GPU, model=model) for place, model in enumerate(models)
    )
    return Node(name=NodeName(name), engine=EngineName("local"), cpu_milli=64_000, memory_bytes=2**40, devices=devices)


def on(*held: tuple[str, int, tuple[int, ...]], share: int = 1000) -> Allocation:
    nodes = tuple(
        NodeHold(
            node=NodeName(name),
            tasks=tasks,
            cpu_milli=1000,
            memory_bytes=2**30,
            devices=tuple(DeviceHold(index=index, share=share) for index in indices),
        )
        for name, tasks, indices in held
    )
    return Allocation(engine=EngineName("local"), nodes=nodes)


FOUR = on(("n0", 2, (0, 1, 2, 3)))


class Center(Book):
    """A book of facts with one node of four devices, and one of two kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.tell(facts.NodeRegistered(node=node("n0", "A100", "A100", "A100", "A100")))
        self.tell(facts.NodeRegistered(node=node("n1", "A100", "V100")))

    def did(
        self,
        spec: WorkloadSpec = SPEC,
        allocation: Allocation = FOUR,
        seconds: float = 100,
        alternative: int = 0,
        stop: bool = False,
        **end: Any,
    ) -> WorkloadId:
        """Let a workload run so long, to a good end unless another is told."""
        workload = self.submit(spec)
        placed = replace(self.next_run(workload), allocation=allocation, alternative=alternative)
        self.tell(placed)
        self.tell(facts.RunStarted(workload=workload, run=placed.run, started_at=Instant(SECOND)))
        if stop:
            self.tell(facts.CancelRequested(workload=workload))
        told: dict[str, Any] = {"cause": EndCause.EXITED, "exit_code": 0} | end
        ended_at = Instant(SECOND + round(seconds * SECOND))
        self.tell(facts.RunEnded(workload=workload, run=placed.run, ended_at=ended_at, **told))
        return workload

    def rates(self) -> list[LearnedRate]:
        return list(self.all(LearnedRate).values())


def test_a_run_that_ended_well_tells_operations_and_device_time() -> None:
    center = Center()
    center.did()
    (rate,) = center.rates()
    assert (rate.job_class, rate.model, rate.runs, rate.generation) == (CLASS, "A100", 1, 1)
    # Two tasks with two devices each, for 100 seconds.
    assert (rate.work, rate.device_ms) == (6000, 400_000)
    assert rate.rate == pytest.approx(15_000)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("it failed", {"exit_code": 1}),
        ("it was killed", {"cause": EndCause.SIGNALLED, "signal": 9}),
        ("its time was over", {"cause": EndCause.TIMEOUT}),
        ("it was lost", {"cause": EndCause.LOST}),
        ("somebody stopped it, and it ended well", {"stop": True}),
        ("it took no time", {"seconds": 0}),
        ("clocks have it end before it began", {"seconds": -5}),
        ("nobody said how much work it was", {"spec": replace(SPEC, work={})}),
        ("it held no devices", {"allocation": on(("n0", 2, ()))}),
        ("its devices were of two models", {"allocation": on(("n1", 2, (0, 1)))}),
        ("one of its devices is not there any more", {"allocation": on(("n0", 2, (3, 7)))}),
    ],
)
def test_what_teaches_nothing(what: str, told: dict[str, Any]) -> None:
    center = Center()
    center.did(**told)
    assert center.rates() == [], what


def test_a_run_that_never_began_teaches_nothing() -> None:
    center = Center()
    workload = center.submit(SPEC)
    placed = replace(center.next_run(workload), allocation=FOUR)
    center.tell(placed)
    center.tell(facts.RunEnded(workload=workload, run=placed.run, cause=EndCause.EXITED, exit_code=0))
    assert center.rates() == []


def test_an_exclusive_run_counts_the_devices_that_it_asked_for() -> None:
    center = Center()
    spec = replace(SPEC, tasks=1, exclusive=True)
    center.did(spec, replace(on(("n0", 1, (0, 1, 2, 3))), exclusive=True))
    assert [rate.device_ms for rate in center.rates()] == [200_000]


def test_a_share_counts_as_one() -> None:
    center = Center()
    half = replace(SPEC, tasks=1, resources=TaskResources(devices=DeviceRequest(share=500)))
    center.did(half, on(("n0", 1, (0,)), share=500))
    assert [rate.device_ms for rate in center.rates()] == [50_000]


def test_moldable_work_counts_the_tasks_that_it_had() -> None:
    center = Center()
    center.did(replace(SPEC, tasks=4, min_tasks=1), on(("n0", 1, (0, 1))))
    assert [rate.device_ms for rate in center.rates()] == [200_000]


def test_an_alternative_teaches_of_its_own_work_and_precision() -> None:
    center = Center()
    other = Request(resources=TaskResources(devices=DeviceRequest()), work={Precision.INT8: 50, Precision.FP64: 5})
    center.did(replace(SPEC, alternatives=(other,)), on(("n0", 1, (2,))), alternative=1)
    (rate,) = center.rates()
    assert (rate.precisions, rate.work, rate.device_ms) == ("fp64+int8", 55, 100_000)
    assert rate.name == "train"


def test_an_application_teaches_for_everybody() -> None:
    center = Center()
    center.did(replace(SPEC, command=(), application="lammps"))
    center.did(replace(SPEC, command=(), application="lammps", project=ProjectName("q"), name="other"))
    (rate,) = center.rates()
    assert (rate.application, rate.project, rate.name, rate.runs) == ("lammps", "", "", 2)


@pytest.mark.parametrize(
    "other",
    [
        {"name": "infer"},
        {"project": ProjectName("q")},
        {"work": {Precision.FP16: 6000}},
        {"work": {Precision.BF16: 5000, Precision.FP64: 1000}},
    ],
)
def test_other_work_is_another_class(other: dict[str, Any]) -> None:
    center = Center()
    center.did()
    center.did(replace(SPEC, **other))
    assert [rate.runs for rate in center.rates()] == [1, 1]
    assert len({rate.job_class for rate in center.rates()}) == 2


def test_each_model_is_learned_apart() -> None:
    center = Center()
    one = replace(SPEC, tasks=1, resources=TaskResources(devices=DeviceRequest()))
    center.did(one, on(("n1", 1, (0,))))
    center.did(one, on(("n1", 1, (1,))), seconds=400)
    assert {rate.model: rate.rate for rate in center.rates()} == {
        "A100": pytest.approx(60_000),
        "V100": pytest.approx(15_000),
    }


def test_what_was_learned_fades_by_a_sixteenth_with_each_run() -> None:
    center = Center()
    center.did()
    center.did(seconds=50)
    (rate,) = center.rates()
    assert (rate.runs, rate.generation) == (2, 2)
    assert (rate.work, rate.device_ms) == (6000 * 15 // 16 + 6000, 400_000 * 15 // 16 + 200_000)


@given(seconds=st.lists(st.integers(1, 5000), min_size=1, max_size=40))
def test_the_rate_lies_between_the_slowest_and_the_fastest_run(seconds: list[int]) -> None:
    center = Center()
    for one in seconds:
        center.did(seconds=one)
    (rate,) = center.rates()
    single = [6000 * 1000 / (4 * one) for one in seconds]
    # Sums are cut to whole numbers as they fade.
    assert 0.99 * min(single) <= rate.rate <= 1.01 * max(single)
    assert rate.runs == len(seconds)


@given(seconds=st.integers(100, 400), later=st.integers(100, 400))
def test_eighty_runs_later_the_first_is_forgotten(seconds: int, later: int) -> None:
    center = Center()
    center.did(seconds=seconds)
    for _ in range(80):
        center.did(seconds=later)
    (rate,) = center.rates()
    assert rate.rate == pytest.approx(6000 * 1000 / (4 * later), rel=0.03)


def test_submissions_without_work_need_not_be_known() -> None:
    center = Center()
    workload = center.did(replace(SPEC, work={}))
    run = center.run(center.last_run(workload))

    class Forgetful:
        """Tables that know nothing but nodes."""

        def node(self, name: NodeName, /) -> Node:
            return center.node(name)

        def submission(self, first: WorkloadId, /) -> Any:
            raise NotFoundError("submission", first)

        def learned_rate(self, job_class: JobClass, model: str, /) -> LearnedRate:
            raise NotFoundError("learned rate", model)

    assert learned(run, center.workload(workload), Forgetful()) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (SPEC, CLASS),
        (replace(SPEC, application="vasp", command=()), JobClass("vasp", ProjectName(""), UserName(""), "", "bf16")),
        (replace(SPEC, work={Precision.INT8: 1, Precision.BF16: 1}), CLASS._replace(precisions="bf16+int8")),
    ],
)
def test_a_class_is_the_application_or_project_owner_and_name(spec: WorkloadSpec, expected: JobClass) -> None:
    assert class_of(spec, ANN) == expected
