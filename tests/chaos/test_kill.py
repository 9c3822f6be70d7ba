import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.rig.center import Center, Client
from bench.rig.processes import wait_until
from tests.chaos.checker import Verdict, judge, on_record
from tests.chaos.killer import kill
from tests.chaos.load import Load

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get("SUANLI_CHAOS_KILLS", "50"))
SEED = int(os.environ.get("SUANLI_CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
CONTROL_KILLS = 6
LAGGING = (sys.executable, str(Path(__file__).with_name("lagging.py")))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir()
    return folder


@pytest.fixture
def center(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Center]:
    found = Center(tmp_path / "home", **getattr(request, "param", {}))
    found.start()
    yield found
    found.stop()


def survive(center: Center, ledger: Path, kills: int, capsys: pytest.CaptureFixture[str]) -> Verdict:
    """Load and kill the center, then let it finish what it has and judge it."""
    tell(capsys, f"SUANLI_CHAOS_SEED={SEED}, {kills} kills")
    began = time.monotonic()
    with Load(center.ready(), ledger, SEED) as tally:
        downs = kill(center, tally, ledger, kills, SEED)
        client = Client(center, center.ready())
    wait_until(client.idle, 180, "the queue to be empty", pause_s=0.5)
    with client.wires(1) as (wire,):
        verdict = judge(on_record(wire), tally, ledger, downs)
    tell(
        capsys,
        f"{verdict.acknowledged} workloads acknowledged, {verdict.executed} executed, {verdict.ended_while_down} of "
        f"them ended while no server ran; {len(verdict.breaches)} breaches in {time.monotonic() - began:.0f} s",
    )
    return verdict


def tell(capsys: pytest.CaptureFixture[str], line: str) -> None:
    """Show it even if the test passes: with the seed the same instants are drawn again."""
    with capsys.disabled():
        print(f"\n{line}")  # noqa: T201


def test_nothing_is_lost_and_nothing_runs_twice_however_often_the_server_is_killed(
    center: Center, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = survive(center, ledger, KILLS, capsys)

    assert verdict.breaches == []
    # Else nothing was put to the test.
    assert verdict.acknowledged > 5 * KILLS
    assert verdict.ended_while_down > 0

    center.stop()
    verified = center.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("center", [{"main": LAGGING}], indirect=True)
def test_the_same_killing_finds_what_a_server_without_the_durable_commit_loses(
    center: Center, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = survive(center, ledger, CONTROL_KILLS, capsys)

    assert verdict.breaches
