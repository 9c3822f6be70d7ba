"""How compiled code is handed a center: as the address of its words (``linked`` says which), one number for all tables.

A table is read from there where it is named. A tuple of tables would be copied at each call, four hundred words of it,
and each of the words makes the code of each call longer (record 0033).

Only what compiles imports this.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import numba
from numba import extending as untyped_extending
from numba.core import cgutils as untyped_cgutils
from numba.core.typing.templates import AttributeTemplate

from suanli.kernel.scheduling.core.tables import Center, Sizes, make_center

extending: Any = untyped_extending
cgutils: Any = untyped_cgutils
models: Any = extending.models
types: Any = numba.types
typeof: Any = numba.typeof


def words_of(kind: Any) -> int:
    """How many words tell an array: its address, lengths and strides."""
    return 1 + 2 * int(kind.ndim)


class CenterType(types.Type):  # type: ignore[misc]
    """Numba's kind of a center: of each table its name, its kind, and at which word of the center's it begins."""

    def __init__(self) -> None:
        self.tables: dict[str, tuple[Any, int]] = {}
        sample, word = make_center(Sizes(1, 1, 1, 1, 1, 1, 1, 1)), 0
        for name in get_type_hints(Center):
            kind = typeof(getattr(sample, name))
            self.tables[name] = (kind, word)
            word += words_of(kind)
        super().__init__(name="Center")


CENTER = CenterType()


def _kind_of(_: Center, __: Any) -> CenterType:
    return CENTER


@extending.register_model(CenterType)
class _Model(models.PointerModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        models.PrimitiveModel.__init__(self, manager, kind, cgutils.intp_t.as_pointer())


def _unboxed(_: Any, center: Any, compiler: Any) -> Any:
    pyapi, builder = compiler.pyapi, compiler.builder
    address = pyapi.object_getattr_string(center, "address")
    failed, number = cgutils.is_null(builder, address), cgutils.alloca_once_value(builder, cgutils.intp_t(0))
    with builder.if_then(builder.not_(failed)):
        builder.store(pyapi.number_as_ssize_t(address), number)
        pyapi.decref(address)
    return extending.NativeValue(builder.inttoptr(builder.load(number), cgutils.intp_t.as_pointer()), is_error=failed)


@extending.infer_getattr
class _Tables(AttributeTemplate):
    key = CenterType

    def generic_resolve(self, kind: CenterType, name: str) -> Any:  # type: ignore[override]
        return kind.tables[name][0] if name in kind.tables else None


def _table(context: Any, builder: Any, kind: CenterType, center: Any, name: str) -> Any:
    table, first = kind.tables[name]
    words = [builder.load(cgutils.gep(builder, center, first + place)) for place in range(words_of(table))]
    for word in words:
        # What tells the tables never changes, so it need not be read again after each write into one of them.
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return array_of(context, builder, table, words)


def array_of(context: Any, builder: Any, kind: Any, words: list[Any]) -> Any:
    """The array that such words tell, over memory that is not numba's: nothing counts who refers to it."""
    array, shape = context.make_array(kind)(context, builder), words[1 : 1 + kind.ndim]
    array.data = builder.inttoptr(words[0], array.data.type)
    elements = context.get_constant(types.intp, 1)
    for length in shape:
        elements = builder.mul(elements, length)
    array.shape = cgutils.pack_array(builder, shape)
    array.strides = cgutils.pack_array(builder, words[1 + kind.ndim :])
    array.nitems = elements
    size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    array.itemsize = context.get_constant(types.intp, size)
    return array._getvalue()  # noqa: SLF001  numba's own name for it


extending.typeof_impl.register(Center)(_kind_of)
extending.unbox(CenterType)(_unboxed)
extending.lower_getattr_generic(CenterType)(_table)
