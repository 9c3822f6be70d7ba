import pytest

from suanli.adapters.devices.vendors.cpu import count_listed, listed, parse_cpuinfo, parse_lscpu
from tests.dialogues.reference import dialogue


@pytest.mark.parametrize(
    ("name", "machine", "expected"),
    [
        (
            "sbc-bench_Ampere-Altra-Max-5.4.219-sg1-dk.cpuinfo",
            "aarch64",
            ("ARM", ("Neoverse-N1",), None, None, 128),
        ),
        ("sbc-bench_HiSilicon-Ascend-310.cpuinfo", "aarch64", ("ARM", ("Cortex-A55",), None, None, 8)),
        (
            "sbc-bench_Loongson-3A3000-5.4.211-aosc-lemote.cpuinfo",
            "mips64",
            ("Loongson", ("Loongson-3A R3 (Loongson-3A3000) @ 1400MHz",), 1, 4, 4),
        ),
        (
            "sbc-bench_Loongson-3A5000-HV-4.19.0-loongson-3.cpuinfo",
            "loongarch64",
            ("Loongson", ("Loongson-3A5000-HV",), 1, 4, 4),
        ),
        (
            "sbc-bench_Loongson-3A6000-4.19.0-loongson-3.cpuinfo",
            "loongarch64",
            ("Loongson", ("Loongson-3A6000",), 1, 4, 8),
        ),
        ("sbc-bench_Phytium-D2000-5.16.9-arm64.cpuinfo", "aarch64", ("Phytium", ("FTC663",), None, None, 8)),
        ("sbc-bench_Phytium-E2000Q-4.19.246.cpuinfo", "aarch64", ("Phytium", ("FTC310", "FTC664"), None, None, 4)),
        (
            "sbc-bench_Phytium-FT2000__64-4.18.0-147.el8.aarch64.cpuinfo",
            "aarch64",
            ("Phytium", ("FTC662",), None, None, 64),
        ),
        ("cpuinfo_loongson-3c6000d_last.txt", "loongarch64", ("Loongson", ("Loongson-3C6000/D",), 1, 1, 1)),
    ],
)
def test_cpuinfo(name: str, machine: str, expected: tuple[str, tuple[str, ...], int | None, int | None, int]) -> None:
    found = parse_cpuinfo(dialogue(f"cpu/{name}"), machine)
    assert (found.vendor, found.models, found.sockets, found.cores, found.threads) == expected
    assert found.architecture == machine


@pytest.mark.parametrize(
    ("name", "expected", "feature"),
    [
        ("a64fx_cluster", ("aarch64", "Fujitsu", ("A64FX",), None, 48, 48, 4), "sve"),
        ("loongson-3a6000", ("loongarch64", "Loongson", ("Loongson-3A6000",), 1, 8, 8, 1), "lasx"),
        ("phytium-d2000", ("aarch64", "Phytium", ("FTC663",), 1, 8, 8, 1), "asimd"),
    ],
)
def test_lscpu(name: str, expected: tuple[object, ...], feature: str) -> None:
    found = parse_lscpu(dialogue(f"cpu/lscpu_{name}.txt"))
    counts = (found.sockets, found.cores, found.threads, found.numa_nodes)
    assert (found.architecture, found.vendor, found.models, *counts) == expected
    assert feature in found.features
    vectors = {"a64fx_cluster": ("NEON", "SVE"), "loongson-3a6000": ("LSX", "LASX"), "phytium-d2000": ("NEON",)}
    assert (found.simd, found.matrix) == (vectors[name], ())


@pytest.mark.parametrize(
    ("name", "machine", "vectors"),
    [
        ("sbc-bench_Ampere-Altra-Max-5.4.219-sg1-dk.cpuinfo", "aarch64", ("NEON", "NEON dot product")),
        ("sbc-bench_Loongson-3A3000-5.4.211-aosc-lemote.cpuinfo", "mips64", ("Loongson MMI",)),
        ("sbc-bench_Loongson-3A5000-HV-4.19.0-loongson-3.cpuinfo", "loongarch64", ("LSX", "LASX")),
        ("sbc-bench_Phytium-E2000Q-4.19.246.cpuinfo", "aarch64", ("NEON",)),
        ("cpuinfo_loongson-3c6000d_last.txt", "loongarch64", ("LSX", "LASX")),
    ],
)
def test_vector_extensions(name: str, machine: str, vectors: tuple[str, ...]) -> None:
    assert parse_cpuinfo(dialogue(f"cpu/{name}"), machine).simd == vectors


def test_lists_of_the_kernel() -> None:
    assert [count_listed(text) for text in ("0", "0-3", "0-1,4\n", "", "x")] == [1, 4, 3, None, None]
    assert [sorted(listed(text)) for text in ("0-1,4\n", "3", "", "0,x")] == [[0, 1, 4], [3], [], []]
