"""The options that ask for work, one for every field of the spec, and the spec they make."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from suanli_cli.answers import Spec
from suanli_cli.devices import EXAMPLES, FORM, PRECISIONS, GrammarError, parse_device, parse_work
from suanli_cli.documents import read_text
from suanli_cli.errors import UsageMistake
from suanli_cli.frame import F, Reference, Whole, Word, option
from suanli_cli.language import say

T = TypeVar("T")

KINDS = ("job", "service", "instance", "session")
LAUNCHERS = ("none", "mpi", "torchrun")
OBJECTIVES = ("time", "energy", "cost")
RETRY_CAUSES = ("failed", "timeout", "out_of_memory", "lost", "launch_failed")
DEPENDENCIES = ("after", "afterok", "afternotok", "afterany")


class Number(click.ParamType[float]):
    """A positive number, whole where it is."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", str(value)):
            self.fail(say("usage.number", value=value), param, ctx)
        number = float(value)
        return int(number) if number.is_integer() else number


_WATTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kM]?)(?:W)?")
_PREFIXES = {"": 1, "k": 1_000, "M": 1_000_000}


class Watts(click.ParamType[int]):
    """Whole watts, such as ``1500``, ``50kW`` or ``1.2MW``; 0 for ``none``."""

    name = "watts"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "none":
            return 0
        told = _WATTS.fullmatch(str(value))
        watts = 0.0 if told is None else float(told[1]) * _PREFIXES[told[2]]
        if told is None or watts != round(watts) or not watts:
            self.fail(say("usage.watts", value=value), param, ctx)
        return round(watts)


class Form(click.ParamType[T]):
    """What help shows by the form in which it is written."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002
        return self.name


class Pair(Form[tuple[str, str]]):
    """Two words with a mark between them; ``alone`` says what the second is where only the first is given."""

    def __init__(self, mark: str, form: str, alone: Callable[[str], str | None] = lambda _: None) -> None:
        self.name = form
        self._mark = mark
        self._alone = alone

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        first, mark, second = str(value).partition(self._mark)
        found = second if mark else self._alone(first)
        if not first or found is None:
            self.fail(say("usage.form", value=value, form=self.name), param, ctx)
        return first, found


class Count(Form[tuple[str, int]]):
    """``solver``, or ``solver:2`` for two of it."""

    def __init__(self, form: str) -> None:
        self.name = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        name, colon, count = str(value).partition(":")
        if not name or (colon and not count.isdecimal()):
            self.fail(say("usage.form", value=value, form="solver, solver:2"), param, ctx)
        return name, int(count or 1)


class Between(Form[tuple[int, int]]):
    """``16``, or ``4-16`` for as many as there is room for; the first is 0 where it is not given."""

    name = "N|MIN-MAX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(?:([1-9][0-9]{0,9})-)?([1-9][0-9]{0,9})", str(value))
        if found is None or int(found[1] or 0) > int(found[2]):
            self.fail(say("usage.form", value=value, form="16, 4-16"), param, ctx)
        return int(found[1] or 0), int(found[2])


class Device(Form[dict[str, Any]]):
    """What `suanli_cli.devices` reads as a device request."""

    name = FORM

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        try:
            return parse_device(str(value))
        except GrammarError as error:
            self.fail(say("usage.device", value=value, part=error, form=EXAMPLES), param, ctx)


class Work(Form[tuple[str, float]]):
    """``bf16=3.2e18``."""

    name = "PRECISION=OPERATIONS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        try:
            return parse_work(str(value))
        except GrammarError:
            self.fail(say("usage.form", value=value, form="bf16=3.2e18, fp64=40P"), param, ctx)


def _with(options: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    """Options, in their order, as one decorator."""

    def decorate(function: F) -> F:
        for one in reversed(options):
            function = one(function)
        return function

    return decorate


_OF_NODES = (
    option("--tasks", type=Between(), says="spec.tasks"),
    option("-c", "--cpus", type=Number(), metavar="N", says="spec.cpus"),
    option("-m", "--memory", metavar="SIZE", says="spec.memory"),
    option("--disk", metavar="SIZE", says="spec.disk"),
    option("-d", "--device", type=Device(), says="spec.device"),
    option("--device-memory", metavar="SIZE", says="spec.device_memory"),
    option("--precision", type=Word(PRECISIONS), says="spec.precision"),
    option("-N", "--nodes", type=Whole(), metavar="N", says="spec.nodes"),
    option("--max-tasks-per-node", type=Whole(1), metavar="N", says="spec.max_tasks_per_node"),
    option("--exclusive", is_flag=True, says="spec.exclusive"),
    option("--feature", metavar="NAME", multiple=True, says="spec.feature"),
    option("--work", type=Work(), multiple=True, says="spec.work"),
    option("-t", "--time", metavar="DURATION", says="spec.time"),
)
"""What is asked of nodes: of the spec itself, and of each alternative."""


class Alternative(Form[dict[str, Any]]):
    """Options as for the spec itself, in one word: ``'-d gpu:V100:2 -t 4h'``."""

    name = "'OPTIONS'"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        try:
            given = _alone.make_context("--or", shlex.split(str(value))).params
        except (ValueError, click.UsageError) as error:
            self.fail(str(error.message if isinstance(error, click.UsageError) else error), param, ctx)
        asked = request_of(given)
        if not asked:
            self.fail(say("usage.form", value=value, form="'-d gpu:V100:2 -t 4h'"), param, ctx)
        return asked


@_with(_OF_NODES)
@click.command(add_help_option=False)
def _alone(**_: Any) -> None:
    """What an alternative alone may say."""


_OPTIONS = (
    option("--name", metavar="NAME", says="spec.name"),
    option("--project", metavar="NAME", says="spec.project"),
    option("--kind", type=Word(KINDS), says="spec.kind"),
    option("--application", metavar="NAME", says="spec.application"),
    option("--script", metavar="FILE", says="spec.script"),
    *_OF_NODES,
    option("--or", "alternatives", type=Alternative(), multiple=True, says="spec.or"),
    option("--objective", type=Word(OBJECTIVES), says="spec.objective"),
    option("--license", type=Count("NAME[:COUNT]"), multiple=True, says="spec.license"),
    option("--deadline", metavar="INSTANT", says="spec.deadline"),
    option("-q", "--queue", metavar="NAME", says="spec.queue"),
    option("--qos", metavar="NAME", says="spec.qos"),
    option("--priority", type=Whole(None), metavar="N", says="spec.priority"),
    option("--reservation", metavar="NAME", says="spec.reservation"),
    option("-a", "--array", metavar="INDICES", says="spec.array"),
    *(
        option(f"--{kind}", type=Reference(), multiple=True, metavar="REF", says=f"spec.{kind}")
        for kind in DEPENDENCIES
    ),
    option("--singleton", is_flag=True, says="spec.singleton"),
    option("-e", "--env", type=Pair("=", "NAME[=VALUE]", os.environ.get), multiple=True, says="spec.env"),
    option("-C", "--chdir", metavar="DIR", says="spec.chdir"),
    option("--launcher", type=Word(LAUNCHERS), says="spec.launcher"),
    option(
        "--input", "inputs", type=Pair(":", "SOURCE:TARGET", lambda s: Path(s).name), multiple=True, says="spec.input"
    ),
    option("--output", "outputs", type=Pair("=", "NAME=PATH", lambda name: name), multiple=True, says="spec.output"),
    option("--retry", type=Whole(1), metavar="N", says="spec.retry"),
    option("--retry-on", type=Word(RETRY_CAUSES), multiple=True, says="spec.retry_on"),
    option("--preemptible", is_flag=True, says="spec.preemptible"),
    option("-l", "--label", type=Pair("=", "NAME=VALUE"), multiple=True, says="spec.label"),
    option("--notify", metavar="ADDRESS", multiple=True, says="spec.notify"),
)
_PLAIN = (
    "name",
    "objective",
    "project",
    "kind",
    "application",
    "queue",
    "qos",
    "priority",
    "reservation",
    "deadline",
    "array",
)


def asking(function: F) -> F:
    """Give a command every option of the spec."""
    return _with(_OPTIONS)(function)


def spec_of(given: Mapping[str, Any], words: Sequence[str]) -> Spec:
    """The fields that options and a command after ``--`` ask for, and no others.

    Raises:
        UsageMistake: the options do not fit each other, or the script cannot be read.
    """
    spec: Spec = {name: given[name] for name in (*_PLAIN, "launcher", "preemptible") if _was_given(given[name])}
    spec |= request_of(given)
    if words:
        spec |= {"command": list(words), "name": spec.get("name") or Path(words[0]).name}
    if given["script"]:
        spec |= {"script": read_text(given["script"]), "name": spec.get("name") or Path(given["script"]).name}
    if given["chdir"]:
        spec["working_directory"] = str(Path(given["chdir"]).absolute())
    dependencies = [f"{kind}:{ref}" for kind in DEPENDENCIES for ref in given[kind]]
    listed = {
        "alternatives": list(given["alternatives"]),
        "dependencies": dependencies + ["singleton"] * given["singleton"],
        "licenses": dict(given["license"]),
        "environment": dict(given["env"]),
        "labels": dict(given["label"]),
        "inputs": [{"source": str(Path(source).absolute()), "target": to} for source, to in given["inputs"]],
        "outputs": [{"name": name, "path": path} for name, path in given["outputs"]],
        "notify": [{"address": address} for address in given["notify"]],
        "retry": _retry(given),
    }
    return spec | {name: value for name, value in listed.items() if value}


def request_of(given: Mapping[str, Any]) -> Spec:
    """What options ask of nodes.

    Raises:
        UsageMistake: the options do not fit each other.
    """
    least, tasks = given["tasks"] or (0, 0)
    asked = {
        "tasks": tasks,
        "min_tasks": least,
        "resources": _resources(given),
        "max_tasks_per_node": given["max_tasks_per_node"],
        "exclusive": given["exclusive"],
        "features": sorted(set(given["feature"])),
        "work": dict(given["work"]),
        "time_limit": given["time"],
    }
    nodes = {} if given["nodes"] is None else {"nodes": given["nodes"]}
    return nodes | {name: value for name, value in asked.items() if value}


def merged(spec: Spec, over: Spec) -> Spec:
    """A spec of a file with what options say put over it: fields within objects one by one, everything else whole."""
    result = dict(spec)
    for name, value in over.items():
        below = spec.get(name)
        result[name] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def _was_given(value: object) -> bool:
    return value is not None and value is not False


def _resources(given: Mapping[str, Any]) -> dict[str, Any]:
    resources = {name: given[name] for name in ("cpus", "memory", "disk") if given[name] is not None}
    device = {"min_memory": given["device_memory"], "precision": given["precision"]}
    device = {name: value for name, value in device.items() if value}
    if device and not given["device"]:
        raise UsageMistake(say("error.device_details"), say("hint.device"))
    if given["device"]:
        resources["devices"] = given["device"] | device
    return resources


def _retry(given: Mapping[str, Any]) -> dict[str, Any]:
    retry = {} if given["retry"] is None else {"max_attempts": given["retry"]}
    return retry | ({"on": list(given["retry_on"])} if given["retry_on"] else {})
