"""All small changes that Cosmic Ray knows to make of one file, one a line: its name, its line, and the changed text.

Run by the Python that Cosmic Ray is installed in; ``mutants`` reads what it prints.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


def mutations(text: str, left_alone: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    """Operators whose names end so are left alone."""
    for name in operator_names():
        kind = get_operator(name)
        if name.endswith(left_alone) or kind.arguments():
            continue
        operator = kind()
        places = [place for node in ast_nodes(get_ast(text)) for place in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(places):
            changed = mutate_code(text, operator, occurrence)
            if changed is not None:
                yield f"{name.partition('/')[2]} ({occurrence})", start[0], changed


if __name__ == "__main__":
    found = mutations(Path(sys.argv[1]).read_text(encoding="utf-8"), tuple(sys.argv[2:]))
    for mutation in sorted(found, key=lambda one: one[1]):
        print(json.dumps(mutation))
