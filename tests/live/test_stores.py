"""One day of a center on each of its stores: work of many shapes, the server killed in the middle, the books right."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.live.house import UNTIL_TOLD, House, Person, standing
from tests.postgres import emptied, running_postgresql

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with contextlib.ExitStack() as ending:
        environment = {}
        if request.param == "postgresql":
            environment["SUANLI_DATABASE"] = emptied(ending.enter_context(running_postgresql()))
        yield ending.enter_context(standing(**environment))


def test_a_day(house: House, admin: Person) -> None:
    array = admin.shell("exit $((SUANLI_ARRAY_INDEX % 2))", array="0-3%2")
    gather = admin.shell("echo gathered", dependencies=[f"afterany:{array}"])
    never = admin.shell("echo never", dependencies=[f"afterok:{array}"])
    late = admin.shell(f"echo begun; {UNTIL_TOLD}", time_limit="1s")
    unwanted = admin.shell(f"echo begun; {UNTIL_TOLD}")
    go = house.folder / "go"
    script = f"echo begun; while [ ! -e {go} ]; do sleep 0.05; done; exit 5"
    outlives = admin.shell(script, working_directory=str(house.folder))
    after = admin.shell("echo after", dependencies=[f"afternotok:{outlives}"])
    assert admin.awaits(late)["state"] == "timeout"
    admin.awaits_line(unwanted, "begun")
    admin.awaits_line(outlives, "begun")
    house.kill()
    go.touch()
    house.up()
    assert [admin.awaits(f"{array}_{n}")["state"] for n in range(4)] == ["completed", "failed", "completed", "failed"]
    assert admin.awaits(gather)["state"] == "completed"
    assert (admin.awaits(never)["state"], admin.sees(never)["cause"]) == ("cancelled", "dependency")
    admin.asks("POST", f"workloads/{unwanted}/cancel")
    assert admin.awaits(unwanted)["state"] == "cancelled"
    assert (admin.awaits(outlives)["state"], admin.sees(outlives)["exit_code"]) == ("failed", 5)
    assert admin.awaits(after)["state"] == "completed"
    assert {w["attempt"] for w in admin.asks("GET", "workloads", limit=100)["items"] if w["id"] != never} == {1}
    assert "No work was running" in house.down()
    told = house.runs("suanlid", "verify")
    assert "is whole" in told
    assert "every table is what the facts say" in told
