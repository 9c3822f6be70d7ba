"""What the catalogue knows of processors, and the caches that the kernel shows."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from suanli.adapters.devices import processors_known as known
from suanli.adapters.devices.cpu_caches import caches_below
from suanli.adapters.devices.vendors.cpu import parse_cpuinfo
from suanli.model.discovery import Cache, Processors
from suanli.wiring.probe import probe
from tests.machine import Machine

KIB, MIB = 1 << 10, 1 << 20
SAPPHIRE = "fpu sse4_2 avx avx2 avx512f avx_vnni avx512_vnni avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8"


def x86(flags: str) -> Processors:
    return parse_cpuinfo(
        f"processor : 0\nvendor_id : GenuineIntel\nmodel name : Xeon\nphysical id : 0\ncore id : 0\nflags : {flags}\n",
        "x86_64",
    )


def test_vector_and_matrix_extensions_of_x86() -> None:
    found = x86(SAPPHIRE)
    vectors = ("SSE4.2", "AVX", "AVX2", "AVX-VNNI", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16", "AVX-512 FP16")
    assert (found.vendor, found.simd) == ("Intel", vectors)
    assert found.matrix == ("AMX", "AMX INT8", "AMX BF16")
    assert {"avx512", "amx", "amx-bf16"} < found.node_features
    assert x86("fpu avx").simd == ("AVX",)


@pytest.mark.parametrize(
    ("implementer", "part", "features", "expected"),
    [
        ("0x48", "0xd01", "fp asimd asimddp", ("HiSilicon", ("TaiShan-v110",), ("NEON", "NEON dot product"), ())),
        ("0x70", "0x862", "fp asimd", ("Phytium", ("FTC862",), ("NEON",), ())),
        ("0xc0", "0xac4", "asimd i8mm bf16", ("Ampere", ("Ampere-1a",), ("NEON", "BF16", "I8MM"), ())),
        ("0x41", "0xd4f", "asimd sve sve2", ("ARM", ("Neoverse-V2",), ("NEON", "SVE", "SVE2"), ())),
        ("0x61", "0x999", "asimd sme", ("Apple", ("part 0x999",), ("NEON",), ("SME",))),
        ("0x99", "0x1", "", ("implementer 0x99", ("part 0x1",), (), ())),
    ],
)
def test_cores_of_aarch64(implementer: str, part: str, features: str, expected: tuple[object, ...]) -> None:
    text = f"processor : 0\nFeatures : {features}\nCPU implementer : {implementer}\nCPU part : {part}\n"
    found = parse_cpuinfo(text, "aarch64")
    assert (found.vendor, found.models, found.simd, found.matrix) == expected


def test_riscv_tells_letters_and_words() -> None:
    """The form of Linux's Documentation/arch/riscv/uabi.rst."""
    text = "processor : 0\nhart : 0\nisa : rv64imafdcv_zicbom_zvfh\nmmu : sv39\nuarch : thead,c910\nmvendorid : 0x5b7\n"
    found = parse_cpuinfo(text, "riscv64")
    assert (found.vendor, found.models, found.simd) == ("T-Head", ("thead,c910",), ("RVV", "RVV FP16"))
    assert found.node_features == {"rvv", "rvv-fp16"}
    assert parse_cpuinfo(text.replace("rv64imafdcv", "rv64imafdc"), "riscv64").simd == ("RVV FP16",)
    assert parse_cpuinfo("processor : 0\nisa : rv64imac\n", "riscv64").vendor == ""


def test_processors_of_an_architecture_of_one_maker_are_its() -> None:
    assert parse_cpuinfo("processor : 0\ncpu variation : 3\n", "sw_64").vendor == "Sunway"
    assert parse_cpuinfo("processor : 0\nfeatures : lsx lasx\n", "loongarch64").vendor == "Loongson"
    assert parse_cpuinfo("", "sw_64").vendor == ""


def test_an_extension_is_had_only_where_every_core_has_it() -> None:
    text = "processor : 0\nFeatures : asimd sve\n\nprocessor : 1\nFeatures : asimd\n"
    assert parse_cpuinfo(text, "aarch64").simd == ("NEON",)


def test_the_catalogue_of_processors_has_a_source_for_each_group_and_no_name_twice() -> None:
    told = tomllib.loads(known.PROCESSORS.read_text("utf-8"))
    groups = told["extensions"]
    assert all(group["source"] for group in groups)
    for group in groups:
        every = [*group["simd"], *group["matrix"]]
        assert len({one["flag"] for one in every}) == len({one["feature"] for one in every}) == len(every)
    architectures = [name for group in groups for name in group["architectures"]]
    assert len(set(architectures)) == len(architectures) >= 4
    numbers = [implementer["id"] for implementer in told["implementers"]]
    assert len(set(numbers)) == len(numbers)
    assert all(known.implementer(number) for number in numbers)


def cache(folder: Path, cpu: int, index: int, level: int, kind: str, size: str, shared: str) -> None:
    place = folder / f"cpu{cpu}/cache/index{index}"
    place.mkdir(parents=True)
    told = (("level", str(level)), ("type", kind), ("size", size), ("shared_cpu_list", shared))
    for name, text in told:
        (place / name).write_text(f"{text}\n")


def test_caches_are_counted_by_who_shares_them(tmp_path: Path) -> None:
    for cpu in range(4):
        cache(tmp_path, cpu, 0, 1, "Data", "48K", f"{cpu % 2},{cpu % 2 + 2}")
        cache(tmp_path, cpu, 1, 1, "Instruction", "32K", f"{cpu % 2},{cpu % 2 + 2}")
        cache(tmp_path, cpu, 2, 2, "Unified", "2048K", f"{cpu % 2},{cpu % 2 + 2}")
        cache(tmp_path, cpu, 3, 3, "Unified", "36M", "0-3")
    cache(tmp_path, 4, 0, 1, "Data", "huge", "4")
    cache(tmp_path, 5, 0, 1, "Strange", "1K", "5")
    assert caches_below(tmp_path) == (
        Cache(1, "data", 48 * KIB, 2),
        Cache(1, "instruction", 32 * KIB, 2),
        Cache(2, "unified", 2 * MIB, 2),
        Cache(3, "unified", 36 * MIB, 1),
    )
    assert caches_below(tmp_path / "nowhere") == ()


def test_a_machine_tells_its_processors_whole(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    cache(tmp_path / "sys/devices/system/cpu", 0, 0, 1, "Data", "32K", "0")
    found = machine.survey().processors
    assert found.caches == (Cache(1, "data", 32 * KIB, 1),)
    lines = probe(explain=False, devices=machine.devices(), environment={})
    assert "  caches: L1d 32 KiB x 1" in lines
    if os.uname().machine == "x86_64":
        assert found.simd == ("AVX2",)
        assert "  vector extensions: AVX2" in lines
        assert "  向量扩展: AVX2" in probe(explain=False, devices=machine.devices(), environment={"LANG": "zh_CN"})
