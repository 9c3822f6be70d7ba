"""Facts as they are told to those who follow them."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, get_type_hints

from pydantic import ConfigDict

from suanli.api.schemas.fields import Timestamp, maybe_timestamp, timestamp
from suanli.api.schemas.problem import DESCRIBED
from suanli.api.schemas.spec import WorkloadSpec
from suanli.model import spec as nouns
from suanli.model.facts import CenterFact, Fact, RecordedFact, WorkloadSubmitted
from suanli.model.quantities import Instant
from suanli.model.tenancy import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One fact."""

    __pydantic_config__: ClassVar[ConfigDict] = DESCRIBED

    seq: int
    """Its number in the center's one log."""
    at: Timestamp
    """When it was recorded."""
    actor: str
    """On whose word; ``system`` for the center's own."""
    type: str
    """What happened."""
    workload: int | None
    """The workload it is about, the first of them for a submission."""
    fact: dict[str, Any]
    """The particulars, as recorded."""


def event_view(recorded: RecordedFact) -> EventView:
    """Tell a fact."""
    return EventView(
        seq=recorded.seq,
        at=timestamp(recorded.at),
        actor=recorded.actor,
        type=type(recorded.fact).__name__,
        workload=_subject(recorded.fact),
        fact=_particulars(recorded.fact),
    )


def _subject(fact: Fact) -> int | None:
    if isinstance(fact, WorkloadSubmitted):
        return fact.first
    return None if isinstance(fact, CenterFact) else fact.workload


def _particulars(noun: Any) -> dict[str, Any]:
    instants, told = _instants(noun.__class__), {}
    for field in fields(noun):
        value = getattr(noun, field.name)
        told[field.name] = maybe_timestamp(value) if field.name in instants else _plain(value)
    if isinstance(noun, Token):
        # Whoever reads facts has no use for it, and a digest is what an offline guess is tried against.
        del told["digest"]
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, nouns.WorkloadSpec):
        return WorkloadSpec.of(value)
    if is_dataclass(value):
        return _particulars(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _instants(noun: type[Any]) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(noun).items() if hint is Instant)
