"""Quantities with their units: instants, durations, memory, processors. Text forms are parsed and printed here only.

Units in use: instants are microseconds since the Unix epoch (UTC), durations are whole seconds where named ``_s`` and
microseconds where named ``_us``, processors are milli-cpus, memory is bytes, a device share is in thousandths, rates of
devices are 10^9 operations a second, work is 10^12 operations.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import NewType

from suanli.model.errors import InvalidRequestError

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC."""

WHOLE_CPU = 1000
"""Milli-cpus in one cpu."""

WHOLE_DEVICE = 1000
"""Thousandths in one device."""

MAX_CPU_MILLI = 1_000_000_000
MAX_MEMORY_BYTES = 2**45
"""Bounds far beyond any machine, so that no sum over the tasks of a workload leaves 63 bits."""

BILLION = 10**9
"""Operations in the unit of rates."""
TRILLION = 10**12
"""Operations in the unit of work."""

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,9})?)"
_MEMORY = re.compile(_NUMBER + r" ?((?:[kmgtp]i?)?)b?", re.IGNORECASE | re.ASCII)
_CPU = re.compile(_NUMBER + r"(m?)")
_PARTS = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_EPOCH = date(1970, 1, 1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE | re.ASCII,
)
_LATEST = (date(9999, 1, 1) - _EPOCH) // timedelta(microseconds=1)
_SECONDS = re.compile(r"[0-9]{1,18}")
_CLOCK = re.compile(r"(?:([0-9]{1,9})-)?([0-9]{1,9}):([0-5]?[0-9])(?::([0-5]?[0-9]))?")
_OPERATIONS = re.compile(
    r"([0-9]{1,18}(?:\.[0-9]{1,9})?(?:e[0-9]{1,2})?) ?([kmgtp]|(?-i:E)|)(?:(?:fl)?ops?|f)?(?:/s)?",
    re.IGNORECASE | re.ASCII,
)
_SCALES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}


def parse_day(text: str) -> int:
    """Days from the Unix epoch to a day such as ``2026-11-24``.

    Raises:
        InvalidRequestError: the text is not a day since 1970.
    """
    try:
        day = (date.fromisoformat(text) - _EPOCH).days if _DAY.fullmatch(text) else -1
    except ValueError:
        day = -1
    if day < 0:
        raise InvalidRequestError("day", f"{text!r} is not a day since 1970", "write 2026-11-24")
    return day


def format_day(day: int) -> str:
    """``2026-11-24`` of days since the Unix epoch."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def parse_instant(text: str) -> Instant:
    """The instant of ``2026-11-24T11:00:00Z`` (RFC 3339), of the years 1970 to 9998, cut off after microseconds.

    Raises:
        InvalidRequestError: the text is not such an instant.
    """
    try:
        when = datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        when = None
    instant = 0 if when is None else (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if not 0 < instant < _LATEST:
        raise InvalidRequestError("instant", f"{text!r} is not an instant since 1970", "write 2026-11-24T11:00:00Z")
    return Instant(instant)


def parse_memory(text: str) -> int:
    """Bytes of ``4GiB``, ``4Gi``, ``500MB``, ``1.5G`` or a bare number of bytes.

    ``KiB MiB ...`` and the suffixes without ``B`` count in 1024 (as schedulers do), ``KB MB ...`` in 1000 (SI).

    Raises:
        InvalidRequestError: the text is not an amount of memory.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError("memory", f"{text!r} is not an amount of memory", "write 4GiB, 500MB or bytes")
    scale = match[2].lower()
    decimal = text.strip().lower().endswith("b") and not scale.endswith("i")
    base = 1000 if decimal else 1024
    factor: int = base ** _SCALES[scale.removesuffix("i")]
    if match[1].isdecimal():
        return int(match[1]) * factor
    return round(Fraction(match[1]) * factor)


def parse_operations(text: str) -> int:
    """Operations, or those of a second, of ``300TF``, ``3.2e18``, ``20 TFLOPS`` or ``250TOPS``.

    Raises:
        InvalidRequestError: the text is not an amount of operations.
    """
    match = _OPERATIONS.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError("operations", f"{text!r} is not an amount of operations", "write 300TF or 3.2e18")
    scale: int = 1000 ** _SCALES[match[2].lower()]
    return round(Fraction(match[1]) * scale)


def parse_cpu(text: str) -> int:
    """Milli-cpus of ``2``, ``0.5`` or ``500m``.

    Raises:
        InvalidRequestError: the text is not an amount of processors.
    """
    match = _CPU.fullmatch(text.strip())
    if match is None:
        raise InvalidRequestError("cpus", f"{text!r} is not an amount of cpus", "write 2, 0.5 or 500m")
    return round(Fraction(match[1]) * (1 if match[2] else WHOLE_CPU))


def parse_duration(text: str) -> int:
    """Seconds of ``90``, ``90s``, ``2h30m``, ``1d``, or the clock forms ``1:30:00``, ``30:00``, ``1-12:00:00``.

    Raises:
        InvalidRequestError: the text is not a duration.
    """
    stripped = text.strip().lower()
    if _SECONDS.fullmatch(stripped):
        return int(stripped)
    clock = _CLOCK.fullmatch(stripped)
    if clock is not None:
        return _clock_seconds(clock)
    match = _PARTS.fullmatch(stripped)
    if match is None or not stripped:
        raise InvalidRequestError("duration", f"{text!r} is not a duration", "write 90s, 2h30m, 1d or 1:30:00")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _clock_seconds(clock: re.Match[str]) -> int:
    days, first, second, third = (None if part is None else int(part) for part in clock.groups())
    hours, minutes, seconds = (first or 0, second or 0, third) if third is not None else (0, first or 0, second or 0)
    if third is None and days is not None:
        hours, minutes, seconds = first or 0, second or 0, 0
    return (((days or 0) * 24 + (hours or 0)) * 60 + (minutes or 0)) * 60 + (seconds or 0)


def format_memory(amount_bytes: int) -> str:
    """The shortest exact-enough binary form: ``512B``, ``1.5GiB``."""
    value = float(amount_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:.4g}{unit}"
        value /= 1024
    return f"{value:.4g}PiB"


def check_bounds(field_name: str, amount: int, least: int, most: int) -> None:
    """Let pass an amount within bounds, in the field's own unit.

    Raises:
        InvalidRequestError: it is not.
    """
    if not least <= amount <= most:
        raise InvalidRequestError(field_name, f"{amount} does not lie in {least}..{most}")
