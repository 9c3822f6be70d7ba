"""Requests of all forms for the simulated center: what each means is written here by hand, for the judge."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from suanli.model.altered import altered
from suanli.model.devices import DeviceClass, DeviceRequest, Interconnect, Precision
from suanli.model.spec import Objective, Request, TaskResources, WorkloadSpec

GIB = 1 << 30
LIMITS_S = (600, 1200, 1800, 3600)
CLASSES = (DeviceClass.GPU, DeviceClass.GPU, DeviceClass.NPU, DeviceClass.FPGA, DeviceClass.FPGA, DeviceClass.ANY)
MEANT: Mapping[str, frozenset[str]] = {
    "A100": frozenset({"NVIDIA A100 SXM4 80GB"}),
    "A30": frozenset({"NVIDIA A30"}),
    "V100": frozenset({"NVIDIA V100 SXM2 32GB"}),
    "H100 SXM5": frozenset({"NVIDIA H100 SXM5 80GB"}),
    "910B": frozenset({"Huawei Ascend 910B (generic)"}),
    "U280": frozenset({"AMD Xilinx Alveo U280"}),
    "T4": frozenset({"NVIDIA T4"}),
    "Gaudi2": frozenset({"Intel Gaudi2"}),
    "MLU370-X8": frozenset({"Cambricon MLU370-X8"}),
    "B200": frozenset(),
    "A100|H100|H20": frozenset({"NVIDIA A100 SXM4 80GB", "NVIDIA H100 SXM5 80GB", "NVIDIA H20 96GB"}),
    "910B|Gaudi2": frozenset({"Huawei Ascend 910B (generic)", "Intel Gaudi2"}),
    "U50..U280": frozenset({"AMD Xilinx Alveo U50", "AMD Xilinx Alveo U280"}),
    "BI-V100|MXC500|B200": frozenset({"Iluvatar BI-V100", "MetaX MXC500"}),
    "Instinct": frozenset({"AMD Instinct MI250X", "AMD Instinct MI300X"}),
    "Hygon": frozenset({"Hygon DCU K100_AI"}),
    "Moore Threads": frozenset({"Moore Threads MTT S4000"}),
    "NVIDIA": frozenset(
        f"NVIDIA {name}"
        for name in ("V100 SXM2 32GB", "A100 SXM4 80GB", "H100 SXM5 80GB", "H20 96GB", "L40S", "T4", "A30")
    ),
    "Intel": frozenset({"Intel Gaudi2", "Intel Data Center GPU Max 1550"}),
}
"""By names as asked for, the models of the simulated center that are meant."""


def resources(devices: DeviceRequest | None, chance: Random) -> TaskResources:
    cpus, gib = chance.choice((1, 2, 4, 8)), chance.choice((2, 4, 8, 16, 32))
    return TaskResources(cpu_milli=1000 * cpus, memory_bytes=gib * GIB, devices=devices)


def device_request(chance: Random) -> DeviceRequest:
    """Devices by class, by maker and model, by memory, by precision and rate, whole or in part."""
    form = chance.random()
    is_part = chance.random() < 0.25
    count, share = (
        (1, chance.choice((100, 125, 200, 250, 500))) if is_part else (chance.choice((1, 1, 1, 2, 4, 8)), 1000)
    )
    any_of = DeviceRequest(count=count, share=share, device_class=chance.choice(CLASSES))
    if form < 0.15:
        return any_of
    if form < 0.6:
        return altered(any_of, device_class=DeviceClass.ANY, model=chance.choice(list(MEANT)))
    if form < 0.75:
        least = chance.choice((8, 16, 40, 80, 96, 128, 192, 500)) * GIB
        return altered(any_of, min_memory_bytes=least // (4 if is_part else 1))
    rate = chance.choice((0, 0, 1_000, 20_000, 100_000, 300_000, 900_000, 10_000_000))
    precision = chance.choice(list(Precision))
    return altered(any_of, precision=precision, at_least=rate // (4 if is_part else 1))


def part(chance: Random) -> WorkloadSpec:
    """Parts of devices, by the names that their makers give them; some are of other models."""
    model, names = chance.choice(
        (
            ("A100", ("1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb")),
            ("H100 SXM5", ("1g.10gb", "1g.20gb", "4g.40gb")),
            ("A30", ("1g.6gb", "2g.12gb", "1g.10gb")),
            ("", ("1g.10gb", "3g.40gb")),
            ("V100", ("1g.10gb",)),
        )
    )
    asked = DeviceRequest(model=model, partition=chance.choice(names), count=chance.choice((1, 1, 1, 2, 4)))
    limit = chance.choice(LIMITS_S)
    return WorkloadSpec(
        command=("serve",), tasks=chance.choice((1, 1, 2)), resources=resources(asked, chance), time_limit_s=limit
    )


def near(chance: Random) -> WorkloadSpec:
    """Devices that are to be near each other."""
    asked = DeviceRequest(
        device_class=chance.choice(CLASSES),
        count=chance.choice((2, 2, 3, 4, 8)),
        interconnect=chance.choice((Interconnect.LINK, Interconnect.LINK, Interconnect.SWITCH, Interconnect.HOST)),
    )
    limit = chance.choice(LIMITS_S)
    return WorkloadSpec(
        command=("train",), tasks=chance.choice((1, 1, 2, 4)), resources=resources(asked, chance), time_limit_s=limit
    )


def work(chance: Random) -> WorkloadSpec:
    """Work of so many operations, of which the planner is to know what it takes on which model."""
    precision = chance.choice((Precision.FP64, Precision.BF16, Precision.BF16, Precision.FP16, Precision.INT8))
    asked = DeviceRequest(precision=precision, count=chance.choice((1, 2, 4)))
    return WorkloadSpec(
        command=("train",),
        resources=resources(asked, chance),
        work={precision: chance.choice((3, 10, 40)) * 10_000},
        objective=chance.choice((Objective.TIME, Objective.TIME, Objective.ENERGY, None)),
        time_limit_s=chance.choice(LIMITS_S),
    )


def gang(chance: Random) -> WorkloadSpec:
    """Tasks that start together: on whole nodes, spread one a node, or as they fit, some with fewer if need be."""
    tasks = chance.choice((2, 4, 8, 16))
    form = chance.random()
    asked = DeviceRequest(model=chance.choice(list(MEANT)), count=chance.choice((1, 1, 2)))
    spec = WorkloadSpec(
        command=("mpi",), tasks=tasks, resources=resources(asked, chance), time_limit_s=chance.choice(LIMITS_S)
    )
    if form < 0.3:
        return altered(spec, nodes=chance.choice((1, 2)) if tasks > 1 else 1)
    if form < 0.5:
        return altered(spec, max_tasks_per_node=1)
    return altered(spec, min_tasks=max(1, tasks // 2)) if form < 0.7 else spec


def one_of_several(chance: Random) -> WorkloadSpec:
    """Work that will do with something else where its own request has no room."""
    own, other = device_request(chance), device_request(chance)
    second = Request(resources=resources(other, chance), time_limit_s=chance.choice((0, 1800)))
    third = Request(tasks=4, resources=resources(None, chance))
    return WorkloadSpec(
        command=("any",),
        resources=resources(own, chance),
        alternatives=chance.choice(((second,), (second, third))),
        time_limit_s=chance.choice(LIMITS_S),
    )


def plain(chance: Random) -> WorkloadSpec:
    """Work of processors alone, of a node's architecture, or of whole nodes."""
    form = chance.random()
    tasks, limit = chance.choice((1, 1, 2, 8, 32)), chance.choice(LIMITS_S)
    spec = WorkloadSpec(command=("sim",), tasks=tasks, resources=resources(None, chance), time_limit_s=limit)
    if form < 0.15:
        return altered(spec, tasks=1, exclusive=True)
    if form < 0.4:
        return altered(spec, features=frozenset({chance.choice(("aarch64", "x86_64", "loongarch64"))}))
    return spec


def request(chance: Random) -> WorkloadSpec:
    """One request of any form."""
    form = chance.random()
    if form < 0.38:
        asked = device_request(chance)
        return WorkloadSpec(command=("job",), resources=resources(asked, chance), time_limit_s=chance.choice(LIMITS_S))
    makers = ((0.46, part), (0.52, near), (0.6, work), (0.75, gang), (0.85, one_of_several), (1.0, plain))
    return next(make(chance) for upto, make in makers if form < upto)
