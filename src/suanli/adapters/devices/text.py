"""What vendors' tools have in common: numbers with units, tables of bars, and matrices of links."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from suanli.model.discovery import Distance

_INDEX = re.compile(r"[0-9]{1,6}", re.ASCII)
_NUMBER = re.compile(r"\s*([-+]?[0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([^\s0-9]*)\s*", re.ASCII)
_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_PCI = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", re.IGNORECASE | re.ASCII)
_JSON = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_TRIES = 4096
_BLANK = {"", "n/a", "[n/a]", "na", "none", "-", "--", "unknown", "not supported", "[not supported]"}


def told(value: Any) -> str:
    """The text of a value, empty where the tool says that it does not know."""
    text = str(value).strip() if value is not None else ""
    return "" if text.lower() in _BLANK else text


def number(value: Any) -> float | None:
    """The number in ``41``, ``41.0``, ``41 C``, ``41C`` or ``{"value": 41}``; None if there is none."""
    if isinstance(value, Mapping):
        value = value.get("value")
    match = _NUMBER.fullmatch(str(value))
    return float(match[1]) if match else None


def device_number(cell: str) -> int | None:
    """The number of a device as a table or a list writes it, by itself; None if this is none."""
    return int(cell) if _INDEX.fullmatch(cell) else None


def part(record: Any, name: str) -> Mapping[str, Any]:
    """What JSON nests under a name; empty if it nests nothing there."""
    found = record.get(name) if isinstance(record, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def size(value: Any, unit: str = "") -> int | None:
    """Bytes of ``40960 MiB``, of a number in ``unit``, or of ``{"value": 64, "unit": "GB"}``; None if there is none."""
    if isinstance(value, Mapping):
        unit = str(value.get("unit") or unit)
        value = value.get("value")
    match = _NUMBER.fullmatch(str(value))
    if match is None or match[1].startswith("-"):
        return None
    scale = _SIZES.get((match[2] or unit).lower().removesuffix("ib").removesuffix("b"))
    return None if scale is None else int(float(match[1]) * scale)


def pci_address(value: Any) -> str:
    """The address as Linux writes it (``0000:3b:00.0``), out of any text that holds one; empty if none does."""
    match = _PCI.search(str(value))
    if match is None:
        return ""
    return f"{int(match[1] or '0', 16):04x}:{match[2]}:{match[3]}.{match[4]}".lower()


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each line that is drawn between bars, its frame and rules left out."""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("|") and not set(stripped) <= set("|+-= "):
            yield [cell.strip() for cell in stripped.strip("|").split("|")]


def queried(text: str, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """The cells of each line with commas that begins with a device's number, by names, as far as they go."""
    for line in text.splitlines():
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), [])]
        except csv.Error:
            continue
        if len(cells) > 1 and device_number(cells[0]) is not None:
            yield dict(zip(names, cells, strict=False))


def distances(
    text: str, kinds: Mapping[str, Distance], label: str = r"(?:GPU|NPU)[0-9]+"
) -> dict[tuple[int, int], Distance]:
    """Distances by pair of positions in a matrix as ``topo -m`` prints it; a word not in ``kinds`` is left out.

    Words are tried with the digits at their end removed (``NV12`` is ``NV``); ``X`` is a device to itself.
    """
    lines = [line.split() for line in text.splitlines()]
    named = re.compile(label, re.ASCII)
    header = next(
        (line for line in lines if len(line) > 1 and named.fullmatch(line[0]) and named.fullmatch(line[1])), None
    )
    if header is None:
        header = next((line for line in lines if line and named.fullmatch(line[0])), [])
    names = [word for word in header if named.fullmatch(word)]
    place = {name: at for at, name in enumerate(names)}
    found: dict[tuple[int, int], Distance] = {}
    for line in lines:
        if line is header or len(line) < 2 or line[0] not in place:
            continue
        for at, word in enumerate(line[1 : len(names) + 1]):
            kind = Distance.SELF if word == "X" else kinds.get(word.rstrip("0123456789"))
            if kind is not None:
                found[place[line[0]], at] = kind
    return found


def outline(lines: Iterable[str]) -> dict[str, str]:
    """What is told as ``name : value``, by the headings it stands indented under and its own name (``PCI/Bus Id``)."""
    above: list[tuple[int, str]] = []
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not name.strip():
            continue
        depth = len(name.expandtabs()) - len(name.expandtabs().lstrip())
        while above and above[-1][0] >= depth:
            above.pop()
        if colon:
            found.setdefault("/".join([*(heading for _, heading in above), name.strip()]), value.strip())
        else:
            above.append((depth, name.strip()))
    return found


def sections(text: str, heading: re.Pattern[str]) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Each line that is a heading all by itself, and the lines between it and the next one."""
    match: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        new = heading.fullmatch(line)
        if new is None:
            lines.append(line)
            continue
        if match is not None:
            yield match, lines
        match, lines = new, []
    if match is not None:
        yield match, lines


def records(text: str, name: str, mark: str) -> list[Any]:
    """What JSON lists under ``name``, or at its top; ``mark`` is a field that each record has.

    Lines before JSON and after it are passed over. Where it is broken, its whole records are kept in their places and
    None stands for each that is not whole; of a text that breaks off, the last record is not trusted.
    """
    for position, start in enumerate(islice(_JSON.finditer(text), 4)):
        try:
            whole, _ = json.JSONDecoder().raw_decode(text, start.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(whole, dict) and name in whole:
            return whole[name] if isinstance(whole[name], list) else []
        if isinstance(whole, list) and (position == 0 or any(isinstance(one, dict) and mark in one for one in whole)):
            return whole
    return _whole_records(text, name, f'"{mark}"')


def _whole_records(text: str, name: str, quoted: str) -> list[Any]:
    found: list[Any] = []
    at = seen = 0
    for _ in range(_TRIES):
        at = text.find("{", at)
        if at < 0:
            break
        try:
            value, end = json.JSONDecoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if quoted.strip('"') in value:
            found += [None] * text.count(quoted, seen, at) + [value]
            seen = end
        at = end
    found += [None] * text.count(quoted, seen)
    if found and "]" not in text[seen:]:
        found[-1] = None
    return found or [None] * (f'"{name}": [{{' in text)
