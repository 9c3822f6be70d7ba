"""The kernel's machine code as one shared library, for processes that do without the compiler (record 0019).

Numba's code of every entry is made position independent, joined with the little that it asks of numba at run time
(``numba_runtime.c``), and linked by the machine's C compiler.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from suanli.kernel.scheduling.core import changes, foresee, learn, many
from suanli.kernel.scheduling.core.linked import symbol
from suanli.kernel.scheduling.core.trampoline import trampoline

_RUNTIME = Path(__file__).with_name("numba_runtime.c")
_FLAGS = ("-O2", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared", "-Wl,-z,defs")


def c_compiler() -> list[str]:
    """The words that start a C compiler: what ``CC`` says, or one of the usual names. Empty where there is none."""
    if words := shlex.split(os.environ.get("CC", "")):
        return words
    return [path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))][:1]


def link(library: Path, compiler: Sequence[str]) -> None:
    """Make the library of all entries of a server's planner, each of which must have been called before.

    Raises:
        subprocess.CalledProcessError: it does not link; the compiler's own words are on stderr.
        ValueError: an entry was not called, or with several kinds of arguments.
    """
    entries = [
        function
        for module in (changes, foresee, learn, many)
        for name, function in vars(module).items()
        if not name.startswith("_") and getattr(function, "signatures", None) and function.__module__ == module.__name__
    ]
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        objects = []
        for place, entry in enumerate(entries):
            made = Path(folder, f"{place}.o")
            made.write_bytes(_object(entry))
            objects.append(str(made))
        fresh = Path(folder, library.name)
        subprocess.run([*compiler, *_FLAGS, "-o", str(fresh), *objects, str(_RUNTIME), "-lm"], check=True)
        fresh.replace(library)


def _object(entry: Any) -> bytes:
    """Object code for this processor of one entry, of which nothing else is seen from outside."""
    made = trampoline(entry)
    module = llvm.parse_assembly(made.inspect_llvm())
    for function in module.functions:
        if function.name == made.native_name:
            function.name = symbol(entry.py_func)
        elif not function.is_declaration:
            function.linkage = llvm.Linkage.internal
    for variable in module.global_variables:
        if variable.linkage == llvm.Linkage.common:
            variable.linkage = llvm.Linkage.internal
    module.verify()
    features = llvm.get_host_cpu_features().flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic"
    )
    return bytes(machine.emit_object(module))
