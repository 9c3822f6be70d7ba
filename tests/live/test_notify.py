"""A real center writes real mail: of work that ended while no server ran, too."""

import pytest

from bench.rig.processes import free_ports, wait_until
from tests.contract.receiving import mail_server
from tests.live.house import PATIENCE_S, standing

pytestmark = pytest.mark.slow


def test_who_asked_is_written_to() -> None:
    [port] = free_ports(1)
    environment = {
        "SUANLI_MAIL_SERVER": f"127.0.0.1:{port}",
        "SUANLI_MAIL_SECURITY": "none",
        "SUANLI_MAIL_SENDER": "suanli@example.org",
        "SUANLI_NOTIFY_LANGUAGE": "zh",
    }
    with mail_server(port) as (box, _), standing(**environment) as house:
        admin = house.admin()
        admin.asks("POST", "workloads", {"command": ["true"], "notify": [{"address": "ann"}]}, status=422)
        go = house.folder / "go"
        script = f"echo begun; while [ ! -e {go} ]; do sleep 0.05; done; exit 5"
        notify = [{"address": "ann@example.org", "events": ["started", "failed"]}]
        workload = admin.shell(script, name="松弛", notify=notify, working_directory=str(house.folder))
        admin.awaits_line(workload, "begun")
        wait_until(lambda: len(box.mail) == 1, PATIENCE_S, "mail of the start")
        house.kill()
        go.touch()
        house.up()
        admin.close()
        wait_until(lambda: len(box.mail) == 2, PATIENCE_S, "mail of the end")
        assert [str(mail["Subject"]) for mail in box.mail] == [
            f"[suanli] 松弛（{workload}）已开始运行",
            f"[suanli] 松弛（{workload}）运行失败：failed",
        ]
        assert box.recipients == ["ann@example.org"] * 2
        assert "exit_code: 5" in box.mail[1].get_content()
