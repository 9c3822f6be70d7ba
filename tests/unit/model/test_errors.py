"""Errors: each its own stable code, so that the edge can tell them apart."""

from __future__ import annotations

from collections.abc import Iterator

from suanli.model import errors
from suanli.model.errors import (
    AdmissionRefusedError,
    ChainBrokenError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    SuanliError,
    UnsupportedError,
)


def tree(root: type[SuanliError]) -> Iterator[type[SuanliError]]:
    yield root
    for branch in root.__subclasses__():
        yield from tree(branch)


def test_codes_are_distinct_and_each_class_has_its_own() -> None:
    classes = [found for found in tree(SuanliError) if found.__module__ == errors.__name__]
    assert len({found.code for found in classes}) == len(classes)
    assert all("code" in vars(found) for found in classes)


def test_an_error_carries_what_it_says_as_data_too() -> None:
    said: list[tuple[SuanliError, dict[str, str | int]]] = [
        (InvalidRequestError("tasks", "wrong"), {"field": "tasks"}),
        (NotFoundError("workload", 7), {"noun": "workload", "name": 7}),
        (AdmissionRefusedError("quota", "too much"), {"reason": "quota"}),
        (UnsupportedError("logs", "none"), {"ability": "logs"}),
        (ChainBrokenError(9, "altered"), {"seq": 9}),
        (ConflictError("busy", "wait", state="running"), {"state": "running"}),
    ]
    for error, params in said:
        assert error.params == params
        assert str(error) == error.detail
