"""Every vendor's parsers on one real output each; which devices those show stands in the tests beside, by hand."""

from collections.abc import Sequence
from typing import ClassVar

from suanli.adapters.devices.vendors import (
    amd,
    ascend,
    cambricon,
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
from suanli.adapters.devices.vendors_known import known
from suanli.testing.device_contract import Case, DeviceContract, Parser
from tests.dialogues.reference import dialogue
from tests.dialogues.test_npus import GAUDI_TABLE, KUNLUNXIN_TABLE
from tests.dialogues.test_nvml import NVML
from tests.dialogues.test_thead import QUERY, TABLE

ASCEND = "ascend/gpustack_ai-server_atlas-800-training-server_model-9010_version-6.0.RC1"


class OnDialogues(DeviceContract):
    outputs: ClassVar[dict[Parser, str]]
    """By parser the name of a dialogue, or lines of text where there is none."""

    def cases(self) -> Sequence[Case]:
        texts = [(parse, text if "\n" in text else dialogue(text)) for parse, text in self.outputs.items()]
        return [Case(parse, text, parse(text)) for parse, text in texts]


class TestAmd(OnDialogues):
    vendor = "amd"
    outputs: ClassVar[dict[Parser, str]] = {
        amd.parse_static: "amd/amd-smi_static_mi210_rocm7.json",
        amd.parse_rocm_smi: "amd/telegraf_mi100_rocm571.json",
        amd.parse_rocminfo: "amd/gpustack_amd-gpu-6.2.4-rocminfo.txt",
    }


class TestAscend(OnDialogues):
    vendor = "huawei"
    outputs: ClassVar[dict[Parser, str]] = {
        ascend.parse_info: f"{ASCEND}.txt",
        ascend.parse_mapping: f"{ASCEND}_mapping.txt",
        ascend.parse_records: "ascend/zstack_npu-smi_board_common_910c.txt",
    }


class TestCambricon(OnDialogues):
    vendor = "cambricon"
    outputs: ClassVar[dict[Parser, str]] = {cambricon.parse_table: "cambricon/cnmon_v5.10.22_mlu370-x8_table.txt"}


class TestEnflame(OnDialogues):
    vendor = "enflame"
    outputs: ClassVar[dict[Parser, str]] = {
        enflame.parse_query: "enflame/efsmi_q_s60.txt",
        enflame.parse_table: "enflame/efsmi_table_s60_v1.2.txt",
        enflame.parse_columns: "enflame/efsmi_dmon_columns_7dev.txt",
    }


class TestGaudi(OnDialogues):
    vendor = "gaudi"
    outputs: ClassVar[dict[Parser, str]] = {
        gaudi.parse_query: "intel/all-smi_hl-smi_gaudi3_csv.txt",
        gaudi.parse_table: GAUDI_TABLE,
    }


class TestHygon(OnDialogues):
    vendor = "hygon"
    outputs: ClassVar[dict[Parser, str]] = {
        hygon.parse_hy_smi: "hygon/llm_monitor_hy-smi_real_BW_2cards_malformed.txt",
        hygon.parse_rocminfo: "hygon/gpustack_hygon-gpu-24.04.3-rocminfo.txt",
    }


class TestIluvatar(OnDialogues):
    vendor = "iluvatar"
    outputs: ClassVar[dict[Parser, str]] = {
        iluvatar.parse_table: "iluvatar/ixsmi_bi-v100_16g_table.txt",
        iluvatar.parse_query: "iluvatar/gpustack_ixsmi_query.csv",
    }


class TestIntel(OnDialogues):
    vendor = "intel"
    outputs: ClassVar[dict[Parser, str]] = {
        intel.parse_discovery: "intel/optimum_xpu-smi_discovery_max1100.json",
        intel.parse_table: "intel/xpumanager_xpu-smi_discovery_table.txt",
        intel.parse_list: "intel/xpumanager_xpu-smi_discovery_dump.csv",
    }


class TestIntelFpga(OnDialogues):
    vendor = "intel-fpga"
    outputs: ClassVar[dict[Parser, str]] = {intel_fpga.parse_fme: "fpga/opae_fpgainfo_fme_n3000.txt"}


class TestKunlunxin(OnDialogues):
    vendor = "kunlunxin"
    outputs: ClassVar[dict[Parser, str]] = {
        kunlunxin.parse_query: "kunlunxin/xpu-smi_q_p800.txt",
        kunlunxin.parse_list: "kunlunxin/xpu-smi_L.txt",
        kunlunxin.parse_table: KUNLUNXIN_TABLE,
    }


class TestMetax(OnDialogues):
    vendor = "metax"
    outputs: ClassVar[dict[Parser, str]] = {
        metax.parse_table: "metax/mx-smi_2.2.4_c500_table.txt",
        metax.parse_temperatures: "metax/mx-smi_show-temperature.txt",
    }


class TestMthreads(OnDialogues):
    vendor = "mthreads"
    outputs: ClassVar[dict[Parser, str]] = {mthreads.parse_query: "mthreads/mthreads-gmi_q_json_s5000.json"}


class TestNvidia(OnDialogues):
    vendor = "nvidia"
    outputs: ClassVar[dict[Parser, str]] = {
        nvidia.parse_nvml: f"{NVML}\n",
        nvidia.parse_xml: "nvidia/telegraf_rtx-3090-v12.xml",
        nvidia.parse_query: "nvidia/query_with_na_and_quoted_comma.csv",
    }


class TestTenstorrent(OnDialogues):
    vendor = "tenstorrent"
    outputs: ClassVar[dict[Parser, str]] = {
        tenstorrent.parse_snapshot: "tenstorrent/dstack_valid_multiple_devices.json"
    }


class TestThead(OnDialogues):
    vendor = "thead"
    outputs: ClassVar[dict[Parser, str]] = {thead.parse_query: QUERY, thead.parse_table: TABLE}


class TestXilinx(OnDialogues):
    vendor = "xilinx"
    outputs: ClassVar[dict[Parser, str]] = {
        xilinx.parse_examine: "fpga/xrt_xbutil_examine_u200_v2.12.txt",
        xilinx.parse_platform: "fpga/xrt_xbutil_examine_platform_u200.txt",
        xilinx.parse_scan: "fpga/xrt_xbmgmt_scan_u250_head.json",
    }


def test_every_vendor_of_the_catalogue_is_held_to_the_contract() -> None:
    # Of each tool; a parser that lists nothing by itself (a topology, readings) is none of the catalogue's.
    held = {suite.vendor: suite.outputs for suite in OnDialogues.__subclasses__()}
    for vendor in known():
        read = {parse.__name__ for parse in held[vendor.name]}
        assert {tool.parser for tool in vendor.tools} <= read
