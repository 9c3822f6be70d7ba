"""Workload specs from files: YAML or JSON, one document or many."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from suanli_cli.answers import Spec
from suanli_cli.errors import UsageMistake
from suanli_cli.language import say


def read_text(path: str) -> str:
    """A file's text; ``-`` is standard input.

    Raises:
        UsageMistake: it cannot be read, or is no UTF-8.
    """
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageMistake(say("error.unreadable", path=path, why=why), say("hint.dashes")) from error


def read_specs(path: str) -> list[Spec]:
    """The specs of a file: each document holds one, a list of them, or ``workloads: [...]`` as the API takes.

    Raises:
        UsageMistake: it cannot be read, or holds something else.
    """
    text = read_text(path)
    specs = [spec for document in _documents(text, path) for spec in _specs_of(document, path)]
    if not specs:
        raise UsageMistake(say("error.no_spec", path=path))
    return specs


def _documents(text: str, path: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        import yaml
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise UsageMistake(say("error.document", path=path, why=error)) from error


def _specs_of(document: Any, path: str) -> list[Spec]:
    if isinstance(document, dict) and set(document) == {"workloads"}:
        document = document["workloads"]
    specs = document if isinstance(document, list) else [document]
    for spec in specs:
        if not isinstance(spec, dict):
            raise UsageMistake(say("error.not_a_spec", path=path, found=repr(spec)[:60]))
    return specs
