"""Print the ten longest functions and modules; fail where one is over the edge (60 and 500 lines).

`lengths.py [ROOT]` measures all Python and C that git tracks or would track under the root, by default this checkout.
A function's length runs from `def` to its last line, its docstring and comments included, decorators not.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST_FUNCTION = 60
LONGEST_MODULE = 500
SHOWN = 10

C_FUNCTION = re.compile(r"^[a-z][^;{}]*?(\w+)\([^;{}]*\)\s*\{\n.*?^\}", re.MULTILINE | re.DOTALL)


class Piece(NamedTuple):
    """A function or module and its length in lines."""

    lines: int
    where: str


def sources(root: Path) -> list[Path]:
    """Return the root's Python and C files that git tracks or would track."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.py", "*.c", "*.h"]
    listed = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted(path for name in set(listed) if (path := root / name).is_file())


def functions(path: Path, text: str) -> Iterator[Piece]:
    """Yield every function of one file, nested ones too."""
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Piece((node.end_lineno or node.lineno) - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        return
    for match in C_FUNCTION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Piece(match.group().count("\n") + 1, f"{path}:{line} {match.group(1)}")


def report(what: str, pieces: list[Piece], edge: int) -> bool:
    """Print the longest pieces; return whether any is over the edge."""
    print(f"longest {what} (edge {edge}):")
    pieces = sorted(pieces, reverse=True)
    over = [piece for piece in pieces if piece.lines > edge]
    for lines, where in over + pieces[len(over) : SHOWN]:
        print(f"{lines:6d} {where}{'  TOO LONG' if lines > edge else ''}")
    return bool(over)


def main() -> None:
    """Measure, print, and exit with 1 when something is over its edge."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in sources(root)}
    modules = [Piece(text.count("\n"), str(path)) for path, text in texts.items()]
    pieces = [piece for path, text in texts.items() for piece in functions(path, text)]
    over = [report("functions", pieces, LONGEST_FUNCTION), report("modules", modules, LONGEST_MODULE)]
    sys.exit(any(over))


if __name__ == "__main__":
    main()
