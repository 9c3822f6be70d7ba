"""The OpenAPI document: valid, whole, with examples that are true, and the published files are it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from suanli.api.openapi import document, workload_spec

ROOT = Path(__file__).parents[2]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def examples(content: dict[str, Any]) -> list[Any]:
    return [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]


def test_operations_have_clean_names_descriptions_and_one_tag() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document()["tags"]}
    for where, operation in operations():
        assert operation["operationId"].replace("_", "").isalpha(), where
        assert operation["description"].endswith("."), where
        assert len(operation["tags"]) == 1, where
        assert set(operation["tags"]) <= tags, where


def test_every_body_and_answer_has_an_example_that_keeps_its_schema() -> None:
    whole = document()
    for where, operation in operations():
        contents = [response.get("content", {}) for response in operation["responses"].values()]
        for content in [*contents, operation.get("requestBody", {}).get("content", {})]:
            for media, told in content.items():
                shown = examples(told)
                assert shown or operation["operationId"] == "ready", where
                if not media.endswith("json"):
                    continue
                for example in shown:
                    jsonschema.Draft202012Validator({**told["schema"], "components": whole["components"]}).validate(
                        example
                    )


def test_every_refusal_is_a_problem_document() -> None:
    for where, operation in operations():
        for status, response in operation["responses"].items():
            if status[0] in "45" and operation["operationId"] != "ready":
                assert list(response["content"]) == ["application/problem+json"], (where, status)


def test_the_schema_of_the_spec_stands_alone() -> None:
    schema = workload_spec()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for good in schema["examples"]:
        validator.validate(good)
    assert not validator.is_valid({"command": ["true"], "memroy": 1})


def test_the_published_files_are_what_the_code_says() -> None:
    subprocess.run([sys.executable, "scripts/specs.py", "--check"], cwd=ROOT, check=True, timeout=60)
