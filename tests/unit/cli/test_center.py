"""What is printed of nodes and their devices."""

from __future__ import annotations

import json

import pytest

from suanli_cli.main import run
from suanli_cli.text import held
from tests.unit.cli.fake_server import FakeServer, Reply
from tests.unit.cli.samples import node, run_of


def test_devices_show_what_each_is_and_how(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    found = node()
    hot, lost = found["devices"]
    parts = [{"name": "1g.5gb", "free": 6, "most": 7}, {"name": "2g.10gb", "free": 3, "most": 3}]
    hot |= {"precisions": ["bf16", "fp64"], "reason": "slowed by heat", "partitions": parts, "enforced": True}
    lost |= {"healthy": False, "reason": "fell off the bus", "memory_bytes": 0}
    server.on("GET", "/v1/nodes", Reply({"items": [found]}))
    assert run(["devices"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == [
        [
            "n1",
            "0",
            "gpu",
            "A100",
            "40GiB",
            "bf16",
            "fp64",
            "0",
            "1g.5gb",
            "6/7",
            "2g.10gb",
            "3/3",
            "yes",
            "works:",
            "slowed",
            "by",
            "heat",
        ],
        ["n1", "1", "gpu", "A100", "0.5", "no", "out", "of", "use:", "fell", "off", "the", "bus"],
    ]
    assert run(["devices", "--json"]) == 0
    assert [item["index"] for item in json.loads(capsys.readouterr().out)["items"]] == [0, 1]


@pytest.mark.parametrize(
    ("device", "told"),
    [
        ({"index": 0, "share": 1.0, "partition": "", "slices": []}, "device 0"),
        ({"index": 1, "share": 0.5, "partition": "", "slices": []}, "device 1 (50%)"),
        ({"index": 2, "share": 0.142, "partition": "1g.10gb", "slices": [6]}, "device 2 (1g.10gb)"),
        ({"index": 2, "share": 1.0, "partition": "7g.80gb", "slices": [0, 1]}, "device 2 (7g.80gb)"),
    ],
)
def test_of_a_held_device_it_is_told_what_part_is_held(device: dict[str, object], told: str) -> None:
    (hold,) = run_of(12)["nodes"]
    assert held(hold | {"devices": [device]}).endswith(f", {told}")
