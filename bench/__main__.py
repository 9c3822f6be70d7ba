"""Say which figures there are: `make bench B=submit-bulk` measures one."""

import ast
from pathlib import Path


def main() -> None:
    """Print each figure's name and what it is."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path != Path(__file__):
            told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            print(f"{path.stem.replace('_', '-'):16}{told.splitlines()[0]}")


if __name__ == "__main__":
    main()
