"""Submitting work, and running it in the foreground."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from suanli_cli import text
from suanli_cli.answers import FINAL_STATES, Accepted, Preview, Shown, Spec
from suanli_cli.asking import asking, merged, spec_of
from suanli_cli.client import Client
from suanli_cli.documents import read_specs
from suanli_cli.errors import Unavailable, Unreachable, UsageMistake
from suanli_cli.following import Follower, Watch, exit_code
from suanli_cli.frame import App, WorkCommand, after_dashes, command, option, pass_app
from suanli_cli.language import say
from suanli_cli.progress import JsonLines, Terminal

_FIRST_LOOK_S, _SLOWEST_LOOK_S = 0.05, 2.0


@command("submit", WorkCommand)
@click.argument("file", required=False)
@asking
@option("--hold", is_flag=True, says="submit.hold")
@option("--dry-run", is_flag=True, says="submit.dry_run")
@option("--wait", is_flag=True, says="submit.wait")
@pass_app
def submit(app: App, /, file: str | None, hold: bool, dry_run: bool, wait: bool, **given: Any) -> int:
    """Submit; print one id per spec. Exits as the work does with ``--wait``, 1 where ``--dry-run`` says never."""
    specs = _specs(file, given)
    client = app.client()
    if dry_run:
        return max(_preview(app, client, spec) for spec in specs)
    if len(specs) == 1:
        single = client.submit(specs[0], hold=hold)
        accepted, document = [single], dict[str, Any](single)
    else:
        batch = client.submit_batch(specs, hold=hold)
        accepted, document = batch["workloads"], dict(batch)
    app.answer(document, lambda: "\n".join(str(item["id"]) for item in accepted))
    if not wait:
        return 0
    ended = [_wait(client, item) for item in accepted]
    if len(ended) == 1 and ended[0]["array"] is None:
        return exit_code(ended[0])
    return 0 if all(_completed(workload) for workload in ended) else 1


@command("run", WorkCommand)
@click.argument("file", required=False)
@asking
@option("--quiet", is_flag=True, says="run.quiet")
@pass_app
def run(app: App, /, file: str | None, quiet: bool, **given: Any) -> int:
    """Submit one workload, follow it, and exit with `following.exit_code`."""
    specs = _specs(file, given)
    if len(specs) != 1 or specs[0].get("array"):
        raise UsageMistake(say("error.run_one"), say("hint.submit_wait"))
    client = app.client()
    accepted = client.submit(specs[0])
    ref = str(accepted["id"])
    audience = JsonLines() if app.json else Terminal(quiet=quiet, why=lambda: _why(client, ref))
    if isinstance(audience, JsonLines):
        audience.line("submitted", dict(accepted))
    ended = Follower(client, ref, audience).follow()
    audience.close(ended)
    return exit_code(ended)


def _specs(file: str | None, given: dict[str, Any]) -> list[Spec]:
    words = after_dashes()
    asked = spec_of(given, words)
    bodies = [bool(file), bool(words), bool(given["script"]), bool(given["application"])]
    if sum(bodies) != 1:
        raise UsageMistake(say("error.one_body"), say("hint.dashes"))
    return [merged(spec, asked) for spec in read_specs(file)] if file else [asked]


def _preview(app: App, client: Client, spec: Spec) -> int:
    preview = client.preview(spec)
    app.answer(preview, lambda: _preview_text(preview))
    return 1 if preview["decision"] == "never" else 0


def _preview_text(preview: Preview) -> str:
    lines = [say(f"decision.{preview['decision']}")]
    if preview["alternative"]:
        lines[0] += f" ({say('alternative', number=preview['alternative'])})"
    lines += [f"  {text.held(hold)}" for hold in preview["placement"]]
    if preview["earliest_start"] and preview["decision"] != "now":
        lines.append(say("why.earliest", at=text.instant(preview["earliest_start"])))
    lines += text.reasons(preview["reasons"]) + text.alternatives(preview["alternatives"])
    return "\n".join(lines + text.expected(preview["expected"]))


def _why(client: Client, ref: str) -> str:
    try:
        return "; ".join(reason["text"] for reason in client.why(ref)["reasons"])
    except (Unreachable, Unavailable):
        # The reason is an extra; whether the server is gone for good, the follower finds out.
        return ""


def _wait(client: Client, accepted: Accepted) -> Shown:
    pause = _FIRST_LOOK_S
    watch = Watch(client, str(accepted["id"]))
    while True:
        workload = watch.look()
        if workload is not None and _states(workload) <= set(FINAL_STATES):
            print(_ended_line(workload), file=sys.stderr)  # noqa: T201
            return workload
        time.sleep(pause)
        pause = min(pause * 1.5, _SLOWEST_LOOK_S)


def _states(workload: Shown) -> set[str]:
    array = workload["array"]
    return {workload["state"]} if array is None else {state for state, number in array["by_state"].items() if number}


def _completed(workload: Shown) -> bool:
    array = workload["array"]
    if array is None:
        return workload["state"] == "completed"
    return array["by_state"].get("completed", 0) == array["size"]


def _ended_line(workload: Shown) -> str:
    array = workload["array"]
    where = text.state(workload["state"]) if array is None else text.counts(array["by_state"])
    return f"{workload['id']} {workload['name']}: {where}"
