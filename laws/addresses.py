"""Fail where a tracked file names a package registry or a place on one particular machine.

`addresses.py [ROOT]` reads every text file git tracks or would track. A checkout must install from whatever index its
machine is set up for, and run wherever it is put.
"""

import re
import subprocess
import sys
from pathlib import Path

REGISTRY = r"(?:files\.pythonhosted|(?:test\.)?pypi|registry\.npmjs|registry\.yarnpkg|conda\.anaconda|index\.crates)"
OPTION = r"--(?:extra-index-url|index-url|find-links)[ =]\S"
SETTING = r"\b(?:PIP|UV)_(?:(?:EXTRA_|DEFAULT_)?INDEX(?:_URL)?|FIND_LINKS)=\S"
PATTERNS = {
    "a package registry's host": rf"\b{REGISTRY}\.(?:org|com|io)\b",
    "a package index": r"//[\w.:@-]+/(?:[\w./-]+/)?simple(?:/|\b)",
    "an index address": rf"{OPTION}|{SETTING}",
    "a person's folder": r"(?<![\w.-])/(?:root|Users/\w+)/",
    "a file address": r"\bfile:///\w",
}


def patterns(root: Path) -> dict[str, re.Pattern[str]]:
    """Return what to look for, this checkout's own absolute path included unless it is a bare top-level folder."""
    place = root.resolve()
    here = {"this checkout's path": re.escape(str(place)) + r"\b"} if len(place.parts) > 2 else {}
    return {name: re.compile(pattern) for name, pattern in {**PATTERNS, **here}.items()}


def offences(root: Path) -> list[str]:
    """Return one line per offence: file, line number, and what is there."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = patterns(root)
    found = []
    for name in sorted(filter(None, set(listed))):
        path = root / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            found += [f"{name}:{number}: {what}" for what, pattern in wanted.items() if pattern.search(line)]
    return found


def main() -> None:
    """Print every offence and exit with 1 when there is one."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    found = offences(root)
    print("\n".join(found) or "no registry hosts, no machine's own paths")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
