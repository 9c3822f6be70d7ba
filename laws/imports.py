"""Two contracts import-linter does not have, on third-party libraries: what a room may use, and where a library stays.

Import-linter's own `forbidden` needs every library named that is not wanted; these two deny by default.
"""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Link = tuple[str, str]
"""An import as (importing module, imported library)."""


def libraries(graph: ImportGraph) -> set[str]:
    """Return the top-level names of all third-party libraries imported anywhere in the graph."""
    outside = {module for module in graph.modules if graph.is_module_squashed(module)}
    return {module for module in outside if module not in sys.stdlib_module_names}


def names(option: object) -> list[str]:
    """Return a contract's option as the list it holds; import-linter types the option by its field."""
    return cast("list[str]", option or [])


def within(module: str, rooms: list[str]) -> bool:
    """Tell whether the module is one of the rooms or lies inside one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def verdict(links: set[Link]) -> ContractCheck:
    """Return import-linter's judgement: kept when no link offends."""
    return ContractCheck(kept=not links, metadata={"links": sorted(links)})


def show(check: ContractCheck) -> None:
    """Print each offending import on a line."""
    for importer, imported in check.metadata["links"]:
        output.print_error(f"{importer} imports {imported}", bold=False)
    output.new_line()


class MayUse(Contract):
    """The rooms in `modules` import the standard library, our own packages, and of the rest only `libraries`."""

    type_name = "may_use"

    modules = fields.ListField(subfield=fields.StringField())
    libraries = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 -- import-linter's signature
        """Find imports of any other library."""
        denied = libraries(graph) - set(names(self.libraries))
        return verdict(
            {
                (importer, library)
                for library in denied
                for importer in graph.find_modules_that_directly_import(library)
                if within(importer, names(self.modules))
            }
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        show(check)


class StaysIn(Contract):
    """The `libraries` are imported inside the rooms in `modules` and nowhere else."""

    type_name = "stays_in"

    modules = fields.ListField(subfield=fields.StringField())
    libraries = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 -- import-linter's signature
        """Find imports of these libraries elsewhere."""
        return verdict(
            {
                (importer, library)
                for library in libraries(graph) & set(names(self.libraries))
                for importer in graph.find_modules_that_directly_import(library)
                if not within(importer, names(self.modules))
            }
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        show(check)
