"""Docstrings of another library's functions, for functions that stand in for them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any


def skip_doctest(doc: str | None) -> str:
    """The text with its examples marked so that doctest leaves them out."""
    return "" if doc is None else "\n".join(map(_skipped, doc.split("\n")))


def _skipped(line: str) -> str:
    example = re.match(r"\s*>>>\s*([^#\s]|#\s*doctest:)", line) or re.search(r"\S.*>>>", line)
    if example is None or "+SKIP" in line:
        return line
    return f"{line}, +SKIP" if "# doctest:" in line else f"{line}  # doctest: +SKIP"


def extra_titles(doc: str) -> str:
    """The text with each title that is there a second time called Extra, as documentation tools want."""
    lines = doc.split("\n")
    seen = set()
    for place, (title, rule) in enumerate(pairwise(lines)):
        if set(rule.strip()) != {"-"}:
            continue
        if title.strip() in seen:
            indent = title[: len(title) - len(title.lstrip())]
            lines[place] = f"{indent}Extra {title.strip()}"
            lines[place + 1] = indent + "-" * (len(title.strip()) + len("Extra "))
        seen.add(title.strip())
    return "\n".join(lines)


def ignore_warning(
    doc: str, cls: Any, name: str, extra: str = "", skipblocks: int = 0, inconsistencies: str | None = None
) -> str:
    """The text with a note of its origin after its first paragraph, and after `skipblocks` further ones."""
    blocks = doc.split("\n\n")
    if len(blocks) == 1:
        return doc
    place = 1 + skipblocks
    rest = "\n\n".join(blocks[place:])
    indent = re.match(r"\s*", rest)[0].rpartition("\n")[2]  # type: ignore[index]
    owner = f"{cls.__module__}.{cls.__name__}" if inspect.isclass(cls) else cls.__name__
    notes = [
        f"This docstring was copied from {owner}.{name}.",
        "Some inconsistencies with the Dask version may exist.",
        *([f"Known inconsistencies: \n {inconsistencies}"] if inconsistencies is not None else []),
        *([extra.strip("\n")] if extra else []),
    ]
    return "\n\n".join([*blocks[:place], *(indent + note for note in notes), rest])


def unsupported_arguments(doc: str, args: Iterable[str]) -> str:
    """The text with a remark at the parameters that are not supported."""
    for name in args:
        lines = re.findall(rf"^\s*{re.escape(name)} ?:.*$", doc, re.MULTILINE)
        if len(lines) == 1:
            doc = doc.replace(lines[0], f"{lines[0]}  (Not supported in Dask)")
    return doc


def get_named_args(func: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters that can be given by name. Raises ValueError where it does not say."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name, each in inspect.signature(func).parameters.items() if each.kind in kinds]


def derived_from(
    original_klass: Any,
    version: str | None = None,
    ua_args: Sequence[str] | None = None,
    skipblocks: int = 0,
    inconsistencies: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a method the docstring of the method of that name in another class, with what differs said in it.

    version: of the class's library that has the method first; where the class has none, the method is replaced by one
    that raises NotImplementedError. ua_args: parameters that are not supported, beside those that are not there.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        original = getattr(original_klass, method.__name__, None)
        if original is None:
            return _absent(method, original_klass.__module__.partition(".")[0], version)
        extra = method.__doc__ or ""
        doc = _doc_of(original, original_klass, method.__name__)
        if doc:
            doc = ignore_warning(doc, original_klass, method.__name__, extra, skipblocks, inconsistencies)
        elif extra:
            doc = extra.rstrip("\n") + "\n\n"
        missing = [*_missing(method, _function_of(original)), *(ua_args or ())]
        method.__doc__ = extra_titles(skip_doctest(unsupported_arguments(doc, missing)))
        return method

    return decorate


def _function_of(member: Any) -> Any:
    if isinstance(member, property):
        return member.fget
    return member.func if isinstance(member, functools.cached_property) else member


def _doc_of(member: Any, owner: Any, name: str) -> str:
    """A member's docstring, or that of the classes above: methods are overridden without one."""
    above = [getattr(each, name, None) for each in getattr(owner, "__mro__", ())]
    return next((each.__doc__ for each in (member, _function_of(member), *above) if each and each.__doc__), "")


def _missing(method: Any, original: Any) -> list[str]:
    try:
        return [name for name in get_named_args(original) if name not in get_named_args(method)]
    except (TypeError, ValueError):
        return []


def _absent(method: Callable[..., Any], library: str, version: str | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def refuse(*_: Any, **__: Any) -> Any:
        remedy = f" Use {library} {version} or later to use this method." if version is not None else ""
        raise NotImplementedError(f"Base package doesn't support '{method.__name__}'.{remedy}")

    return refuse
