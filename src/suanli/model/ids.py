"""Names of things: distinct types, so that a workload's id can never be handed where a run's is meant."""

from __future__ import annotations

import re
from typing import NewType

from suanli.model.errors import InvalidRequestError

WorkloadId = NewType("WorkloadId", int)
"""A positive integer from one durable sequence of the center; never reused."""

RunId = NewType("RunId", str)
"""``<workload>.<attempt>``, attempt counted from 1: ``123.1``."""

FactSeq = NewType("FactSeq", int)
"""Position of a fact in the center's one log, from 1; 0 stands before the first."""

UserName = NewType("UserName", str)
ProjectName = NewType("ProjectName", str)
QueueName = NewType("QueueName", str)
QosName = NewType("QosName", str)
LicenseName = NewType("LicenseName", str)
NodeName = NewType("NodeName", str)
ReservationName = NewType("ReservationName", str)
EngineName = NewType("EngineName", str)
TokenId = NewType("TokenId", str)

_RUN_ID = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,8})")


def run_id(workload: WorkloadId, attempt: int) -> RunId:
    """Name the ``attempt``-th run (from 1) of a workload."""
    return RunId(f"{workload}.{attempt}")


def parse_run_id(text: str) -> tuple[WorkloadId, int]:
    """Split a run id into workload and attempt.

    Raises:
        InvalidRequestError: the text is not a run id.
    """
    match = _RUN_ID.fullmatch(text)
    if match is None:
        raise InvalidRequestError("run", f"{text!r} is not a run id", "a run id reads like 123.1")
    return WorkloadId(int(match[1])), int(match[2])
