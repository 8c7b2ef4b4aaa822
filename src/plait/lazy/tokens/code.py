"""Functions, classes, methods and modules.

Those that their module gives under their name count by name. Others (local ones, lambdas, those of __main__) count by
what they are: a function by its code, defaults, closure and the globals that it uses; a class by its bases and
namespace. A function's line is part of it, as in dask, so that a second one of the same text is another one; its file
is not.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from opcode import opmap
from typing import Any

from plait.lazy._native.tokens import visit
from plait.lazy.dispatch import Dispatch
from plait.lazy.tokens import objects

SCRIPTS = ("__main__", "__mp_main__")
_ACCESS = frozenset(code for name, code in opmap.items() if name in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL"))
_LOAD, _EXTENDED = opmap["LOAD_GLOBAL"], opmap["EXTENDED_ARG"]
# What Python adds to a class's namespace, or keeps there for itself.
_LEFT_OUT = frozenset(
    {
        *("__module__", "__dict__", "__weakref__", "__slotnames__", "__firstlineno__", "__static_attributes__"),
        *("__abstractmethods__", "_abc_impl"),
        *("__annotate__", "__annotate_func__", "__annotations_cache__"),
    }
)


def importable(value: Any) -> bool:
    """Whether a function's or class's module gives it under its name."""
    module, name = getattr(value, "__module__", None), value.__qualname__
    if module is None or module in SCRIPTS or "<" in name:
        return False
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def _named(value: Any) -> tuple[str, str]:
    """Module and name; a script is one whether it runs here or was imported by a worker process."""
    return SCRIPTS[0] if value.__module__ in SCRIPTS else value.__module__, value.__qualname__


def _function(value: types.FunctionType) -> Any:
    if importable(value):
        return "function", value.__module__, value.__qualname__
    return visit(value, _function_parts)


def _function_parts(value: types.FunctionType) -> Any:
    cells = [_cell(cell) for cell in value.__closure__ or ()]
    used = {name: value.__globals__[name] for name in _globals(value.__code__) if name in value.__globals__}
    named = *_named(value), value.__code__.co_firstlineno
    return "function", named, value.__code__, value.__defaults__, value.__kwdefaults__, cells, used, vars(value)


def _cell(cell: types.CellType) -> Any:
    try:
        return "cell", cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return "cell"


def _globals(code: types.CodeType) -> Iterator[str]:
    """The globals that a piece of code uses."""
    text, further = code.co_code, 0
    for place in range(0, len(text), 2):
        operation, argument = text[place], text[place + 1] | further
        if operation in _ACCESS:
            yield code.co_names[argument >> 1 if operation == _LOAD else argument]  # the last bit: a call follows
        further = argument << 8 if operation == _EXTENDED else 0
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals(constant)


def _code(value: types.CodeType) -> Any:
    counts = value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, value.co_flags
    names = value.co_name, value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars
    return "code", counts, names, value.co_code, value.co_exceptiontable, value.co_consts


def _class(value: type) -> Any:
    if importable(value):
        return "class", value.__module__, value.__qualname__
    return visit(value, _class_parts)


def _class_parts(value: type) -> Any:
    named = _named(value)
    members = getattr(value, "__members__", None)
    if members is not None and _is_enum(value):
        return "enum", named, value.__bases__, [(name, member._value_) for name, member in members.items()]
    namespace = {name: item for name, item in vars(value).items() if name not in _LEFT_OUT}
    return "class", named, type(value), value.__bases__, namespace


def _is_enum(value: type) -> bool:
    return "enum" in sys.modules and isinstance(value, sys.modules["enum"].EnumMeta)


def _method(value: Any) -> Any:
    return value.__self__, value.__name__


def _builtin(value: types.BuiltinFunctionType) -> Any:
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        return "function", value.__module__, value.__qualname__
    return owner, value.__name__


def _descriptor(value: Any) -> Any:
    return type(value).__name__, value.__objclass__, value.__name__


def _module(value: types.ModuleType) -> Any:
    return "module", value.__name__


def _property(value: property) -> Any:
    return "property", value.fget, value.fset, value.fdel, value.__doc__


def _wrapper(value: Any) -> Any:
    return type(value).__name__, value.__func__


def _cached(value: Any) -> Any:
    if importable(value):
        return "function", value.__module__, value.__qualname__
    return "cached", value.__wrapped__, value.cache_parameters()


def _cached_property(value: functools.cached_property[Any]) -> Any:
    return "cached_property", value.attrname, value.func


def _partial(value: functools.partial[Any]) -> Any:
    if type(value) is not functools.partial:
        return objects.form(value)
    return "partial", value.func, value.args, value.keywords


def register(dispatch: Dispatch) -> None:
    """Add the handlers of this file."""
    for kinds, handler in (
        (types.FunctionType, _function),
        (types.CodeType, _code),
        (type, _class),
        ((types.MethodType, types.MethodWrapperType), _method),
        (types.BuiltinFunctionType, _builtin),
        (
            (
                types.WrapperDescriptorType,
                types.MethodDescriptorType,
                types.ClassMethodDescriptorType,
                types.GetSetDescriptorType,
                types.MemberDescriptorType,
            ),
            _descriptor,
        ),
        (types.ModuleType, _module),
        (property, _property),
        ((staticmethod, classmethod), _wrapper),
        (functools.cached_property, _cached_property),
        (functools.partial, _partial),
        (functools._lru_cache_wrapper, _cached),
    ):
        dispatch.register(kinds, handler)
