"""Tests of single steps ask each compiled function by itself: they run without compiling."""

from pathlib import Path

import pytest

ROOMS = [Path(__file__).with_name(name) for name in ("core", "orders", "scores")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(room) for room in ROOMS) and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.step)
