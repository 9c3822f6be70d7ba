"""No text makes a parser raise: neither noise, nor real outputs that were cut, spliced and overwritten."""

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.adapters.devices.vendors import (
    amd,
    ascend,
    cambricon,
    cpu,
    enflame,
    gaudi,
    hygon,
    iluvatar,
    intel,
    intel_fpga,
    kunlunxin,
    metax,
    mthreads,
    nvidia,
    tenstorrent,
    thead,
    xilinx,
)

CASES = int(os.environ.get("SUANLI_FUZZ_CASES", "60"))

TABLE = """
| 0     910B1               | OK            | 88.4        46                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          4175 / 65536         |
| 0           MetaX C500             | 0000:01:00.0        | 0%                   |
| 45C         48W / 350W             | 858/65536 MiB       | Available            |
| 0    Iluvatar BI-V100         | 00000000:0C:00.0     | 1500MHz   1200MHz    |
| 0%   33C   P0    58W / 250W   | 0MiB / 16384MiB      | 0%        Default    |
| 0     /   MLU370-X8    v1.1.6 |         0000:13:00.0 | 0%                  0 |
|  0%   28C        107 W/ 250 W |     0 MiB/ 20638 MiB | FULL          Default |
| 0      S60                 | 33.6.2          | 00:01:00.0  Disable       |
| 0         | Device Name: Intel(R) Graphics [0x020a] |
|           | PCI BDF Address: 0000:4d:00.0 |
| Device ID                   | 0 |
| GPU Power (W)               | 15 |
| 39 C   Sleep    105W  300W | 49120MiB Disable|   0.0%      A073640510015 |
| 0  PPU-ZW810E        N/A        | 00000000:08:00.0       |                    0 |
| N/A  31C   N/A       90W / 400W | 512MiB / 98304MiB      |  17%        Default  |
| DevID |   PCI Addr   | Model | State | Memory | Temp |
| 0 | 0000:53:00.0 | R300 | N | 0 / 32768 MB | 49 |
*Dev Pwr    DTemp  Sip    DUsed  Dpm     MUsed  Mem
0    101    36     0.0    0.0    Sleep   84.1   42976
"""
KEYED = """NPU ID : 1
Chip Count : 1
Chip ID : 0
HBM Capacity(MB) : 65536
HBM Usage Rate(%) : 4
Chip Name : mcu
processor : 0
physical id : 0
core id : 0
CPU implementer : 0x48
CPU part : 0xd01
flags : fpu sse
Architecture: aarch64
Core(s) per socket: 8
Socket(s): 2
Agent 1
  BDFID: 768
  Device Type: GPU
  Size: 16760832(0xffc000) KB
DEV ID 0
    PCIe Info
        Vendor ID : 1e36
        Bus : 17
XPU 00000000:01:00.0
    Minor Number : 0
    PCI
        Device Id : 0x36862057
XPU 0: 00000000:21:00.0
1/1 [0000:65:00.1] : xilinx_u200_xdma_201830_2
Platform
  DDR Size : 68719476736 Bytes
GPU#0  MXC500  0000:08:00.0
    Chip Temperature
        hotspot(sensor0)                          :  39.00 C
[0000:17:00.0]  :  xilinx_u250_GOLDEN_5       n/a            n/a               No
//****** FME ******//
PCIe s:b:d.f : 0000:08:00.0
Device Id : 0x0B30
"""
JSON = """{"gpu_data": [{"gpu": 0, "asic": {"market_name": "MI300X", "device_id": "0x74a1"}, "bus": {"bdf":
"0000:05:00.0"}, "vram": {"size": {"value": 196592, "unit": "MB"}},
"usage": {"gfx_activity": {"value": 4}}, "power": {"socket_power": 1}}], "card0": {"Card Series": "BW", "Card Vendor":
"Hygon", "vram Total Memory (MiB)": "65520", "Unique ID": 1}, "device_list":
[{"device_id": 0, "device_name": "B", "pci_device_id": "0xbda"}], "GPU": [{"Index": "0", "PCI": {"PCI/Bus ID": 1}}],
"device_info": [{"board_info": {"bus_id": "0000:01:00.0", "board_type": "n150"}, "telemetry": {"power": " 12.0"}}],
"gpus": [{"index": 0, "name": "A", "mig": [{"uuid": 1}], "milliwatts": 5, "remapped_rows": [0, 0, 1, 0]}],
"devices": [{"platform": {"bdf": "0000:03:00.0", "current_shell": {"vbnv": "xilinx_u250_gen3x16_base"}}}]}"""
XML = """<gpu id="00000000:3B:00.0"><product_name>A</product_name><pci><pci_device_id>1C3010DE</pci_device_id></pci>
<fb_memory_usage><total>9 MiB</total></fb_memory_usage><temperature><gpu_temp>9 C</gpu_temp></temperature></gpu>"""
MATRIX = 'GPU0 GPU1\nGPU0 X NV4\nGPU1 NV4 X\n0, "A, B", GPU-1, 0000:3B:00.0, 9 MiB, 1, 2, 3, N/A\n0 0 0 Ascend 910A\n'
MATRIX += (
    "0, U, HL-325L, 1, 9 MiB\n0, Iluvatar MR-V50, 16384 MiB, 116 MiB, 0 %, 30 C\nGPU 0/0|GPU 1/0\nGPU 0/0|S|XL16\n"
)
MATRIX += 'Timestamp, DeviceId, GPU Power (W)\n06:14:46.000, 0, 14.61\nDevice ID,Device Name\n0,"A"\n'

PARSERS: list[Callable[[str], object]] = [
    amd.parse_static,
    amd.parse_metric,
    amd.parse_rocm_smi,
    amd.parse_rocminfo,
    ascend.parse_info,
    ascend.parse_mapping,
    ascend.parse_records,
    ascend.parse_topology,
    cambricon.parse_table,
    lambda text: cpu.parse_cpuinfo(text, "x86_64"),
    cpu.parse_lscpu,
    cpu.count_listed,
    enflame.parse_query,
    enflame.parse_table,
    enflame.parse_columns,
    gaudi.parse_query,
    gaudi.parse_table,
    hygon.parse_hy_smi,
    hygon.parse_rocminfo,
    iluvatar.parse_table,
    iluvatar.parse_query,
    intel.parse_discovery,
    intel.parse_table,
    intel.parse_list,
    intel.parse_dump,
    intel.parse_stats,
    intel.parse_topology,
    intel_fpga.parse_fme,
    kunlunxin.parse_query,
    kunlunxin.parse_list,
    kunlunxin.parse_table,
    metax.parse_table,
    metax.parse_temperatures,
    metax.parse_topology,
    mthreads.parse_query,
    nvidia.parse_xml,
    nvidia.parse_nvml,
    nvidia.parse_query,
    nvidia.parse_topology,
    tenstorrent.parse_snapshot,
    thead.parse_query,
    thead.parse_table,
    xilinx.parse_examine,
    xilinx.parse_platform,
    xilinx.parse_scan,
]
NAMES = [f"{parser.__module__.rpartition('.')[2]}.{parser.__name__}" for parser in PARSERS]


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """Return a sample of which pieces are dropped, doubled or replaced by anything."""
    text = draw(st.sampled_from([TABLE, KEYED, JSON, XML, MATRIX]))
    for _ in range(draw(st.integers(0, 4))):
        first, last = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        put = draw(
            st.one_of(st.text(max_size=8), st.sampled_from([text[first:last] * 2, "9" * 400, "[" * 3000, "²", "-1"]))
        )
        text = text[:first] + put + text[last if draw(st.booleans()) else first :]
    return text


@pytest.mark.parametrize("parser", PARSERS, ids=NAMES)
def test_no_text_makes_a_parser_raise(parser: Callable[[str], object]) -> None:
    @settings(max_examples=CASES, deadline=2000, database=None)
    @given(st.one_of(st.text(), spoilt()))
    def feed(text: str) -> None:
        parser(text)

    feed()
