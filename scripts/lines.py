"""Count lines of code, without blank ones, comments and docstrings: ``make lines``, of the kernel and of its tests.

A statement of several lines counts as many. Other rooms can be named: ``lines.py src/suanli/model tests/unit/model``.
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ("src/suanli/kernel", "tests/unit/kernel")
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def lines(text: str) -> int:
    """Lines of a module that have code on them."""
    told = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {line for one in tokens if one.type not in NO_CODE for line in range(one.start[0], one.end[0] + 1)}
    return len(code - told)


def main() -> None:
    """Count each room, and compare the last with the first."""
    rooms = sys.argv[1:] or KERNEL
    counts = [sum(lines(path.read_text(encoding="utf-8")) for path in (ROOT / room).rglob("*.py")) for room in rooms]
    for room, count in zip(rooms, counts, strict=True):
        print(f"{count:7,} {room}")
    print(f"{counts[-1] / counts[0]:7.2f}")


if __name__ == "__main__":
    main()
