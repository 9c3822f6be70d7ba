"""A center that root serves: work runs as the account of whom it belongs to, and sees nothing of anybody else's."""

import os
import pwd
from collections.abc import Iterator

import pytest

from tests.live.house import UNTIL_TOLD, House, Person, standing

pytestmark = [pytest.mark.slow, pytest.mark.root]

ACCOUNTS = {"ann": "games", "bob": "news"}
SECRET = "of-bob-and-nobody-else"
# Brackets, so that whoever looks for it does not find itself.
LOOK_FOR_BOBS_PROCESS = f"""
for process in /proc/[0-9]*; do
  if tr '\\0' ' ' 2>/dev/null < $process/cmdline | grep -q '[o]{SECRET[1:]}'; then
    echo seen
    kill -9 ${{process#/proc/}} 2>/dev/null && echo killed
    cat $process/environ >/dev/null 2>&1 && echo read
  fi
done
echo looked
"""


@pytest.fixture(scope="module", params=["auto", "none"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with standing(SUANLI_LOCAL_ISOLATION=request.param) as made:
        yield made


@pytest.fixture
def namespaces(admin: Person) -> bool:
    [local] = admin.asks("GET", "engines")["items"]
    assert local["isolation"] in {"namespaces", "accounts"}
    return bool(local["isolation"] == "namespaces")


@pytest.fixture(scope="module")
def people(house: House) -> Iterator[dict[str, Person]]:
    admin = house.admin()
    made = {}
    for name, account in (*ACCOUNTS.items(), ("eve", "")):
        admin.asks("POST", "users", {"name": name, "role": "user", "account": account}, status=201)
        token = admin.asks("POST", f"users/{name}/tokens", {"scopes": ["read", "write"]}, status=201)["secret"]
        made[name] = Person(house.url, token)
    yield made
    for person in (admin, *made.values()):
        person.close()


@pytest.fixture
def ann(people: dict[str, Person]) -> Person:
    return people["ann"]


@pytest.fixture
def bob(people: dict[str, Person]) -> Person:
    return people["bob"]


def lines(person: Person, script: str) -> list[str]:
    """What a line of shell that succeeds prints."""
    work = person.shell(script)
    assert person.awaits(work)["state"] == "completed", person.reads(work, "stderr")
    return person.reads(work).splitlines()


def test_work_runs_as_its_owners_account_and_as_no_more(ann: Person) -> None:
    entry = pwd.getpwnam(ACCOUNTS["ann"])
    rights = "grep -E '^(NoNewPrivs|CapEff)' /proc/self/status"
    uid, gid, groups, name, umask, *status = lines(ann, f"id -u; id -g; id -G; id -un; umask; {rights}")
    assert (int(uid), int(gid), name, umask) == (entry.pw_uid, entry.pw_gid, entry.pw_name, "0077")
    assert {int(group) for group in groups.split()} == set(os.getgrouplist(entry.pw_name, entry.pw_gid))
    assert sorted(line.split()[1] for line in status) == ["0000000000000000", "1"]


def test_work_sees_nothing_of_the_center(ann: Person, house: House, namespaces: bool) -> None:
    private = [*house.home.glob("*.*"), house.home / "admin-token", house.home / "local" / "runs"]
    assert {"center.db", "admin-token", "connection.json", "suanlid.log"} <= {path.name for path in private}
    looks = [f"head -c1 {path} >/dev/null 2>&1 && echo opened {path}" for path in private if path.is_file()]
    looks += [f"ls {path} 2>/dev/null | grep -q . && echo listed {path}" for path in (house.home, private[-1])]
    looks += [f"touch {house.home}/mine 2>/dev/null"]
    found = lines(ann, "\n".join([*looks, "env", "echo looked"]))
    assert found[-1] == "looked"
    assert not [line for line in found if line.startswith("opened")]
    # In namespaces folders of its own stand where the home is, with nothing in them but the way to its scratch.
    listed = [line for line in found if line.startswith("listed")]
    assert listed == ([f"listed {house.home}", f"listed {private[-1]}"] if namespaces else [])
    secret = (house.home / "admin-token").read_text(encoding="utf-8").strip()
    assert not [line for line in found if secret in line or "SUANLI_HOME" in line or "SUANLI_DATABASE" in line]
    assert not (house.home / "mine").exists()


def test_nothing_is_fetched_with_the_centers_rights(ann: Person, house: House) -> None:
    token = house.home / "admin-token"
    fetched = ann.shell("cat token && echo fetched", inputs=[{"source": str(token), "target": "token"}])
    assert (ann.awaits(fetched)["state"], ann.reads(fetched)) == ("failed", "")
    assert "token" in ann.reads(fetched, "stderr")
    inside = ann.shell("pwd", working_directory=str(house.home / "local" / "gone"))
    assert (ann.awaits(inside)["state"], ann.reads(inside)) == ("failed", "")


def test_work_of_others_is_out_of_reach(ann: Person, bob: Person, namespaces: bool) -> None:
    bobs = bob.submits(
        "/bin/sh", "-c", f"echo $0 > private; echo $0 > /tmp/{SECRET}; pwd; echo ready; {UNTIL_TOLD}", SECRET
    )
    bob.awaits_line(bobs, "ready")
    place = bob.reads(bobs).splitlines()[0]
    reach = f"cat {place}/private 2>/dev/null; ls {place} 2>/dev/null; touch {place}/mine 2>/dev/null && echo wrote"
    assert lines(ann, f"{reach}; echo looked") == ["looked"]
    seen = lines(ann, LOOK_FOR_BOBS_PROCESS)
    assert seen == ["looked"] if namespaces else set(seen) == {"seen", "looked"}
    in_tmp = lines(ann, f"ls /tmp; cat /tmp/{SECRET} 2>/dev/null; echo looked")
    assert in_tmp == ["looked"] if namespaces else SECRET not in in_tmp[-2:]
    assert bob.sees(bobs)["state"] == "running"
    bob.asks("POST", f"workloads/{bobs}/cancel")
    assert bob.awaits(bobs)["state"] == "cancelled"


def test_output_is_its_owners(ann: Person, bob: Person, admin: Person) -> None:
    work = ann.shell("echo mine; echo kept > kept", outputs=[{"name": "kept", "path": "kept"}])
    ann.awaits(work)
    for what, text in (("logs", b"mine\n"), ("outputs/kept", b"kept\n")):
        assert ann.asks("GET", f"workloads/{work}/{what}") == text
        assert admin.asks("GET", f"workloads/{work}/{what}") == text
    for what in ("", "/logs", "/logs/live", "/outputs", "/outputs/kept", "/why"):
        assert bob.asks("GET", f"workloads/{work}{what}", status=404)["code"] == "not_found"
    for verb in ("cancel", "requeue", "hold"):
        assert bob.asks("POST", f"workloads/{work}/{verb}", status=404)["code"] == "not_found"
    # An output is what the account itself left, not what a name in its folder leads to.
    link = ann.shell("ln -s /etc/shadow kept", outputs=[{"name": "kept", "path": "kept"}])
    ann.awaits(link)
    assert ann.asks("GET", f"workloads/{link}/outputs/kept", status=404)["code"] == "not_found"


def test_whoever_has_no_account_is_told_so(people: dict[str, Person]) -> None:
    refused = people["eve"].asks("POST", "workloads", {"command": ["/bin/true"]}, status=403)
    assert (refused["code"], refused["params"]["reason"]) == ("admission_refused", "account_missing")
