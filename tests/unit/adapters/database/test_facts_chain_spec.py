"""The specification is checked against the code: its example, its program, its rules of writing."""

import re
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from suanli.adapters.database import open_store
from suanli.adapters.database.chain import GENESIS, link
from suanli.adapters.database.codec import FACT_READERS, encode
from suanli.kernel.lifecycle import fold
from suanli.model.errors import InvalidRequestError
from suanli.model.facts import CancelRequested, TokenIssued, WorkloadSubmitted
from suanli.model.ids import TokenId, WorkloadId
from suanli.model.tenancy import Scope, Token
from suanli.testing.builders import ANN, SetClock, spec, submit

SPEC = (Path(__file__).parents[4] / "specs" / "2-facts-chain.md").read_text()


def test_the_example_has_the_hash_it_says() -> None:
    said = dict(re.findall(r"^    (seq|at_us|type|actor|body|hash) +(\S+)$", SPEC, re.MULTILINE))
    assert encode(CancelRequested(workload=WorkloadId(7))).decode() == said["body"]
    digest = link(
        GENESIS,
        seq=int(said["seq"]),
        at_us=int(said["at_us"]),
        type_name=said["type"],
        actor=said["actor"],
        body=said["body"].encode(),
    )
    assert digest.hex() == said["hash"]


def test_the_printed_program_agrees_with_the_store(tmp_path: Path) -> None:
    program = tmp_path / "check.py"
    (source,) = re.findall(r"```python\n(.*?)```", SPEC, re.DOTALL)
    program.write_text(source)

    def check() -> str:
        words = [sys.executable, str(program), str(tmp_path / "center.db")]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    with closing(open_store(f"sqlite:///{tmp_path}/center.db", fold=fold, clock=SetClock())) as store:
        assert check() == f"0 {GENESIS.hex()}"
        for name in ("plain", "多行 名", 'quoted "and" \\'):
            store.transact(partial(submit, name=name, environment={"A": "\n\t\x01\x7f"}))
        report = store.verify()
        assert check() == f"3 {report.head}"


def test_equal_facts_have_equal_bytes_as_the_rules_say() -> None:
    token = Token(id=TokenId("t"), user=ANN, digest='"\\\n\x01é', scopes=frozenset({Scope.WRITE, Scope.READ}))
    assert encode(TokenIssued(token=token)).decode() == (
        '{"token":{"id":"t","user":"ann","digest":"\\"\\\\\\n\\u0001é","scopes":["read","write"],'
        '"created_at":0,"expires_at":0,"revoked":false,"generation":0}}'
    )
    one, other = ({"B": "2", "A": "1"}, {"A": "1", "B": "2"})
    assert encode(spec(environment=one)) == encode(spec(environment=other))


def test_a_body_of_an_older_version_reads_with_defaults() -> None:
    body = '{"first":3,"count":1,"owner":"ann","spec":{"command":["/bin/true"]},"unheard_of":[1]}'
    old = FACT_READERS["WorkloadSubmitted"](body)
    assert old == WorkloadSubmitted(first=WorkloadId(3), count=1, owner=ANN, spec=spec(name="workload"))


def test_what_utf8_cannot_write_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        encode(["\ud800"])
