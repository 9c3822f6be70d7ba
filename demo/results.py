"""What came of each workload, judged: what it wrote, and whether that is right."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

SAMPLES = 50


class WrongResultError(Exception):
    """A result is missing or not right."""


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        raise WrongResultError(f"{path.name}: {error}") from None
    return found


def liquid(results: Path) -> str:
    """Energy and pressure of the Lennard-Jones liquid beside NIST's."""
    found = _read(results / "lennard_jones" / "liquid.json")
    energy, pressure = found["energy_per_atom"], found["pressure"]
    text = (
        f"U*/N {energy['mean']:.4f}±{energy['error']:.4f} (NIST {energy['reference']:.4f}), "
        f"p* {pressure['mean']:.4f}±{pressure['error']:.4f} (NIST {pressure['reference']:.4f})"
    )
    return _judged(text, right=found["passed"])


def bond(results: Path) -> str:
    """The fitted bond length beside the measured one, and the picture."""
    found = _read(results / "bond_scan" / "bond.json")
    if not (results / "bond_scan" / "bond.png").read_bytes().startswith(b"\x89PNG"):
        raise WrongResultError("bond.png is no picture")
    return _judged(
        f"r_e(HF) {found['length_angstrom']:.4f} Å (measured {found['reference_angstrom']:.4f})", right=found["passed"]
    )


def training(results: Path) -> str:
    """The accuracy on digits the network never saw."""
    found = _read(results / "digits" / "training.json")
    accuracy, of = found["accuracy"], f"{found['held_out']} held-out digits"
    return _judged(
        f"accuracy {accuracy:.4f} on {of}, {found['ranks']} ranks, {found['with']}",
        right=found["passed"] and accuracy >= found["target"] >= 0.96 and found["ranks"] == 2,
    )


def service(results: Path, patience_s: float) -> str:
    """Send the running service 50 held-out samples and compare its answers with what the training predicted."""
    folder = results / "digits"
    until = time.monotonic() + patience_s
    while not (folder / "endpoint.json").exists():
        if time.monotonic() > until:
            raise WrongResultError("the service did not come up")
        time.sleep(0.1)
    held_out = _read(folder / "held-out.json")
    answers: list[int] = []
    for sample in held_out["samples"][:SAMPLES]:
        request = urllib.request.Request(  # noqa: S310  the service's own loopback address
            f"{_read(folder / 'endpoint.json')['url']}/predict",
            data=json.dumps({"samples": [sample]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answers += json.load(answer)["labels"]
    good = sum(given == true for given, true in zip(answers, held_out["labels"], strict=False))
    right = answers == held_out["predicted"][:SAMPLES] and len(answers) == SAMPLES and good >= 0.9 * SAMPLES
    return _judged(f"{good} of {SAMPLES} posted digits read right", right=right)


def overrun(output: str) -> str:
    """What was printed before the time limit is kept."""
    lines = output.splitlines()
    kept = bool(lines) and lines[0].startswith("step 1 ")
    return _judged(f"stopped at its time limit, {len(lines)} lines kept", right=kept)


def _judged(text: str, *, right: bool) -> str:
    if not right:
        raise WrongResultError(text)
    return text
