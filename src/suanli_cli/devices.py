"""The grammar in which devices and work are asked for in one word, and told again: read and written here only.

    CLASS[:MODEL|CONDITION[,...]][:PARTITION][:COUNT|:SHARE]
    gpu:A100:2   npu:910B:8   any:bf16>=300TF,mem>=64GB:4   gpu:0.5   gpu:A100:1g.10gb:2   npu:vir02

Conditions are ``mem>=SIZE``, ``PRECISION>=RATE``, a precision alone, which any rate will do for, how near each
other the devices of one task must be: ``gpu:A100,link:4``, and by what FPGAs must be configured:
``fpga:U280,bitstream=vadd``.
A partition is a
part of a device by its vendor's own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PRECISIONS = ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "int8")
INTERCONNECTS = ("link", "switch", "bridge", "host", "node")
DEVICE_CLASSES = ("gpu", "npu", "fpga", "any")
FORM = "CLASS[:MODEL][:PARTITION][:COUNT]"
EXAMPLES = (
    "gpu:2, gpu:A100:2, gpu:0.5, gpu:A100:1g.10gb, npu, 'any:bf16>=300TF,mem>=64GB:4', gpu:A100,link:4, "
    "fpga:U280,bitstream=vadd"
)

_BITSTREAM = "bitstream="
_COUNT = re.compile(r"[0-9]+")
_SHARE = re.compile(r"0?\.[0-9]+")
_PARTITION = re.compile(r"[0-9]+g\.[0-9]+gb|vir[0-9]{2}(?:_[0-9]+[cg])*")
_RATE = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{1,6})?(?:e[0-9]{1,2})?) ?([kmgtp]|(?-i:E)|)(?:(?:fl)?ops?|f)?(?:/s)?",
    re.IGNORECASE | re.ASCII,
)
_SCALES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_UNITS = ("", "K", "M", "G", "T", "P", "E")


class GrammarError(Exception):
    """The part of a word that cannot be read."""


def parse_device(word: str) -> dict[str, Any]:
    """The fields of a device request.

    Raises:
        GrammarError: it is not of the grammar.
    """
    kind, *rest = word.split(":")
    if kind not in DEVICE_CLASSES:
        raise GrammarError(kind)
    request: dict[str, Any] = {"class": kind}
    if rest and _COUNT.fullmatch(rest[-1]):
        request["count"] = int(rest.pop())
    elif rest and _SHARE.fullmatch(rest[-1]):
        request["share"] = float(rest.pop())
    if rest and _PARTITION.fullmatch(rest[-1]):
        request["partition"] = rest.pop()
    if len(rest) > 1:
        raise GrammarError(":".join(rest))
    for part in rest[0].split(",") if rest else ():
        for name, value in _part(part).items():
            if name in request:
                raise GrammarError(part)
            request[name] = value
    return request


def _part(part: str) -> dict[str, Any]:
    if part.startswith(_BITSTREAM) and part != _BITSTREAM:
        return {"bitstream": part.removeprefix(_BITSTREAM)}
    name, mark, value = part.partition(">=")
    if not name or (mark and not value):
        raise GrammarError(part)
    if not mark:
        kind = "precision" if name in PRECISIONS else "interconnect" if name in INTERCONNECTS else "model"
        return {kind: name}
    if name == "mem":
        return {"min_memory": value}
    if name not in PRECISIONS:
        raise GrammarError(part)
    return {"precision": name, "at_least": parse_operations(value)}


def format_device(request: Mapping[str, Any]) -> str:
    """The word for a device request as the server tells it; what is left out is what it is without saying."""
    parts = [request["model"]] if request.get("model") else []
    if request.get("at_least"):
        parts.append(f"{request['precision']}>={format_operations(request['at_least'])}F")
    elif request.get("precision"):
        parts.append(request["precision"])
    if request.get("min_memory"):
        parts.append(f"mem>={_memory(request['min_memory'])}")
    if request.get("interconnect"):
        parts.append(request["interconnect"])
    if request.get("bitstream"):
        parts.append(_BITSTREAM + request["bitstream"])
    count, share = request.get("count", 1), request.get("share", 1.0)
    number = [f"{share:g}"] if share < 1 else [str(count)]
    partition = [request["partition"]] if request.get("partition") else []
    return ":".join([request.get("class", "any"), *([",".join(parts)] if parts else []), *partition, *number])


def parse_work(word: str) -> tuple[str, float]:
    """``bf16=3.2e18``: a precision, and how many operations.

    Raises:
        GrammarError: it is not of the grammar.
    """
    precision, _, operations = word.partition("=")
    if precision not in PRECISIONS:
        raise GrammarError(precision)
    return precision, parse_operations(operations)


def parse_operations(word: str) -> float:
    """Operations, or those of a second, of ``300TF``, ``3.2e18`` or ``250 TOPS``.

    Raises:
        GrammarError: it is no amount of them.
    """
    found = _RATE.fullmatch(word)
    if found is None or not float(found[1]):
        raise GrammarError(word)
    return float(found[1]) * 1000.0 ** _SCALES[found[2].lower()]


def format_operations(operations: float) -> str:
    """``300T``: in the largest unit of which there is one."""
    place = 0
    while place < len(_UNITS) - 1 and operations >= 1000:
        operations, place = operations / 1000, place + 1
    return f"{operations:.6g}{_UNITS[place]}"


def _memory(amount: str | int) -> str:
    if isinstance(amount, str):
        return amount
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if amount % 1024**power == 0:
            return f"{amount // 1024**power}{unit}"
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "KB")):
        if amount % 1000**power == 0:
            return f"{amount // 1000**power}{unit}"
    return str(amount)
