"""Schemathesis over the whole OpenAPI: no answer is a 5xx, and none breaks the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance, unsupported_method

from suanli.api.openapi import document
from tests.http.center import RunningCenter, running

pytestmark = pytest.mark.slow

SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMA.config.generation.with_security_parameters = False
SCHEMA.config.request_retries = 5
EXAMPLES = 10
PATIENCE_S = 20.0
FOLLOWED_S = 0.3
"""Streams do not end by themselves. It bounds the wait for their first line too, so a laden machine is asked again."""
STREAMS = ("/v1/events", "/v1/workloads/{ref}/logs/live")
LITERAL = ("/v1/workloads/batch", "/v1/workloads/preview", "/v1/workloads/counts")
"""Methods they lack are read as those of `/v1/workloads/{ref}`, where such a ref is malformed: 422, not 405."""


@pytest.fixture(scope="module")
def trodden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCenter]:
    with running(tmp_path_factory.mktemp("trodden") / "home") as up:
        up.submit()
        yield up


@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_keeps_the_document(case: Case[Any], trodden: RunningCenter) -> None:
    shown = {"Authorization": f"Bearer {trodden.tokens['admin']}"}
    # A queue that is not there, a key used before, two bodies at once: the schema cannot say it, the answer does.
    excluded: list[CheckFunction] = [positive_data_acceptance]
    if case.operation.path in LITERAL:
        excluded += [unsupported_method, allow_header_conformance]
    patience = FOLLOWED_S if case.operation.path in STREAMS else PATIENCE_S
    case.call_and_validate(base_url=trodden.url, headers=shown, timeout=patience, excluded_checks=excluded)
