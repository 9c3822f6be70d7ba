"""Problem documents, RFC 9457."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

DESCRIBED = ConfigDict(use_attribute_docstrings=True)
"""Takes the descriptions of a shape's fields from the texts below them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    field: str
    """Where, with dots and indices: ``workloads.3.resources.memory``."""
    detail: str
    """What, in the reader's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not done."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    type: str
    """``urn:suanli:error:`` and the code."""
    title: str
    """The kind of problem, in the reader's language."""
    status: int
    """The HTTP status."""
    detail: str
    """What was wrong this time, in the reader's language."""
    code: str
    """Stable name of the kind of problem; never renamed."""
    hint: str
    """What to do about it; may be empty."""
    params: dict[str, str | int]
    """The particulars as data."""
    errors: list[FieldProblem]
    """What is wrong field by field, where fields are at fault."""
