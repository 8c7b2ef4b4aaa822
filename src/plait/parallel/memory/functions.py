"""What a cache knows a function by: its name as a path, its source, and how a call's arguments are laid out.

A `Layout` is made once a function and kept for as long as the function's code and defaults stay; laying out a call by
it costs about a microsecond, where `inspect.signature` takes 20. The dictionaries that it gives, and the fingerprints
of code without source, are what joblib's caches were made of, so both read each other's.
"""

from __future__ import annotations

import os
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plait.parallel.logger import pformat

_LONGEST = 1500  # characters of an argument that are shown; of longer ones _SHOWN
_SHOWN = 700
_WIDTH = 80
_DOCTEST = re.compile(r"<doctest (?P<file>.*\.rst)\[(?P<number>.*)\]>")


# -- names -------------------------------------------------------------------------------------------------------


def get_func_name(
    func: Callable[..., Any], resolv_alias: bool = True, win_characters: bool = True
) -> tuple[list[str], str]:
    """The function's module, as a list of names, and its own name.

    Functions of `__main__` get the path of their file into the module's name, those of a notebook the digest of their
    cell; nested ones get the names that they are nested in. resolv_alias, win_characters: accepted as joblib's, without
    a meaning on this platform.
    """
    module = getattr(func, "__module__", _absent)
    if module is _absent:
        module = type(func).__module__
    module = module or ""
    if module == "__main__":
        file = _main_file(func)
        if file is not None:
            module = f"{module}-{file}"
    parts = module.split(".")
    name = getattr(func, "__name__", "unknown")
    qualified = getattr(func, "__qualname__", name)
    if qualified != name:
        parts.extend(qualified.split(".")[:-1])
    return parts, name


_absent: Any = object()


def _main_file(func: Callable[..., Any]) -> str | None:
    """The file that defines a function of `__main__`, as one name; None where there is no telling."""
    import inspect

    try:
        source = inspect.getsourcefile(func)
    except TypeError:
        return None
    if source is None:
        return None
    parts = os.path.abspath(source).split(os.sep)
    if parts[-1].startswith("<ipython-input"):
        words = parts[-1].split("-")  # <ipython-input-NUMBER-DIGEST>: the number is that of the run
        parts[-1] = "-".join(words[:2] + words[3:])
    elif len(parts) > 2 and parts[-2].startswith("ipykernel_"):
        parts[-2] = "ipykernel"
    return "-".join(parts).removesuffix(".py")


# -- source ------------------------------------------------------------------------------------------------------


def get_func_code(func: Callable[..., Any]) -> tuple[str, str | None, int]:
    """The function's source, read from its file now, the file, and the number of its first line.

    Where there is no source, a fingerprint of its code that is the same in every process, or its repr, and -1.
    """
    code = getattr(func, "__code__", None)
    if code is None:
        return repr(func), None, -1
    file: str = code.co_filename
    try:
        if os.path.exists(file):
            return _block_of(file, code.co_firstlineno), file, code.co_firstlineno
        return _remembered_source(func, file)
    except (OSError, TypeError, ValueError, SyntaxError, IndexError):
        return _fingerprint(code), file, -1


def _block_of(file: str, first_line: int) -> str:
    import inspect
    import tokenize

    with tokenize.open(file) as lines:
        for _ in range(first_line - 1):
            lines.readline()
        return "".join(inspect.getblock(list(lines)))


def _remembered_source(func: Callable[..., Any], file: str) -> tuple[str, str, int]:
    """The source of a function that was typed in, as `linecache` and doctest know it."""
    import inspect

    source = "".join(inspect.getsourcelines(func)[0])
    example = _DOCTEST.match(file)
    if example is None:
        if file.startswith("<doctest "):
            raise ValueError(f"{file!r} names no example")
        return source, file, 1
    return source, f"<doctest {example['file']}>", int(example["number"])


def _fingerprint(code: types.CodeType) -> str:
    """A digest of all of a code object but its position; constants by their repr, nested code by its own digest."""
    from hashlib import md5

    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars)
    constants = [_fingerprint(each) if isinstance(each, types.CodeType) else repr(each) for each in code.co_consts]
    parts = [code.co_name, code.co_code.hex(), code.co_exceptiontable.hex(), *names, *map(repr, counts), *constants]
    return md5("\n".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


# -- arguments ---------------------------------------------------------------------------------------------------


class Layout:
    """How a function's arguments are named. Immutable; `fits()` says whether it still is the function's."""

    __slots__ = ("_function", "_made_from", "_text", "bound", "keyword_only", "keywords", "names", "values", "variable")

    def __init__(self, func: Callable[..., Any]) -> None:
        import inspect

        signature = inspect.signature(func)
        self._function = func
        self._made_from = _parts_of(func)
        self._text = f"{get_func_name(func)[1]}{signature}"
        self.names: list[str] = []
        self.keyword_only: list[str] = []
        self.variable = self.keywords = False
        self.values: dict[str, Any] = {}  # defaults
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.variable = True
            elif parameter.kind is parameter.VAR_KEYWORD:
                self.keywords = True
            else:
                names = self.keyword_only if parameter.kind is parameter.KEYWORD_ONLY else self.names
                names.append(parameter.name)
            if parameter.default is not parameter.empty:
                self.values[parameter.name] = parameter.default
        self.bound = inspect.ismethod(func)
        if self.bound:
            self.names.insert(0, next(iter(inspect.signature(func.__func__).parameters)))  # type: ignore[attr-defined]

    def fits(self, func: Callable[..., Any]) -> bool:
        parts = _parts_of(func)
        return all(a is b for a, b in zip(parts, self._made_from, strict=True))

    def lay_out(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The call's arguments by name, with "*" for further ones and "**" for further keywords.

        Raises ValueError where the function could not be called like this.
        """
        if self.bound:
            args = (self._function.__self__, *args)  # type: ignore[attr-defined]
        found = dict(self.values)
        self._put_positional(found, args, kwargs)
        for name in self.keyword_only:
            if name in kwargs:
                found[name] = kwargs[name]
            elif name not in found:
                raise ValueError(f"Wrong number of arguments for {self._called(args, kwargs)}; {name} is missing")
        if self.keywords or kwargs:
            further = {name: value for name, value in kwargs.items() if name not in found}
            if self.keywords:
                found["**"] = further
            elif further:
                raise ValueError(f"Too many keyword arguments for {self._called(args, kwargs)}")
        return found

    def _put_positional(self, found: dict[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        names = self.names
        given = len(args)
        for position, name in enumerate(names):
            if position < given:
                if name in kwargs:
                    raise ValueError(
                        f"Argument {name} was given both as positional and as keyword for {self._called(args, kwargs)}"
                    )
                found[name] = args[position]
            elif name in kwargs:
                found[name] = kwargs[name]
            elif name not in found:
                raise ValueError(f"Wrong number of arguments for {self._called(args, kwargs)}; {name} is missing")
        if self.variable:
            found["*"] = list(args[len(names) :])
        elif given > len(names):
            raise ValueError(f"Too many arguments for {self._called(args, kwargs)}")

    def without(self, found: dict[str, Any], ignored: Sequence[str]) -> dict[str, Any]:
        """Take the ignored names out. Raises ValueError for one that the function has not."""
        for name in ignored:
            if name not in found:
                raise ValueError(f"Ignore list: argument {name!r} is not defined for function {self._text}")
            del found[name]
        return found

    def _called(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        shown = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        return f"{self._text}, which was called with ({shown})"


def _parts_of(func: Any) -> tuple[Any, ...]:
    """What a layout depends on."""
    return (
        func,
        getattr(func, "__code__", None),
        getattr(func, "__defaults__", None),
        getattr(func, "__kwdefaults__", None),
        getattr(func, "__wrapped__", None),
    )


def has_layout(func: Any) -> bool:
    """Whether the arguments of `func` have names: it is a function or a method, not another callable."""
    return isinstance(func, types.FunctionType | types.MethodType)


def filter_args(
    func: Callable[..., Any],
    ignore_lst: Sequence[str],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The arguments of a call by name, but for the ignored ones; other callables give {"*": args, "**": kwargs}.

    Raises ValueError where the call does not fit the function, or an ignored name is not one of its.
    """
    if isinstance(ignore_lst, str):
        raise ValueError(
            f"ignore_lst must be a list of parameters to ignore, not the text {ignore_lst!r}; pass [{ignore_lst!r}]"
        )
    if not has_layout(func):
        if ignore_lst:
            import warnings

            warnings.warn(f"Cannot inspect object {func}, ignore list will not work.", stacklevel=2)
        return {"*": list(args), "**": dict(kwargs or {})}
    layout = Layout(func)
    return layout.without(layout.lay_out(args, kwargs or {}), ignore_lst)


# -- text --------------------------------------------------------------------------------------------------------


def format_signature(func: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str]:
    """The function's full name, and a call of it as text, each argument cut to some length."""
    parts, name = get_func_name(func)
    path = ".".join([*filter(None, parts), name])
    shown: list[str] = []
    before = 0
    for value in args:
        text = _shorten(value)
        shown.append(f"\n{text}" if before > _WIDTH else text)
        before = len(text)
    shown += [f"{keyword}={_shorten(value)}" for keyword, value in kwargs.items()]
    return path, f"{name}({', '.join(shown)})"


def _shorten(value: Any) -> str:
    text = pformat(value, indent=2)
    return text if len(text) <= _LONGEST else f"{text[:_SHOWN]}..."


def format_call(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], object_name: str = "Memory"
) -> str:
    """What is printed before a cached function runs."""
    path, signature = format_signature(func, *args, **kwargs)
    return f"{'_' * _WIDTH}\n[{object_name}] Calling {path}...\n{signature}"
