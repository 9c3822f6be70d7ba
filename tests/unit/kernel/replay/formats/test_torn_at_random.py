"""Texts in each format torn at random: what comes is a trace, or a refusal that names the place; never an accident."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.formats.gavel import read_gavel, read_throughputs
from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.replay.formats.sacct import read_sacct
from suanli.kernel.replay.formats.swf import SwfLog, from_swf_header, read_swf
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError

RATES = read_throughputs({"v100": {"('ResNet', 1)": {"null": 10}, "('LM', 2)": {"null": 0.5}}})
SWF = """\
; MaxProcs: 100
; UnixStartTime: 0
1 0 5 60 4 50 1000 4 120 2000 1 7 3 2 1 1 -1 -1
2 30 0 10 2 -1 -1 8 -1 -1 0 9 3 -1 0 1 -1 -1
3 31 0 -1 -1 -1 -1 8 600 -1 5 9 3 -1 0 1 -1 -1
"""
SACCT = """\
JobIDRaw|Submit|Start|End|Elapsed|Timelimit|NCPUS|NNodes|AllocTRES|ReqMem|User|State|TotalCPU|MaxRSS|NTasks
1|2024-05-01T10:00:00|2024-05-01T10:01:00|2024-05-01T11:00:00|00:59:00|01:00:00|8|2|cpu=8,mem=16G,gres/gpu=2|8Gn|ann|COMPLETED|03:20.5||
1.batch|2024-05-01T10:00:00|2024-05-01T10:01:00|2024-05-01T11:00:00|00:59:00||4|1||||COMPLETED|01:00|3120K|1
2|2024-05-01T10:00:30|Unknown|Unknown|00:00:00|UNLIMITED|1|1||4Gc|bob|PENDING|||
"""
TASKS = """\
name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,creation_time,deletion_time,scheduled_time
a,12000,16384,1,460,V100M16|V100M32,LS,0,1262,10
b,6000,12288,0,0,,BE,12,,
"c",6000,0,8,1000,T4,Burstable,13,900,
"""
NODES = """\
sn,cpu_milli,memory_mib,gpu,model
openb-node-0,64000,262144,2,P100
openb-node-1,96000,393216,8,"T4"
openb-node-2,32000,131072,0,
"""
GAVEL = """\
ResNet\tpython3 main.py\tfolder\t-n\t1\t4000\t1\t1\t-1.000000\t0.5
LM\tpython3 lm.py\tfolder\t--steps\t1\t100\t2\t1\t-1.000000\t17
"""
READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "swf": (SWF, lambda text: read_swf(text).trace),
    "sacct": (SACCT, read_sacct),
    "tasks": (TASKS, read_tasks),
    "nodes": (NODES, read_nodes),
    "gavel": (GAVEL, lambda text: read_gavel(text, RATES, "v100")),
}
NASTY = ["", "\0", "-", "-1", "0", "9" * 19, "9" * 400, "1e999", "nan", "\N{SUPERSCRIPT TWO}", "\N{BYTE ORDER MARK}"]
NASTY += ['"', "|", ",", "\t", ";", "=", "\r", "\n", "\x0b", "\x1c", "\N{LINE SEPARATOR}", "\N{NO-BREAK SPACE}"]
NASTY += ["\N{ARABIC-INDIC DIGIT THREE}", "None", "1_0", "0x1f", "1.5", "2024-02-30T00:00:00", "99-99:99:99", "1Z"]


def torn(text: str, chance: Random) -> str:
    """A text after some accidents: characters and words lost or put in, lines lost, doubled and exchanged."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(6):
            case 0:
                text = text[:place] + text[place + chance.randint(1, 9) :]
            case 1:
                text = text[:place] + chance.choice(NASTY) + text[place:]
            case 2:
                lines = text.splitlines(keepends=True)
                chance.shuffle(lines)
                text = "".join(lines)
            case 3:
                lines = text.splitlines(keepends=True) or [""]
                text = "".join([*lines, chance.choice(lines)])
            case 4:
                text = text[:place]
            case _:
                text = _with_another_word(text, chance)
    return text


def _with_another_word(text: str, chance: Random) -> str:
    """One amount of the text is another one."""
    separator = next((one for one in "|\t," if one in text), " ")
    words = text.split(separator)
    words[chance.randrange(len(words))] = chance.choice(NASTY)
    return separator.join(words)


def told(read: Callable[[Any], object], text: object) -> object:
    """What a reader makes of a text, or how it refuses it; anything else is let through, and fails the test."""
    try:
        return read(text)
    except InvalidRequestError as error:
        return error


def check_refusal(error: InvalidRequestError) -> None:
    """The place is a line or a column with its row, or a description without nodes."""
    head, _, place = error.field.partition(".")
    assert error.code == "invalid_request"
    assert error.detail
    assert head in {"lines", "nodes", *Trace.__dataclass_fields__}
    assert head in {"models", "nodes"} or place.isdecimal()
    if head == "lines":
        assert error.detail.startswith(f"line {place}: ")


@pytest.mark.parametrize(
    ("name", "count", "dropped"), [("swf", 2, 1), ("sacct", 1, 1), ("tasks", 3, 0), ("gavel", 2, 0)]
)
def test_the_texts_are_sound_before_they_are_torn(name: str, count: int, dropped: int) -> None:
    text, read = READERS[name]
    found = told(read, text)
    assert isinstance(found, Trace)
    assert (len(found), found.dropped) == (count, dropped)
    assert isinstance(told(*READERS["nodes"][::-1]), CenterDescription)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=200)
@given(seed=st.integers(0, 2**32))
def test_a_torn_text_is_read_or_refused_by_name(name: str, seed: int) -> None:
    text, read = READERS[name]
    found = told(read, torn(text, Random(seed)))
    if isinstance(found, InvalidRequestError):
        check_refusal(found)
    elif isinstance(found, CenterDescription):
        assert found.nodes >= 1
        assert found.cpu_milli >= 1
    else:
        assert isinstance(found, Trace)
        assert (found.runtime_us > 0).all()
        assert (found.tasks > 0).all()


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=20)
@given(text=st.text(st.sampled_from('\0\n|,;\t" 019-aé\u2028'), max_size=60))
def test_what_is_no_such_text_at_all_is_refused_too(name: str, text: str) -> None:
    """Only a log and training may be empty, or all remarks; the others have a header."""
    _, read = READERS[name]
    found = told(read, text)
    if isinstance(found, InvalidRequestError):
        check_refusal(found)
    else:
        assert isinstance(found, Trace)
        assert (name in {"swf", "gavel"}, len(found)) == (True, 0)


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_the_machine_of_a_torn_header_is_a_machine_or_is_asked_for(seed: int) -> None:
    log = told(read_swf, torn(SWF, Random(seed)))
    if isinstance(log, InvalidRequestError):
        check_refusal(log)
        return
    assert isinstance(log, SwfLog)
    processors = log.header.max_procs or log.header.max_nodes
    machine = told(from_swf_header, log.header)
    if isinstance(machine, CenterDescription):
        assert machine.nodes == processors
    else:
        assert isinstance(machine, InvalidRequestError)
        assert machine.field == ("nodes" if processors else "MaxProcs")


SCALARS: Any = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 10**20), st.floats(), st.text(max_size=5), st.sampled_from(["1GiB", "7d"])
)
DOCUMENTS: Any = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                [
                    "nodes",
                    "cpus",
                    "memory",
                    "devices",
                    "model",
                    "power",
                    "idle_w",
                    "reservations",
                    "name",
                    "start",
                    "end",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(DOCUMENTS, st.sampled_from(["", "nodes", "reservations", "shares", "scale", "power_cap_w"]))
def test_any_document_is_a_center_or_is_refused_by_the_place(document: Any, put_at: str) -> None:
    sound = {"nodes": [{"cpus": 1, "memory": "1GiB"}]}
    found = told(from_mapping, sound | {put_at: document} if put_at else document)
    if isinstance(found, InvalidRequestError):
        assert found.detail
        assert found.field.partition(".")[0] in ({put_at} if put_at else {"center", "nodes", "reservations"})
    else:
        assert isinstance(found, CenterDescription)
        assert found.nodes >= 1


@settings(max_examples=100)
@given(st.dictionaries(st.text(max_size=8), DOCUMENTS, max_size=3))
def test_any_document_is_rates_or_is_refused_by_the_place(document: Any) -> None:
    found = told(read_throughputs, document)
    if isinstance(found, InvalidRequestError):
        assert found.field.startswith("throughputs.")
    else:
        assert isinstance(found, dict)
        assert set(found) == set(document)
