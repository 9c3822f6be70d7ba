"""Field types that several shapes share: amounts with text forms, names, instants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from suanli.model.devices import MAX_RATE
from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import (
    BILLION,
    MAX_CPU_MILLI,
    MAX_MEMORY_BYTES,
    TRILLION,
    WHOLE_CPU,
    parse_duration,
    parse_instant,
    parse_memory,
    parse_operations,
)
from suanli.model.quota import MAX_TOTAL_MEMORY_BYTES
from suanli.model.spec import MAX_PRIORITY, MAX_TIME_LIMIT_S, MAX_WORK

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


PartitionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._]*$", max_length=32), Field(examples=["1g.10gb"])]
BitstreamName = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._+-]{0,63})?$"), Field(examples=["vadd"])
]


class Body(BaseModel):
    """What a caller sends: exactly the fields there are, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def text_form(parse: Callable[[str], object]) -> BeforeValidator:
    """Take text through ``parse`` and anything else as it is; what ``parse`` refuses is told like any wrong field."""

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except InvalidRequestError as error:
            told = {"problem": error.detail, "hint": error.hint}
            raise PydanticCustomError("text_form", "{problem}; {hint}", told) from None

    return BeforeValidator(convert)


def _remembering(parse: Callable[[str], int]) -> Callable[[str], int]:
    """``parse``, which remembers short texts: few different ones occur, and long ones would fill the memory."""
    known = lru_cache(1024)(parse)
    return lambda text: known(text) if len(text) <= _SHORT else parse(text)


_SHORT = 32
_DURATION = (
    "^(?:[0-9]{1,9}|(?=[0-9])(?:[0-9]{1,4}d)?(?:[0-9]{1,5}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,8}s)?"
    "|(?:[0-9]{1,3}-)?[0-9]{1,4}:[0-5]?[0-9](?::[0-5]?[0-9])?)$"
)
_MEMORY = "^[0-9]{1,3}(?:\\.[0-9]{1,6})? ?(?:[kKmMgGtTpP][iI]?)?[bB]?$"

Seconds = Annotated[
    int,
    Field(ge=0, le=MAX_TIME_LIMIT_S),
    text_form(_remembering(parse_duration)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_TIME_LIMIT_S},
                {"type": "string", "pattern": _DURATION},
            ],
            "examples": [3600, "2h30m", "1-12:00:00"],
        }
    ),
]
"""Whole seconds, or the text forms of :func:`suanli.model.quantities.parse_duration`."""


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


Moment = Annotated[
    int,
    text_form(parse_instant),
    BeforeValidator(_only_text),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T11:00:00Z"]}),
]
"""Microseconds since the epoch, written as an instant in RFC 3339 form."""

_memory_form = text_form(_remembering(parse_memory))


def _memory_schema(most: int, *examples: int | str) -> WithJsonSchema:
    forms = [{"type": "integer", "minimum": 0, "maximum": most}, {"type": "string", "pattern": _MEMORY}]
    return WithJsonSchema({"anyOf": forms, "examples": list(examples)})


MemoryBytes = Annotated[
    int,
    Field(ge=0, le=MAX_MEMORY_BYTES),
    _memory_form,
    _memory_schema(MAX_MEMORY_BYTES, 4294967296, "4GiB", "500MB"),
]
"""Bytes, or the text forms of :func:`suanli.model.quantities.parse_memory`."""

TotalBytes = Annotated[
    int,
    Field(ge=0, le=MAX_TOTAL_MEMORY_BYTES),
    _memory_form,
    _memory_schema(MAX_TOTAL_MEMORY_BYTES, 1099511627776, "2TiB"),
]
"""Bytes of many tasks together, or their text form."""

_OPERATIONS = r"^[0-9]{1,12}(?:\.[0-9]{1,6})?(?:[eE][0-9]{1,2})? ?[kKmMgGtTpPE]?(?:F|FLOPS|OPS)?$"


def _operations(most: int, *examples: float | str) -> tuple[BeforeValidator, WithJsonSchema]:
    number = {"type": "number", "minimum": 0, "maximum": most}
    forms = [number, {"type": "string", "pattern": _OPERATIONS}]
    read = text_form(lambda text: float(parse_operations(text)))
    return read, WithJsonSchema({"anyOf": forms, "examples": list(examples)})


Rate = Annotated[float, Field(ge=0, le=MAX_RATE * BILLION), *_operations(MAX_RATE * BILLION, 3e14, "300TF")]
"""Operations a second, or the text forms of :func:`suanli.model.quantities.parse_operations`."""

Operations = Annotated[float, Field(gt=0, le=MAX_WORK * TRILLION), *_operations(MAX_WORK * TRILLION, 3.2e18, "3.2E")]
"""Operations, or their text forms."""

Cpus = Annotated[float, Field(ge=0.001, le=MAX_CPU_MILLI / WHOLE_CPU, examples=[2, 0.5])]
"""A number of cpus, exact to a thousandth."""

Priority = Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY)]

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Any text without NUL, which no system call and not every database can hold."""

ShortText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=256)]
"""One line of text."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=64)]
"""The name of a user, project, queue, node or reservation."""

NameOrNothing = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$", max_length=64)]

Timestamp = Annotated[
    str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-24T11:00:00.000000Z"]})
]
"""An instant in RFC 3339 form, UTC, with microseconds."""


def timestamp(instant_us: int) -> Timestamp:
    """Write microseconds since the epoch as an instant."""
    return (_EPOCH + timedelta(microseconds=instant_us)).isoformat(timespec="microseconds")[:-6] + "Z"


def maybe_timestamp(instant_us: int) -> Timestamp | None:
    """Write an instant, None where it has not happened (0)."""
    return timestamp(instant_us) if instant_us else None


def cpus(cpu_milli: int) -> float:
    """Number of cpus of an amount in milli-cpus."""
    return cpu_milli / WHOLE_CPU
