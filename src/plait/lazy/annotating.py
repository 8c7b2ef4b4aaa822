"""Annotations: what a program says of the tasks that it makes in a block, for the scheduler that will run them.

    with annotate(priority=10, retries=2):
        z = load(path)

Each node made in the block carries them; an engine for many machines honours `priority`, `retries`, `workers`,
`resources` and `allow_other_workers`, and any scheduler may read what else is said. The local schedulers run one order,
and take no notice. Blocks nest, the inner wins; each thread and context has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from plait.lazy._native.nodes import annotate_nodes

_current: ContextVar[dict[str, Any] | None] = ContextVar("plait.lazy.annotations", default=None)
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "priority": (lambda value: isinstance(value, int) or callable(value), "an integer, or a function of the key"),
    "retries": (lambda value: isinstance(value, int) or callable(value), "an integer, or a function of the key"),
    "workers": (
        lambda value: isinstance(value, list | tuple | set | str) or callable(value),
        "an address, a list of addresses, or a function of the key",
    ),
    "resources": (lambda value: isinstance(value, dict) or callable(value), "a dictionary, or a function of the key"),
    "allow_other_workers": (
        lambda value: isinstance(value, list | tuple | set | bool) or callable(value),
        "a truth value, a list of keys, or a function of the key",
    ),
}


@contextmanager
def annotate(**annotations: Any) -> Iterator[None]:
    """Have the tasks that are made in the block carry these annotations. Raises TypeError where one cannot be."""
    for name, value in annotations.items():
        fits, rule = _CHECKS.get(name, (None, ""))
        if fits is not None and not fits(value):
            raise TypeError(f"{name}={value!r} is no such annotation; pass {rule}")
    with annotate_as({**(_current.get() or {}), **annotations}):
        yield


def annotations_here() -> dict[str, Any] | None:
    """The annotations that hold here, not to be changed; None outside of all blocks."""
    return _current.get()


@contextmanager
def annotate_as(annotations: dict[str, Any] | None) -> Iterator[None]:
    """Have the tasks that are made in the block carry these annotations and no others: for what is made later."""
    if annotations == _current.get():
        yield
        return
    token = _current.set(annotations)
    annotate_nodes(1, _current.get)
    try:
        yield
    finally:
        annotate_nodes(-1, _current.get)
        _current.reset(token)


def get_annotations() -> dict[str, Any]:
    """The annotations that hold here."""
    return dict(_current.get() or {})
