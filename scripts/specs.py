"""Write the published schemas, or with --check compare them: specs/openapi.json and specs/workload-spec.schema.json.

Both are made from the code that answers, so what is published is what is kept.
"""

import argparse
import json
import sys
from pathlib import Path

from suanli.api.openapi import document, workload_spec

SPECS = Path(__file__).parent.parent / "specs"


def main() -> None:
    """Write, or check and exit with 1 when something published is not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a file is out of date")
    check: bool = parser.parse_args().check
    stale = []
    for name, made in (("openapi.json", document()), ("workload-spec.schema.json", workload_spec())):
        path, text = SPECS / name, f"{json.dumps(made, indent=2, ensure_ascii=False)}\n".encode()
        if check and not (path.exists() and path.read_bytes() == text):
            stale.append(name)
        elif not check:
            path.write_bytes(text)
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}; run `make specs`")


if __name__ == "__main__":
    main()
