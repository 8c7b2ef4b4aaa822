"""Smaller plain graphs: what some keys need (cull), and values put in the place of their keys (inline)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from plait.lazy.graphs.rewriting import subs
from plait.lazy.graphs.walks import functions_of, get_dependencies, toposort
from plait.lazy.plain import Graph, is_hashable, is_task
from plait.lazy.protocol import flatten
from plait.lazy.tasks import is_node

Needs = Mapping[Any, Iterable[Any]]


def cull(dsk: Graph, keys: Any) -> tuple[dict[Any, Any], dict[Any, list[Any]]]:
    """What some keys need, and what each of it needs. keys: one, or nested lists. Raises KeyError for one that is not
    there.
    """
    waiting = list(flatten(keys if isinstance(keys, list | set) else [keys], (list, set)))
    kept: dict[Any, Any] = {}
    needs: dict[Any, list[Any]] = {}
    while waiting:
        key = waiting.pop()
        if key in kept:
            continue
        kept[key] = dsk[key]
        needs[key] = get_dependencies(dsk, task=dsk[key], as_list=True)
        waiting.extend(needs[key])
    return kept, needs


def inline(
    dsk: Graph, keys: Any = None, inline_constants: bool = True, dependencies: Needs | None = None
) -> dict[Any, Any]:
    """The graph with the values of some keys put where these stand. The keys stay.

    inline_constants: also those that call nothing, and need nothing or are another key's.
    """
    chosen = set(flatten([] if keys is None else keys if isinstance(keys, list | set) else [keys], (list, set)))
    needs = needs_of(dsk, dependencies)
    if inline_constants:
        chosen.update(key for key, value in dsk.items() if _is_constant(value, needs[key], dsk))
    ready: dict[Any, Any] = {}  # values that are to be put in, with theirs put in
    for key in toposort({key: dsk[key] for key in chosen if key in dsk}, dependencies=needs):
        ready[key] = put_in(dsk[key], needs[key], ready)
    return {key: ready[key] if key in ready else put_in(value, needs[key], ready) for key, value in dsk.items()}


def _is_constant(value: Any, needed: Collection[Any], dsk: Graph) -> bool:
    if is_task(value) or is_node(value):
        return False
    return not needed or (is_hashable(value) and value in dsk)


def needs_of(dsk: Graph, dependencies: Needs | None) -> dict[Any, set[Any]]:
    """The keys that each value needs, where they are not known already."""
    if dependencies is None:
        return {key: get_dependencies(dsk, task=value) for key, value in dsk.items()}
    return {key: set(dependencies.get(key, ())) for key in dsk}


def put_in(value: Any, needed: Iterable[Any], by: Mapping[Any, Any]) -> Any:
    """A value with the keys that it needs replaced, of those that there is something for."""
    for key in needed:
        if key in by:
            value = subs(value, key, by[key])
    return value


def inline_functions(
    dsk: Graph,
    output: Collection[Any],
    fast_functions: Iterable[Callable[..., Any]] | None = None,
    inline_constants: bool = False,
    dependencies: Needs | None = None,
) -> dict[Any, Any]:
    """The graph with cheap calls made by those that need them, each for itself, and gone as tasks of their own.

    output: keys that stay. fast_functions: what is cheap; a task is cheap where it calls nothing else.
    """
    cheap = list(fast_functions or ())
    if not cheap:
        return dict(dsk)
    needs = needs_of(dsk, dependencies)
    needed = set().union(*needs.values())
    chosen = [key for key, task in dsk.items() if key in needed and key not in output and _is_cheap(task, cheap)]
    if not chosen:
        return dict(dsk)
    made = inline(dsk, set(chosen), inline_constants, needs)
    for key in chosen:
        del made[key]
    return made


def _is_cheap(task: Any, cheap: list[Callable[..., Any]]) -> bool:
    if not is_task(task):
        return False
    try:
        return functions_of(task).issubset(cheap)
    except TypeError:  # a function without a hash, further in
        return False
