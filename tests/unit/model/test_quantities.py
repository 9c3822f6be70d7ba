"""Amounts with units: every text form, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suanli.model.errors import InvalidRequestError
from suanli.model.quantities import WHOLE_CPU, format_memory, parse_cpu, parse_duration, parse_memory

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
