"""What a linked library calls an entry by: a C function that takes words (``linked`` says which) and needs no Python.

Only what makes the library imports this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

from suanli.kernel.scheduling.core.dispatchers import PartCompiler
from suanli.kernel.scheduling.core.handed import CenterType, array_of, words_of

types: Any = numba.types
cgutils: Any = untyped_cgutils


def trampoline(entry: Any) -> Any:
    """Numba's C function for an entry that was called with arguments of one kind.

    Raises:
        ValueError: it was called with none, or with several kinds.
    """
    if len(entry.signatures) != 1:
        raise ValueError(f"{entry.py_func.__qualname__} was compiled for {len(entry.signatures)} kinds of arguments")
    kinds = types.Tuple(entry.signatures[0])

    def called(words: Any) -> Any:
        return _called(entry, kinds, words)

    kind = types.int64(types.CPointer(types.int64))
    return numba.cfunc(kind, pipeline_class=PartCompiler, error_model="numpy")(called)


def _typed(typing: Any, function: Any, kinds: Any, words: Any) -> tuple[Any, Callable[..., Any]]:
    """What calls a function with the values that are written down at an address, and writes its result there."""
    members = tuple(kinds.instance_type)
    signature = function.get_call_type(typing, members, {})

    def generate(context: Any, builder: Any, _: Any, given: tuple[Any, Any, Any]) -> Any:
        reader = _Reader(context, builder, given[2])
        values = [reader.value(kind) for kind in members]
        result = context.get_function(function, signature)(builder, values)
        _write(context, builder, given[2], signature.return_type, result)
        return context.get_constant(types.int64, 1)

    return types.int64(function, kinds, words), generate


_called: Any = intrinsic(_typed)


class _Reader:
    """Values made of words, one after the other."""

    def __init__(self, context: Any, builder: Any, base: Any) -> None:
        self._context, self._builder, self._base, self._place = context, builder, base, 0

    def word(self) -> Any:
        word = self._builder.load(cgutils.gep(self._builder, self._base, self._place))
        self._place += 1
        return word

    def value(self, kind: Any) -> Any:
        if isinstance(kind, CenterType):
            return self._builder.inttoptr(self.word(), self._base.type)
        if isinstance(kind, types.BaseNamedTuple):
            elsewhere = self._builder.inttoptr(self.word(), self._base.type)
            inner = _Reader(self._context, self._builder, elsewhere)
            return self._context.make_tuple(self._builder, kind, [inner.value(member) for member in kind])
        if isinstance(kind, types.BaseTuple):
            return self._context.make_tuple(self._builder, kind, [self.value(member) for member in kind])
        if isinstance(kind, types.Array):
            words = [self.word() for _ in range(words_of(kind))]
            return array_of(self._context, self._builder, kind, words)
        if isinstance(kind, types.Boolean):
            return self._builder.trunc(self.word(), self._context.get_value_type(kind))
        return self.word()


def _write(context: Any, builder: Any, base: Any, kind: Any, result: Any) -> None:
    if isinstance(kind, types.NoneType):
        return
    members = cgutils.unpack_tuple(builder, result) if isinstance(kind, types.BaseTuple) else [result]
    for place, member in enumerate(members):
        word = context.get_constant(types.int64, 0)
        if member.type != word.type:
            member = builder.zext(member, word.type)  # noqa: PLW2901
        builder.store(member, cgutils.gep(builder, base, place))
