from suanli.adapters.devices.vendors import intel_fpga, xilinx
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health
from tests.dialogues.reference import dialogue


def alveo(model: str, pci: str, shell: str, memory: int | None = None) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=0,
        device_class=DeviceClass.FPGA,
        vendor="xilinx",
        model=model,
        pci_address=pci,
        memory_bytes=memory,
        shell=shell,
    )


def test_xilinx_cards_as_listed_and_as_reported() -> None:
    assert xilinx.parse_examine(dialogue("fpga/xrt_xbutil_examine_u200_v2.12.txt")) == (
        alveo("Alveo U200", "0000:17:00.1", "xilinx_u200_gen3x16_xdma_base_1"),
    )
    assert xilinx.parse_platform(dialogue("fpga/xrt_xbutil_examine_platform_u200.txt")) == (
        alveo("Alveo U200", "0000:65:00.1", "xilinx_u200_xdma_201830_2", 64 * 2**30),
    )


def test_xilinx_cards_in_json() -> None:
    assert xilinx.parse_scan(dialogue("fpga/xrt_xbmgmt_scan_u250_head.json")) == (
        alveo("Alveo U250", "0000:03:00.0", "xilinx_u250_gen3x16_base"),
    )
    assert xilinx.parse_scan(dialogue("fpga/xrt_info_platform_u50lv.json")) == (
        alveo("Alveo U50LV", "", "xilinx_u50lv_gen3x4_xdma_base_2"),
    )


def test_xilinx_cards_of_xbutil_in_json() -> None:
    # The names are those of ReportHost.cpp, XBUtilities.cpp and ReportPlatforms.cpp of Xilinx/XRT.
    text = """Invoking next generation of the xbutil application
{"schema_version": {"schema": "JSON"}, "system": {"host": {"devices": [
{"bdf": "0000:65:00.1", "vbnv": "xilinx_u280_gen3x16_base", "id": "0x5e", "is_ready": "true"},
{"bdf": "0000:17:00.0", "vbnv": "xilinx_u250_GOLDEN_5", "is_ready": "false"},
{"bdf": "0000:18:00.0", "vbnv": "xilinx_u55c_gen3x16_base_3", "is_ready": "false"},
{"bdf": "0000:c5:00.1", "device_class": "Ryzen", "name": "NPU"}, 7]}}}"""
    ready, golden, late, garbled = xilinx.parse_scan(text)
    assert ready == alveo("Alveo U280", "0000:65:00.1", "xilinx_u280_gen3x16_base")
    assert (golden.health, "golden" in golden.reason) == (Health.FAILED, True)
    assert (late.health, late.reason) == (Health.FAILED, "XRT says that it is not ready")
    assert garbled.health is Health.UNKNOWN
    report = """{"devices": [{"interface_type": "pcie", "device_id": "0000:65:00.1", "platforms": [
{"static_region": {"vbnv": "xilinx_u200_xdma_201830_2"},
"off_chip_board_info": {"ddr_size_bytes": "68719476736"}}]}]}"""
    assert xilinx.parse_scan(report) == (alveo("Alveo U200", "0000:65:00.1", "xilinx_u200_xdma_201830_2", 64 * 2**30),)


def test_a_golden_image_is_present_and_not_usable_and_hides_no_other() -> None:
    # The columns are those of XRT 2.13 (Xilinx/XRT, pull request 6423).
    text = """Devices present
BDF             :  Shell                      Platform UUID  Device ID         Device Ready*
[0000:65:00.0]  :  xilinx_u280_xdma_201920_3  0x5e278820     mgmt(inst=25856)  Yes
[0000:17:00.0]  :  xilinx_u250_GOLDEN_5       n/a            n/a               No
[0000:18:00.0]  :  xilinx_u55c_gen3x16_base_3 0x11           n/a               No
"""
    ready, golden, late = xilinx.parse_examine(text)
    assert (ready.model, ready.health) == ("Alveo U280", Health.OK)
    assert (golden.model, golden.health) == ("Alveo U250", Health.FAILED)
    assert "golden" in golden.reason
    assert (late.health, late.reason) == (Health.FAILED, "XRT says that it is not ready")


def test_intel_n3000() -> None:
    assert intel_fpga.parse_fme(dialogue("fpga/opae_fpgainfo_fme_n3000.txt")) == (
        DiscoveredDevice(
            index=0,
            device_class=DeviceClass.FPGA,
            vendor="intel-fpga",
            pci_address="0000:08:00.0",
            pci_id="8086:0b30",
            shell="f3c99413-5081-4aad-bced-07eb84a6d0bb",
            bitstream="0x2300011001030F",
        ),
    )


def test_intel_card_that_booted_its_factory_image() -> None:
    heading = "//****** FME ******//\n"
    text = f"{heading}PCIe s:b:d.f : 0000:08:00.0\nBoot Page : factory\n{heading}Boot Page : user\n"
    factory, nowhere = intel_fpga.parse_fme(text)
    assert (factory.health, factory.reason) == (Health.FAILED, "booted its factory image")
    assert nowhere.health is Health.UNKNOWN


REGIONS = """-----------------------------------------------
1/2 [0000:65:00.1] : xilinx_u200_xdma_201830_2
-----------------------------------------------
Platform
  XSA Name               : xilinx_u200_xdma_201830_2
  DDR Size               : 68719476736 Bytes

  Device Status: HEALTHY
  Hardware Context ID: 0
    Xclbin UUID: C50267EC-AE68-48A1-1559-3473F046689C
    PL Compute Units
1/2 [0000:66:00.1] : xilinx_u200_xdma_201830_2
  Device Status: HEALTHY
  No hardware contexts running on device
1/2 [0000:67:00.1] : xilinx_u200_xdma_201830_2
  Xclbin UUID
  00000000-0000-0000-0000-000000000000
1/2 [0000:68:00.1] : xilinx_u200_xdma_201830_2
    Xclbin UUID: c50267ec-ae68-48a1-1559-3473f046689c
    Xclbin UUID: d50267ec-ae68-48a1-1559-3473f046689c
"""
"""The words are those of ReportDynamicRegion.cpp of Xilinx/XRT at 5acee6f68709."""


def test_xilinx_cards_with_what_they_are_configured_by() -> None:
    loaded, *others = xilinx.parse_platform(REGIONS)
    assert (loaded.bitstream, loaded.memory_bytes) == ("c50267ec-ae68-48a1-1559-3473f046689c", 64 * 2**30)
    # Nothing told, nothing loaded, and two at once, of which neither is the card's.
    assert [one.bitstream for one in others] == ["", "", ""]


def test_a_bitstream_of_xilinx_says_for_which_card_it_is_and_what_it_is_called() -> None:
    own = bytes(range(16))
    begins = b"xclbin2\0".ljust(352, b"\xff")
    for platform, model in (
        (b"xilinx_u250_gen3x16_xdma_4_1_202210_1", "Alveo U250"),
        (b"xilinx:u50:gen3x16-xdma:5.0", "Alveo U50"),
    ):
        told = xilinx.parse_bitstream(begins + platform.ljust(64, b"\0") + own)
        assert told == (model, "00010203-0405-0607-0809-0a0b0c0d0e0f")
    assert xilinx.parse_bitstream(begins + b"edge".ljust(64, b"\0") + own) is None
    assert xilinx.parse_bitstream(begins + bytes(64) + own[:15]) is None
    assert xilinx.parse_bitstream(b"xclbin1\0".ljust(432, b"\0")) is None
