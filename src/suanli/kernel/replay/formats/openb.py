"""The node and task lists of the openb production cluster, as used by the FGD paper.

Q. Weng et al., "Beware of fragmentation: scheduling GPU-sharing workloads with fragmentation gradient descent", USENIX
ATC 2023. Comma-separated with a header; times are seconds, memory is MiB, shares of a GPU are thousandths.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Final

from suanli.kernel.replay.center import CenterDescription, DeviceGroup, NodeGroup
from suanli.kernel.replay.trace import Trace, coded, make_trace
from suanli.kernel.scheduling.core import tables as t
from suanli.model.devices import MAX_DEVICES
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import MAX_CPU_MILLI, MAX_MEMORY_BYTES, WHOLE_DEVICE

_SECOND_US: Final = 1_000_000
_MIB: Final = 1024**2
_MOST_DIGITS: Final = 1000
"""More digits are no amount of anything, and Python reads no number of very many."""


def read_nodes(text: str) -> CenterDescription:
    """A node list (``sn, cpu_milli, memory_mib, gpu, model``): neighbours that are equal make one group.

    Raises:
        InvalidRequestError: a column is missing, or a line is damaged or tells of no node that there can be; ``field``
            names it.
    """
    kinds: list[tuple[int, int, int, str]] = []
    counts: list[int] = []
    for line, row in _rows(text, ("cpu_milli", "memory_mib", "gpu", "model")):
        amounts = (
            _within(line, row, "cpu_milli", 1, MAX_CPU_MILLI),
            _within(line, row, "memory_mib", 0, MAX_MEMORY_BYTES // _MIB),
            _within(line, row, "gpu", 0, MAX_DEVICES),
        )
        kind = (*amounts, row["model"])
        if kinds and kinds[-1] == kind:
            counts[-1] += 1
        else:
            kinds.append(kind)
            counts.append(1)
    groups = (
        NodeGroup(
            prefix=f"openb-{place}-",
            count=count,
            cpu_milli=cpu,
            memory_bytes=mib * _MIB,
            devices=(DeviceGroup(model=model, count=gpus),) if gpus else (),
        )
        for place, ((cpu, mib, gpus, model), count) in enumerate(zip(kinds, counts, strict=True))
    )
    return CenterDescription(groups=tuple(groups))


def read_tasks(text: str) -> Trace:
    """A task list; ``number`` counts its lines from 0, ``queue`` is the class of service.

    ``gpu_spec`` names models with ``|`` between them. Where a task has no times (some lists have none), it is submitted
    at the origin and does not end; where it was never scheduled, it is taken to have run from its creation. A task that
    was deleted in the second it began is dropped and counted.

    Raises:
        InvalidRequestError: a column is missing or a line is damaged; ``field`` names it.
    """
    rows = list(_rows(text, ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli")))
    runtimes = [_runtime_us(line, row) for line, row in rows]
    kept = [(number, line, row) for number, (line, row) in enumerate(rows) if runtimes[number] > 0]
    specs = [tuple(filter(None, row.get("gpu_spec", "").split("|"))) for _, _, row in kept]
    models = {model: bit for bit, model in enumerate(dict.fromkeys(model for spec in specs for model in spec))}
    queue, queues = coded(row.get("qos", "") for _, _, row in kept)
    runtime = [runtimes[number] for number, _, _ in kept]
    return make_trace(
        {
            "number": [number for number, _, _ in kept],
            "submitted_us": [_whole(line, row, "creation_time", 0) * _SECOND_US for _, line, row in kept],
            "runtime_us": runtime,
            "requested_us": runtime,
            "cpu_milli": [_whole(line, row, "cpu_milli") for _, line, row in kept],
            "memory_bytes": [_whole(line, row, "memory_mib") * _MIB for _, line, row in kept],
            "device_count": [_whole(line, row, "num_gpu") for _, line, row in kept],
            "device_share": [_whole(line, row, "gpu_milli") or WHOLE_DEVICE for _, line, row in kept],
            "device_models": [sum(1 << models[model] for model in set(spec)) for spec in specs],
            "queue": queue,
        },
        models=tuple(models),
        names={"queues": queues},
        dropped=len(rows) - len(kept),
    )


def _runtime_us(line: int, row: Mapping[str, str]) -> int:
    if not row.get("deletion_time"):
        return t.NEVER
    begun = row.get("scheduled_time") and "scheduled_time"
    return (_whole(line, row, "deletion_time") - _whole(line, row, begun or "creation_time", 0)) * _SECOND_US


def _rows(text: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines after the header with their numbers."""
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        header = next(reader, [])
        for name in needed:
            if name not in header:
                raise InvalidRequestError(
                    "lines.1", f"line 1: no column {name}", f"the columns needed: {', '.join(needed)}"
                )
        for words in reader:
            if len(words) != len(header):
                detail = f"line {reader.line_num}: {len(words)} columns, not {len(header)}"
                raise InvalidRequestError(f"lines.{reader.line_num}", detail)
            yield reader.line_num, dict(zip(header, words, strict=True))
    except csv.Error as error:
        raise InvalidRequestError(f"lines.{reader.line_num}", f"line {reader.line_num}: {error}") from error


def _whole(line: int, row: Mapping[str, str], name: str, otherwise: int | None = None) -> int:
    text = row.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise InvalidRequestError(f"lines.{line}", f"line {line}: {name} is {text!r}, not a whole number")
    return int(text)


def _within(line: int, row: Mapping[str, str], name: str, least: int, most: int) -> int:
    amount = _whole(line, row, name)
    if not least <= amount <= most:
        raise InvalidRequestError(f"lines.{line}", f"line {line}: {name} {amount} does not lie in {least}..{most}")
    return amount
