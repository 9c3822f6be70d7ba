"""Amounts with units: every text form, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import (
    WHOLE_CPU,
    format_memory,
    parse_cpu,
    parse_duration,
    parse_instant,
    parse_memory,
    parse_operations,
)

EXPONENT = {"K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


@given(st.integers(0, 10**18 - 1))
def test_a_bare_number_of_bytes_is_exact(amount: int) -> None:
    assert parse_memory(str(amount)) == parse_memory(f" {amount} B ") == amount


@given(st.integers(0, 10**9), st.sampled_from("KMGTP"))
def test_binary_and_decimal_scales(amount: int, scale: str) -> None:
    power = EXPONENT[scale]
    for text in (f"{amount}{scale}", f"{amount}{scale}i", f"{amount}{scale}iB", f"{amount} {scale.lower()}ib"):
        assert parse_memory(text) == amount * 1024**power
    assert parse_memory(f"{amount}{scale}B") == parse_memory(f"{amount}{scale.lower()}b") == amount * 1000**power


@given(st.integers(0, 2**60))
def test_what_is_printed_reads_back_to_four_digits(amount: int) -> None:
    # Half a unit of the fourth digit, and half a byte because whole bytes are read back.
    assert abs(parse_memory(format_memory(amount)) - amount) <= 5e-4 * amount + 0.5


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0B"), (512, "512B"), (1536 * 1024**2, "1.5GiB"), (1024**4, "1TiB"), (3 * 1024**5, "3PiB")]
)
def test_printed_memory(amount: int, text: str) -> None:
    assert format_memory(amount) == text


@pytest.mark.parametrize("text", ["", "G", "-1", "1.", ".5G", "1e9", "5i", "5ib", "1KK", "1 0", "0x10", "9" * 19, "٣"])
def test_what_is_no_memory(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_memory(text)


@given(st.integers(0, 10**12))
def test_cpus_read_back_from_both_forms(milli: int) -> None:
    whole, rest = divmod(milli, WHOLE_CPU)
    assert parse_cpu(f"{milli}m") == parse_cpu(f"{whole}.{rest:03}") == milli


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5.", "one", "2 cpus", "9" * 5000])
def test_what_is_no_number_of_cpus(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_cpu(text)


@given(st.integers(0, 10**4), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_in_parts_and_clock_forms(days: int, hours: int, minutes: int, seconds: int) -> None:
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s") == total
    assert parse_duration(f"{days}-{hours}:{minutes:02}:{seconds:02}") == total
    assert parse_duration(f"{days * 24 + hours}:{minutes:02}:{seconds:02}") == total
    assert parse_duration(f"{days}-{hours}:{minutes:02}") == total - seconds
    assert parse_duration(str(total)) == parse_duration(f"{total}s ") == total


@pytest.mark.parametrize(("text", "seconds"), [("2h30m", 9000), ("1D", 86_400), ("30:00", 1800), ("90:05", 5405)])
def test_durations_people_write(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "  ", "h", "1h30", "30m1h", "-5", "1:60", "1:2:3:4", "1.5h", "٣", "²", "9" * 5000, "never"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_duration(text)
    assert refused.value.hint


@given(st.integers(10**11, 2 * 10**17), st.integers(-14 * 60, 14 * 60))
def test_instants_are_the_same_in_every_time_zone(instant: int, minutes: int) -> None:
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    there = when.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant(when.isoformat().replace("+00:00", "Z")) == parse_instant(there.isoformat()) == instant


@pytest.mark.parametrize(("text", "us"), [("1970-01-01T00:00:01z", 10**6), ("1970-01-01T00:00:00.1234567Z", 123456)])
def test_instants_people_write(text: str, us: int) -> None:
    assert parse_instant(text) == us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-11-24",
        "2026-11-24T11:00:00",
        "2026-11-24 11:00:00Z",
        "2026-13-24T11:00:00Z",
        "2026-11-24T25:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "٢٠٢٦-11-24T11:00:00Z",
    ],
)
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_instant(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("300TF", 300 * 10**12),
        ("300 TFLOPS", 300 * 10**12),
        ("300tflop/s", 300 * 10**12),
        ("250TOPS", 250 * 10**12),
        ("7.834T", 7_834 * 10**9),
        ("3.2e18", 32 * 10**17),
        ("3.2E", 32 * 10**17),
        ("1EF", 10**18),
        ("2e3G", 2 * 10**12),
        ("0", 0),
        ("1.4", 1),
    ],
)
def test_operations_have_the_suffixes_that_people_write(text: str, operations: int) -> None:
    assert parse_operations(text) == operations


@pytest.mark.parametrize("text", ["", "TF", "3TX", "-3TF", "3..2", "3e", "1e400", "3 T F", "thirty", "3TB"])
def test_what_is_no_amount_of_operations_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_operations(text)
