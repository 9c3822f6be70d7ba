from suanli.adapters.devices.vendors import enflame, gaudi, kunlunxin, tenstorrent
from suanli.model.devices import DeviceClass
from suanli.model.discovery import DiscoveredDevice, Health, Readings
from tests.dialogues.reference import dialogue

MIB = 2**20
# The form is that of Intel's tutorials (hl-smi 1.14 to 1.24); the first generation writes Mib (hl-smi 1.4).
GAUDI_TABLE = """| AIP  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | AIP-Util  Compute M. |
|===============================+======================+======================|
|   0  HL-225              N/A  | 0000:33:00.0     N/A |                   0  |
| N/A   26C   N/A    87W / 600W |    768MiB / 98304MiB |     3%           N/A |
|-------------------------------+----------------------+----------------------+
|   1  HL-205              N/A  | 0000:a0:1d.0     N/A |                   0  |
| N/A   36C   N/A   101W / 350W |    512Mib / 32768Mib |     1%           N/A |
|   2  HL-225              N/A  | 0000:35:00.0     N/A |                   0  |
"""
# The columns are those of Paddle's installation guides for XPU; State, Power and Temp came and went with versions.
KUNLUNXIN_TABLE = """  DEVICES
| DevID |   PCI Addr   | Model |   SN   |    INODE   | State | UseRate |    L3     |    Memory    | Power(W) | Temp |
|     0 | 0000:53:00.0 | R300  | 02Kxxx | /dev/xpu0  |     N |     7 % | 0 / 63 MB | 9 / 32768 MB |       25 |   49 |
|     1 | 0000:56:00.0 | R300  | 02Kxxx | /dev/xpu1  |     E |     0 % | 0 / 63 MB | 0 / 32768 MB |       25 |   49 |
|     2 | 0000:57:00.0 | R300  | 02K
  VIDEO
| DevID | Model |         DEC         |         ENC         |       IMGPROC       |
|     0 |  R300 | 0 %, 0 fps, 800 MHz | 0 %, 0 fps, 800 MHz | 0 %, 0 fps, 800 MHz |
"""


def npu(
    vendor: str,
    index: int,
    model: str,
    *,
    uuid: str = "",
    pci: str = "",
    pci_id: str = "",
    memory: int | None = None,
    readings: Readings | None = None,
    unknown: str = "",
) -> DiscoveredDevice:
    return DiscoveredDevice(
        index=index,
        device_class=DeviceClass.NPU,
        vendor=vendor,
        model=model,
        uuid=uuid,
        pci_address=pci,
        pci_id=pci_id,
        memory_bytes=None if memory is None else memory * MIB,
        health=Health.UNKNOWN if unknown else Health.OK,
        reason=unknown,
        readings=readings or Readings(),
    )


def read(degrees: float | None, watts: float | None, busy: float | None = None, used: int | None = None) -> Readings:
    return Readings(temperature_c=degrees, power_w=watts, utilization_percent=busy, memory_used_bytes=used)


def test_enflame_s60() -> None:
    assert enflame.parse_query(dialogue("enflame/efsmi_q_s60.txt")) == (
        npu(
            "enflame",
            0,
            "S60",
            uuid="TR6Y46010302",
            pci="0000:17:00.0",
            pci_id="1e36:c035",
            memory=42976,
            readings=read(35, 96, 0.0, 0),
        ),
    )
    assert enflame.parse_table(dialogue("enflame/efsmi_table_s60_v1.2.txt")) == (
        npu("enflame", 0, "S60", pci="0000:01:00.0", memory=49120, readings=read(39, 105, 0.0)),
    )


def test_enflame_where_no_names_are_printed() -> None:
    old = "enflame/efsmi_q_old_driver_temp_memory_usage.txt"
    assert enflame.parse_query(dialogue(old)) == tuple(
        npu("enflame", at, "", memory=42976, readings=read(34, None, 0.0, 1129 * MIB), unknown="efsmi printed no name")
        for at in (0, 1)
    )
    watts, degrees = (101, 98, 101, 101, 101, 100, 100), (36, 37, 37, 37, 37, 34, 34)
    shares = (84.1, 83.7, 84.5, 84.2, 2.6, 2.6, 2.6)
    assert enflame.parse_columns(dialogue("enflame/efsmi_dmon_columns_7dev.txt")) == tuple(
        npu(
            "enflame",
            at,
            "",
            memory=42976,
            readings=read(degrees[at], watts[at], 0.0, int(42976 * MIB * shares[at] / 100)),
            unknown="efsmi dmon prints no names",
        )
        for at in range(7)
    )


def test_enflame_card_that_is_not_healthy_is_failed_and_hides_no_other() -> None:
    text = "DEV ID 0\n    Device Info\n        Dev Name : S60\n        Health : False\nDEV ID 1\n    Device Info\n"
    text += "        Dev Name : S60\n        Health : True\n"
    first, second = enflame.parse_query(text)
    assert (first.health, first.reason) == (Health.FAILED, "efsmi says it is not healthy")
    assert second.health is Health.OK


def test_enflame_card_whose_second_line_is_cut() -> None:
    text = "| 0      S60                 | 33.6.2          | 00:01:00.0  Disable       |\n| 39 C   Sl"
    (found,) = enflame.parse_table(text)
    assert (found.model, found.health) == ("S60", Health.UNKNOWN)


def test_kunlunxin_p800() -> None:
    (first, second) = kunlunxin.parse_list(dialogue("kunlunxin/xpu-smi_L.txt"))
    why = "xpu-smi -L prints no product names"
    assert first == npu("kunlunxin", 0, "", pci="0000:21:00.0", unknown=why)
    assert second == npu("kunlunxin", 1, "", pci="0000:22:00.0", unknown=why)
    found = kunlunxin.parse_query(dialogue("kunlunxin/xpu-smi_q_p800.txt"))
    assert found[0] == npu(
        "kunlunxin",
        0,
        "P800 PCIe",
        uuid="GPU-420716f2-9928-5108-a5b2-e6b7cf36b37c",
        pci="0000:01:00.0",
        pci_id="2057:3686",
        memory=98304,
        readings=read(46, 76, 0, 0),
    )


def test_intels_program_of_the_same_name_is_not_kunlunxins() -> None:
    for name in ("xpumanager_xpu-smi_discovery.json", "xpumanager_xpu-smi_discovery_table.txt"):
        assert kunlunxin.parse_query(dialogue(f"intel/{name}")) == ()
        assert kunlunxin.parse_list(dialogue(f"intel/{name}")) == ()


def test_gaudi_3() -> None:
    assert gaudi.parse_query(dialogue("intel/all-smi_hl-smi_gaudi3_csv.txt")) == (
        npu(
            "gaudi",
            0,
            "HL-325L",
            uuid="01P4-HL3090A0-18-U4V193-22-07-00",
            memory=131072,
            readings=read(36, 226, 0, 672 * MIB),
        ),
        npu(
            "gaudi",
            1,
            "HL-325L",
            uuid="01P4-HL3090A0-18-U4V298-03-04-04",
            memory=131072,
            readings=read(39, 230, 0, 672 * MIB),
        ),
    )


def test_gaudi_with_the_address_that_we_ask_for_and_a_line_cut_short() -> None:
    line = "0, U-0, HL-225, 1.22.1, 98304 MiB, 768 MiB, 97536 MiB, 90 W, 600 W, 25 C, 3 %, 0000:33:00.0"
    whole, cut = gaudi.parse_query(f"{line}\n1, U-1, HL-2")
    assert (whole.pci_address, whole.health) == ("0000:33:00.0", Health.OK)
    assert (cut.index, cut.uuid, cut.health) == (1, "U-1", Health.UNKNOWN)


def test_gaudi_as_a_table() -> None:
    first, second, cut = gaudi.parse_table(GAUDI_TABLE)
    assert first == npu("gaudi", 0, "HL-225", pci="0000:33:00.0", memory=98304, readings=read(26, 87, 3, 768 * MIB))
    assert second == npu("gaudi", 1, "HL-205", pci="0000:a0:1d.0", memory=32768, readings=read(36, 101, 1, 512 * MIB))
    assert (cut.index, cut.health) == (2, Health.UNKNOWN)


def test_kunlunxin_as_drivers_of_version_4_print_it() -> None:
    good, failed, cut = kunlunxin.parse_table(KUNLUNXIN_TABLE)
    assert good == npu("kunlunxin", 0, "R300", pci="0000:53:00.0", memory=32768, readings=read(49, 25, 7, 9 * MIB))
    assert (failed.health, failed.reason) == (Health.FAILED, "xpu_smi says state E")
    assert (cut.index, cut.health) == (2, Health.UNKNOWN)
    short = """| DevID |   PCI Addr   |  Model  |    Memory    |
|     0 | 0000:01:00.0 | R200-PF | 0 / 13568 MB |
|     1 | 0000:01:01.0 | R200-VF-5G | 0 / 4006 MB |"""
    assert [device.health for device in kunlunxin.parse_table(short)] == [Health.FAILED, Health.OK]


def test_tenstorrent_boards_are_told_apart_by_their_types() -> None:
    boards = (
        ("0000:61:00.0", "p100a", "000004323191b040"),
        ("0000:01:00.0", "p150a", "0000040100000000"),
        ("0000:02:00.0", "p150b", "000004123191110e"),
        ("0000:03:00.0", "p300a", "000004513190f004"),
        ("0000:04:00.0", "p300a", "000004513190f004"),
    )
    assert tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_blackhole_boards.json")) == tuple(
        npu("tenstorrent", at, model, uuid=board, pci=pci) for at, (pci, model, board) in enumerate(boards)
    )
    ends = ("5018", "5002", "5009", "500f", "4064", "5006", "4087", "402f")
    assert tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_blackhole_8xp150.json")) == tuple(
        npu("tenstorrent", at, "p150b", uuid=f"000004123191{end}", pci=f"0000:{bus}:00.0")
        for at, (end, bus) in enumerate(zip(ends, ("01", "21", "41", "61", "81", "a1", "c1", "e1"), strict=True))
    )


def test_tenstorrent_one_n150_with_both_spellings_of_its_readings() -> None:
    board, pci = "100018611902010", "0000:01:00.0"
    assert tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_single_n150_gpu.json")) == (
        npu("tenstorrent", 0, "n150 L", readings=read(54.3, 12), uuid=board, pci=pci),
    )
    assert tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_valid_single_device.json")) == (
        npu("tenstorrent", 0, "n150 L", readings=read(45.2, 12.5), uuid=board, pci=pci),
    )


def test_tenstorrent_boards_of_two_chips_are_two_devices_each() -> None:
    boards = ("10001451172208f", "100014511722053", "10001451172209c", "100014511722058")
    buses, usual = ("c1", "01", "02", "41"), read(54.3, 12)
    left = [
        npu(
            "tenstorrent",
            at,
            "n300 L",
            uuid=board,
            pci=f"0000:{bus}:00.0",
            readings=read(48.7, 15.2) if at == 1 else usual,
        )
        for at, (board, bus) in enumerate(zip(boards, buses, strict=True))
    ]
    right = [npu("tenstorrent", 4 + at, "n300 R", uuid=board, readings=usual) for at, board in enumerate(boards)]
    found = tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_valid_multiple_devices.json"))
    assert found == (*left, *right)


def test_tenstorrent_galaxy() -> None:
    found = tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_blackhole_galaxy.json"))
    buses = [f"{tray}{chip}" for tray in "048c" for chip in range(1, 9)]
    assert [device.pci_address for device in found] == [f"0000:{bus}:00.0" for bus in buses]
    assert {(device.model, device.uuid, device.health) for device in found} == {
        ("tt-galaxy-bh", "0000047131831011", Health.OK)
    }
    assert (found[0].readings, found[-1].readings) == (read(45.4, 39), read(39.9, 36))


def test_tenstorrent_where_there_is_nothing_or_garbage() -> None:
    for name in ("empty_device_info", "empty_json", "missing_device_info"):
        assert tenstorrent.parse_snapshot(dialogue(f"tenstorrent/dstack_{name}.json")) == ()
    (broken,) = tenstorrent.parse_snapshot(dialogue("tenstorrent/dstack_invalid_json.json"))
    assert (broken.health, broken.reason) == (Health.UNKNOWN, "tt-smi printed no board type")
    text = '{"device_info": [{"board_info": {"board_type": "n150", "dram_status": false}}, {"board_info": 1}]}'
    down, unknown = tenstorrent.parse_snapshot(text)
    assert (down.health, unknown.health) == (Health.FAILED, Health.UNKNOWN)


def test_tenstorrent_boards_before_and_after_a_broken_one_are_kept_in_their_places() -> None:
    whole = dialogue("tenstorrent/dstack_blackhole_boards.json")
    at = whole.index('"board_id": "0000040100000000"')
    found = tenstorrent.parse_snapshot(f"Detected chips: 5\n{whole[:at]}###{whole[at + 5 :]}")
    assert [device.model for device in found] == ["p100a", "", "p150b", "p300a", "p300a"]
    assert [device.index for device in found if device.health is Health.UNKNOWN] == [1]
    found = tenstorrent.parse_snapshot(whole[: whole.index("000004123191110e")])
    assert [device.model for device in found] == ["p100a", "p150a", ""]
    assert found[2].health is Health.UNKNOWN
    assert tenstorrent.parse_snapshot(f"{whole}\nGathering Information ... done") == tenstorrent.parse_snapshot(whole)
