"""Numba's dispatchers of the kernel: of entries, and of what only compiled functions call.

As numba has it, the machine code of every function is made for itself, of all that it calls once more, with two
wrappers for Python around it: three quarters of the time that compiling took. What only compiled functions call is
typed and lowered once here; it is optimized and made machine code as part of the entries that it ends up in.

Only what compiles imports this.
"""

from __future__ import annotations

from typing import Any

from numba.core import codegen as untyped_codegen
from numba.core import compiler as untyped_compiler
from numba.core import registry as untyped_registry
from numba.core import types as untyped_types

codegen: Any = untyped_codegen
compiler: Any = untyped_compiler
registry: Any = untyped_registry
types: Any = untyped_types


class _Dispatcher(registry.CPUDispatcher):  # type: ignore[misc]
    def get_call_template(self, kinds: list[Any], named: dict[str, Any]) -> Any:
        """Tell of one version for whatever is written into calls: numba has one for each number and truth value."""
        plain = types.unliteral
        return super().get_call_template([plain(kind) for kind in kinds], {n: plain(kind) for n, kind in named.items()})


class Entry(_Dispatcher):
    """What Python calls; its machine code is kept on disk."""

    def __init__(self, function: Any, options: dict[str, Any]) -> None:
        super().__init__(function, targetoptions={**options, "no_cfunc_wrapper": True})
        self.enable_caching()


class Inner(_Dispatcher):
    """What only compiled functions call."""

    def __init__(self, function: Any, options: dict[str, Any]) -> None:
        bare = {**options, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        super().__init__(function, targetoptions=bare, pipeline_class=PartCompiler)

    def add_overload(self, made: Any) -> None:
        """Keep what was made for lowering to find it, which needs something that stands for it."""
        made = made._replace(entry_point=object())
        self.targetctx.insert_user_function(made.entry_point, made.fndesc, [made.library])
        self.overloads[tuple(made.signature.args)] = made

    def _compile_for_args(self, *_: object, **__: object) -> None:
        raise TypeError(f"{self.__qualname__} is compiled for use inside entries; Python cannot call it")


class PartCompiler(compiler.Compiler):  # type: ignore[misc]
    """Compiles what is to be part of something else, as far as to LLVM's language."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.flags.no_compile = True
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()


class _Part(codegen.JITCodeLibrary):  # type: ignore[misc]
    """As it was lowered: what it is linked into is optimized, of all its parts at once, and given to the engine."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True
