"""The runner on a machine that is a folder: a PCI bus, a cpuinfo, and tools that are small scripts."""

import os
from pathlib import Path

import pytest

from suanli.adapters.devices.machine import MachineDevices
from suanli.adapters.devices.vendors_known import known
from suanli.model.devices import DeviceClass, Interconnect
from suanli.model.discovery import DiscoveredDevice, Distance, Health, Outcome, Readings, links_of
from suanli.wiring.probe import probe
from tests.machine import Machine

CARD = """| {0}     910B1   | OK            | 88.4        46                0    / 0   |
| 0             | 0000:{1}:00.0  | 0           0    / 0          4175 / 65536         |"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_signs_no_tool_is_asked(machine: Machine) -> None:
    for vendor in known():
        for tool in vendor.tools:
            machine.tool(tool.words[0], f"touch {machine.root}/asked")
    machine.slot("0000:00:00.0", "1d94", "1450", "060000")
    machine.slot("0000:03:00.0", "19e5", "1711", "030000")
    found = machine.survey()
    assert found.devices == ()
    assert {look.outcome for look in found.looked} == {Outcome.ABSENT}
    assert not (machine.root / "asked").exists()


def test_processors(machine: Machine) -> None:
    found = machine.survey().processors
    assert (found.vendor, found.models) == ("Hygon", ("Hygon C86 7390",))
    assert (found.sockets, found.cores, found.threads, found.numa_nodes) == (2, 4, 8, None)
    assert found.architecture == os.uname().machine


def test_a_card_that_its_tool_does_not_list_is_unknown_beside_the_good_one(machine: Machine) -> None:
    machine.slot("0000:01:00.0", "19e5", "d802", "120000")
    machine.slot("0000:c1:00.0", "19e5", "d802", "120000")
    machine.tool("npu-smi", f"cat <<'END'\n{CARD.format(0, 'C1')}\nEND")
    good, silent = machine.survey().devices
    assert (good.model, good.health, good.pci_address) == ("Ascend 910B1", Health.OK, "0000:c1:00.0")
    assert (silent.index, silent.health, silent.pci_address) == (1, Health.UNKNOWN, "0000:01:00.0")
    assert silent.pci_id == "19e5:d802"
    assert "npu-smi: found" in silent.reason


def test_a_device_whose_tools_are_missing_is_unknown(machine: Machine) -> None:
    machine.slot("0000:3b:00.0", "10de", "20b2", "030200")
    found = machine.survey()
    (device,) = found.devices
    assert (device.vendor, device.pci_id, device.health) == ("nvidia", "10de:20b2", Health.UNKNOWN)
    assert device.known_as == device.record(0).model == "NVIDIA A100 SXM4 80GB"
    assert device.reason.startswith("on the PCI bus as 10de:20b2, but listed by no tool (")
    assert device.reason.count("nvidia-smi: no_tool") == 1
    assert [look.outcome for look in found.looked if "nvidia-smi" in look.place] == [Outcome.NO_TOOL, Outcome.NO_TOOL]


def test_a_card_that_its_tool_cannot_name_is_named_by_what_the_bus_says(machine: Machine) -> None:
    machine.slot("0000:05:00.0", "1e52", "401e", "120000", subsystem="1e52:0018")
    machine.tool("tt-smi", """echo '{"device_info": [{"board_info": {"bus_id": "0000:05:00.0"}}]}'""")
    (device,) = machine.survey().devices
    assert (device.model, device.health, device.reason) == ("", Health.UNKNOWN, "tt-smi printed no board type")
    assert (device.pci_id, device.pci_subsystem) == ("1e52:401e", "1e52:0018")
    assert device.known_as == "Tenstorrent n150"


def test_a_card_without_a_market_name_is_where_it_is_and_what_its_identity_says(machine: Machine) -> None:
    for bus in "56":
        machine.slot(f"0000:0{bus}:00.0", "1002", "74a1", "120000")
    static = """[{"gpu": 0, "asic": {"market_name": "MI300X"}, "bus": {"bdf": "0000:06:00.0"}},
        {"gpu": 1, "asic": {"market_name": "N/A"}, "bus": {"bdf": "0000:05:00.0"}}]"""
    machine.tool("amd-smi", f"case $1 in static) echo '{static}';; *) exit 3;; esac")
    good, bad = machine.survey().devices
    assert (good.health, bad.health, bad.reason) == (Health.OK, Health.UNKNOWN, "amd-smi printed no market name")
    assert (bad.index, bad.pci_address, bad.pci_id) == (1, "0000:05:00.0", "1002:74a1")
    assert good.known_as == bad.known_as == "AMD Instinct MI300X"


def test_functions_of_one_card_are_one_device(machine: Machine) -> None:
    for function in "01":
        machine.slot(f"0000:65:00.{function}", "10ee", "5000", "120000")
        machine.slot(f"0000:66:00.{function}", "10ee", "5000", "120000")
    machine.tool("xbutil", "echo '  [0000:65:00.1] : xilinx_u200_xdma_201830_2 user(inst=129)'")
    good, silent = machine.survey().devices
    assert (good.model, good.health, good.pci_address) == ("Alveo U200", Health.OK, "0000:65:00.1")
    assert (silent.health, silent.pci_address) == (Health.UNKNOWN, "0000:66:00.0")


def test_the_display_inside_a_processor_is_no_device_of_a_center(machine: Machine) -> None:
    machine.slot("0000:00:02.0", "8086", "a780", "030000")
    assert machine.survey().devices == ()
    machine.slot("0000:03:00.0", "8086", "56c0", "038000")
    assert [device.pci_address for device in machine.survey().devices] == ["0000:03:00.0"]


def test_a_tool_that_hangs_is_given_up(machine: Machine) -> None:
    machine.slot("0000:13:00.0", "cabc", "0370", "120000")
    machine.tool("cnmon", "sleep 60 & wait")
    found = machine.survey(timeout_s=0.2)
    assert [device.health for device in found.devices] == [Health.UNKNOWN]
    assert Outcome.TIMED_OUT in {look.outcome for look in found.looked}


def test_the_second_tool_is_asked_where_the_first_fails(machine: Machine) -> None:
    machine.slot("0000:3b:00.0", "10de", "20b2", "030200")
    row = "0, NVIDIA A100, GPU-1, 00000000:3B:00.0, 40960 MiB, 1 MiB, 30, 50 W, 0 %"
    machine.tool("nvidia-smi", f'case "$1" in -q) echo no >&2; exit 9;; *) echo "{row}";; esac')
    found = machine.survey()
    assert [(device.model, device.health) for device in found.devices] == [("NVIDIA A100", Health.OK)]
    assert [look.detail for look in found.looked if look.outcome is Outcome.FAILED] == ["exit 9: no"]


def test_readings_come_from_the_program_that_listed_the_devices(machine: Machine) -> None:
    machine.slot("0000:05:00.0", "1002", "74a1", "120000")
    static = '[{"gpu": 0, "asic": {"market_name": "MI300X"}, "bus": {"bdf": "0000:05:00.0"}}]'
    metric = '[{"gpu": 0, "power": {"socket_power": {"value": 140, "unit": "W"}}}]'
    machine.tool("amd-smi", f"case $1 in static) echo '{static}';; metric) echo '{metric}';; esac")
    found = machine.survey()
    (device,) = found.devices
    assert (device.model, device.readings) == ("MI300X", Readings(power_w=140))
    assert "amd-smi metric --json" in {look.place for look in found.looked}
    machine.tool("amd-smi", f"case $1 in static) echo '{static}';; metric) exit 3;; esac")
    (device,) = machine.survey().devices
    assert (device.health, device.readings) == (Health.OK, Readings())


def test_intel_cards_have_their_readings_too(machine: Machine) -> None:
    machine.slot("0000:29:00.0", "8086", "0bda", "038000")
    listed = '{"device_list": [{"device_id": 0, "device_name": "Max 1100", "pci_bdf_address": "0000:29:00.0"}]}'
    header = "Timestamp, DeviceId, GPU Utilization (%), GPU Power (W), GPU Core Temperature (C), GPU Memory Used (MiB)"
    dump = f"{header}\n20:06:17.218,    0, 3.00, 120.50, 41.00, 78.00"
    machine.tool("xpu-smi", f"case $1 in discovery) echo '{listed}';; dump) echo '{dump}';; esac")
    (device,) = machine.survey().devices
    assert device.readings == Readings(
        temperature_c=41, power_w=120.5, utilization_percent=3, memory_used_bytes=78 << 20
    )


CARDS = {"0000:17:00.0": "GPU-a", "0000:3b:00.0": "GPU-b", "0000:65:00.0": "GPU-c"}


def show_topology(machine: Machine, *rows: str, then: str = "") -> None:
    """Three cards of which the tool of their vendor tells how far they are from each other."""
    listed = "\n".join(
        f"{number}, NVIDIA A100, {serial}, 0000{address.upper()}, 40960 MiB, 1 MiB, 30, 50 W, 0 %"
        for number, (address, serial) in enumerate(CARDS.items())
    )
    names = [f"GPU{number}" for number in range(len(rows))]
    table = "\n".join(["\t" + "\t".join(names), *(f"{n}\t{row}" for n, row in zip(names, rows, strict=True))])
    machine.tool("nvidia-smi", f'case "$1" in -q) exit 9;; topo) echo "{table}"; {then};; *) echo "{listed}";; esac')


def test_a_tool_tells_how_far_devices_are_from_each_other(machine: Machine) -> None:
    for address in CARDS:
        machine.slot(address, "10de", "20b2", "030200")
    show_topology(machine, "X\tNV12\tSYS", "NV12\tX\tPXB", "SYS\tPXB\tX")
    found = machine.survey()
    assert [device.distances for device in found.devices] == [
        {1: Distance.LINK, 2: Distance.SYSTEM},
        {0: Distance.LINK, 2: Distance.BRIDGE},
        {0: Distance.SYSTEM, 1: Distance.BRIDGE},
    ]
    (look,) = [look for look in found.looked if look.place == "nvidia-smi topo -m"]
    assert (look.outcome, look.found) == (Outcome.FOUND, 3)


@pytest.mark.parametrize(
    ("rows", "then", "outcome"),
    [
        # Of two cards nobody knows which of three they are.
        (["X\tNV12", "NV12\tX"], "", Outcome.NOTHING_READ),
        ([], "", Outcome.NOTHING_READ),
        ([], "exit 3", Outcome.FAILED),
    ],
)
def test_what_is_told_of_other_devices_than_were_listed_is_left(
    machine: Machine, rows: list[str], then: str, outcome: Outcome
) -> None:
    for address in CARDS:
        machine.slot(address, "10de", "20b2", "030200")
    show_topology(machine, *rows, then=then)
    found = machine.survey()
    assert [device.distances for device in found.devices] == [{}, {}, {}]
    assert [device.health for device in found.devices] == [Health.OK] * 3
    assert {look.outcome for look in found.looked if look.place == "nvidia-smi topo -m"} == {outcome}


def test_of_one_device_nobody_is_asked_how_far_it_is(machine: Machine) -> None:
    machine.slot("0000:3b:00.0", "10de", "20b2", "030200")
    row = "0, NVIDIA A100, GPU-1, 00000000:3B:00.0, 40960 MiB, 1 MiB, 30, 50 W, 0 %"
    machine.tool("nvidia-smi", f'case "$1" in -q) exit 9;; *) echo "{row}";; esac')
    assert "nvidia-smi topo -m" not in {look.place for look in machine.survey().looked}


def device_at(index: int, vendor: str = "nvidia", **distances: Distance) -> DiscoveredDevice:
    far = {int(name[1:]): distance for name, distance in distances.items()}
    return DiscoveredDevice(index=index, device_class=DeviceClass.GPU, vendor=vendor, distances=far)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ({}, {}),
        ({0: device_at(0), 1: device_at(1)}, {}),
        ({0: device_at(0, _1=Distance.SYSTEM), 1: device_at(1, _0=Distance.SYSTEM)}, {}),
        ({0: device_at(0, _1=Distance.LINK), 1: device_at(1)}, {Interconnect.LINK: ((0, 1),)}),
        # Numbers of the node are others than the vendor's own, and of two vendors the same number is two devices.
        (
            {5: device_at(0, _1=Distance.HOST), 3: device_at(1), 4: device_at(1, "amd")},
            {Interconnect.HOST: ((3, 5),)},
        ),
        # Who is near one is of the group; a distance that joins nobody is left out.
        (
            {
                0: device_at(0, _1=Distance.LINK, _2=Distance.BRIDGE),
                1: device_at(1, _0=Distance.LINK, _3=Distance.NODE),
                2: device_at(2),
                3: device_at(3),
                4: device_at(4, _9=Distance.LINK),
            },
            {
                Interconnect.LINK: ((0, 1),),
                Interconnect.BRIDGE: ((0, 1, 2),),
                Interconnect.NODE: ((0, 1, 2, 3),),
            },
        ),
        (
            {
                0: device_at(0, _1=Distance.SWITCH),
                1: device_at(1, _0=Distance.SWITCH),
                2: device_at(2, _3=Distance.SWITCH),
                3: device_at(3, _2=Distance.SWITCH),
            },
            {Interconnect.SWITCH: ((0, 1), (2, 3))},
        ),
    ],
)
def test_the_nodes_record_says_groups(
    devices: dict[int, DiscoveredDevice], expected: dict[Interconnect, tuple[tuple[int, ...], ...]]
) -> None:
    assert links_of(devices) == expected


def test_a_neural_unit_inside_an_intel_processor_is_no_fpga(machine: Machine) -> None:
    machine.slot("0000:00:0b.0", "8086", "7d1d", "120000")
    assert machine.survey().devices == ()
    machine.slot("0000:08:00.0", "8086", "0b30", "120000")
    assert [(device.vendor, device.pci_address) for device in machine.survey().devices] == [
        ("intel-fpga", "0000:08:00.0")
    ]


def test_bytes_that_are_no_text_are_survived(machine: Machine) -> None:
    machine.slot("0000:05:00.0", "1002", "74a1", "120000")
    machine.tool("amd-smi", r"printf '\377\376{{{'")
    (device,) = machine.survey().devices
    assert device.health is Health.UNKNOWN


def test_probe_explains_in_both_languages(machine: Machine) -> None:
    for address, device in (("0000:3b:00.0", "20b2"), ("0000:5e:00.0", "20b2"), ("0000:86:00.0", "1cb3")):
        machine.slot(address, "10de", device, "030200")
    english = probe(explain=True, devices=machine.devices(), environment={"LANG": "en_US.UTF-8"})
    chinese = probe(explain=True, devices=machine.devices(), environment={"LANG": "zh_CN.UTF-8"})
    assert english[0].startswith("CPU: Hygon Hygon C86 7390")
    assert "  nvidia: nvidia-smi -q -x: this tool is not installed" in english
    assert "  nvidia: nvidia-smi -q -x: 未安装此工具" in chinese
    named = "10de:20b2 NVIDIA A100 SXM4 80GB x 2, 10de:1cb3"
    assert f"  nvidia: 0000:3b:00.0, 0000:5e:00.0, 0000:86:00.0: found 3 ({named})" in english
    assert f"  nvidia: 0000:3b:00.0, 0000:5e:00.0, 0000:86:00.0: 找到 3 ({named})" in chinese
    brief = probe(explain=False, devices=machine.devices(), environment={})
    assert brief == english[: len(brief)]
    assert [line.partition(",")[0] for line in brief[-3:]] == [
        "gpu nvidia 0: 10de:20b2 (NVIDIA A100 SXM4 80GB)",
        "gpu nvidia 1: 10de:20b2 (NVIDIA A100 SXM4 80GB)",
        "gpu nvidia 2: 10de:1cb3",
    ]


def test_every_vendor_of_the_catalogue_names_parsers_that_are_there() -> None:
    names = [vendor.name for vendor in known()]
    assert len(set(names)) == len(names) >= 5
    for vendor in known():
        for tool in vendor.tools:
            assert all(device.health is Health.UNKNOWN for device in vendor.parse(tool, "nonsense"))
        for tool in vendor.readings:
            assert vendor.read(tool, "nonsense") == {}
        for tool in vendor.topology:
            assert vendor.measure(tool, "nonsense") == {}
            assert tool.words[0] in {listing.words[0] for listing in vendor.tools}


def test_each_vendors_programs_are_told_which_devices_are_theirs(machine: Machine) -> None:
    def device(vendor: str, index: int, uuid: str = "") -> DiscoveredDevice:
        return DiscoveredDevice(index=index, device_class=DeviceClass.GPU, vendor=vendor, uuid=uuid)

    cards = [device("nvidia", 0, "GPU-a"), device("nvidia", 1, "GPU-b"), device("nvidia", 2)]
    amd, ascend, unheard_of = device("amd", 3, "GPU-x"), device("huawei", 4), device("nobody", 0)
    devices = machine.devices()
    assert devices.visibility([], []) == {}
    assert devices.visibility([cards[1], amd, cards[0]], [cards[2], ascend, unheard_of]) == {
        "CUDA_VISIBLE_DEVICES": "GPU-b,GPU-a",
        "ROCR_VISIBLE_DEVICES": "3",
    }
    assert devices.visibility([ascend, unheard_of, cards[2]], [amd]) == {
        "ASCEND_RT_VISIBLE_DEVICES": "4",
        "CUDA_VISIBLE_DEVICES": "2",
        "ROCR_VISIBLE_DEVICES": "",
    }


def test_without_vendors_nothing_is_found(machine: Machine) -> None:
    machine.slot("0000:17:00.0", "10de", "20b2", "030200")
    assert MachineDevices(machine.root, vendors=()).survey().devices == ()
