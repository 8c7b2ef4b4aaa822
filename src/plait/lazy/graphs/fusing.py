"""Fewer tasks in plain graphs: what only one task needs, once, can be made within it.

A fused task is named by the keys of its parts, unless keys are to stay as they are; the last key then stands for it.
Our own graphs are fused as layers (`blocks`) and need none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from plait.lazy import config
from plait.lazy.graphs.culling import Needs, needs_of, put_in
from plait.lazy.graphs.rewriting import subs
from plait.lazy.graphs.walks import keys_in_tasks, references_to, reverse_dict, toposort
from plait.lazy.key_names import key_split
from plait.lazy.plain import Graph, is_task
from plait.lazy.protocol import flatten
from plait.lazy.tasks import Alias, GraphNode, is_node
from plait.lazy.tokens import tokenize

_LONGEST = 120  # characters of a joined name

Namer = Callable[[Sequence[Any]], Any]
Fused = tuple[dict[Any, Any], dict[Any, set[Any]]]


def fuse_linear(
    dsk: Graph, keys: Any = None, dependencies: Needs | None = None, rename_keys: bool | Namer = True
) -> Fused:
    """(the graph with chains made one task each, what each key of it needs). Parameters as of fuse()."""
    return _Fusing(dsk, keys, dependencies, rename_keys, 1, None, chains=True).run()


def fuse(
    dsk: Graph,
    keys: Any = None,
    dependencies: Needs | None = None,
    ave_width: float | None = None,
    max_height: float | None = None,
    rename_keys: bool | Namer | None = None,
) -> Fused:
    """(the graph with chains and narrow trees made one task each, what each key of it needs).

    keys: those that stay. ave_width: how many tasks a level of a tree that becomes one may have on average, since
    they will not run in parallel any more; max_height: how many levels. rename_keys: name a fused task by its parts,
    or by what this function makes of their keys. Defaults: the configuration's optimization.fuse, which may turn all of
    it off.
    """
    if config.get("optimization.fuse.active", None) is False:
        return dict(dsk), needs_of(dsk, dependencies)
    if ave_width is None:
        ave_width = config.get("optimization.fuse.ave-width", None) or 1
    if rename_keys is None:
        rename_keys = config.get("optimization.fuse.rename-keys", True)
    return _Fusing(dsk, keys, dependencies, rename_keys, ave_width, max_height, chains=False).run()


class _Part(NamedTuple):
    """A task with those that were put in it: their keys in order, and how many levels they are."""

    value: Any
    keys: list[Any]
    height: int


class _Fusing:
    def __init__(
        self,
        dsk: Graph,
        keys: Any,
        dependencies: Needs | None,
        rename_keys: bool | Namer,
        ave_width: float,
        max_height: float | None,
        chains: bool,
    ) -> None:
        self._dsk = dsk
        self._needs = needs_of(dsk, dependencies)
        self._kept = set(flatten(keys if isinstance(keys, list | set) else [] if keys is None else [keys], (list, set)))
        self._readers = reverse_dict(self._needs)
        self._name: Namer | None = joined_name if rename_keys is True else rename_keys or None
        self._ave_width = ave_width
        self._max_height = float("inf") if max_height is None else max_height
        self._chains = chains
        self._parts: dict[Any, _Part] = {}

    def run(self) -> Fused:
        for key in toposort(self._dsk, self._needs):
            self._parts[key] = self._with_inputs(key)
        fused: dict[Any, Any] = {}
        names: dict[Any, Any] = {}
        for key, part in self._parts.items():
            new = self._name(part.keys) if self._name is not None and len(part.keys) > 1 else key
            fused[new] = part.value
            if new != key:
                names[key] = new
        if names:
            fused = {key: put_in(value, keys_in_tasks(names, [value]), names) for key, value in fused.items()}
        for key, new in names.items():
            fused[key] = Alias(key, new) if isinstance(fused[new], GraphNode) else new
        return fused, needs_of(fused, None)

    def _with_inputs(self, key: Any) -> _Part:
        """A task with the inputs that can be made within it; they are no parts of their own any more."""
        value = self._dsk[key]
        inputs = [each for each in sorted(self._needs[key], key=str) if self._is_free(each, key)]
        parts = [self._parts[each] for each in inputs]
        height = 1 + max((part.height for part in parts), default=-1)
        count = sum(len(part.keys) for part in parts)
        wide = self._chains and len(self._needs[key]) > 1
        if not parts or wide or count > self._ave_width * height or height > self._max_height:
            return _Part(value, [key], 0)
        for each, part in zip(inputs, parts, strict=True):
            value = _put(value, each, part.value)
            del self._parts[each]
        return _Part(value, [*(name for part in parts for name in part.keys), key], height)

    def _is_free(self, key: Any, reader: Any) -> bool:
        """Whether a key can be put into its reader: nobody else needs it, and that needs it once."""
        return (
            key in self._parts
            and key not in self._kept
            and _is_light(self._parts[key].value)
            and self._readers[key] == {reader}
            and references_to(key, self._dsk[reader]) == 1
        )


def _is_light(value: Any) -> bool:
    """Whether a value may stand in a task: calls may, and small constants; data stays where it is."""
    return is_task(value) or is_node(value) or type(value) in (int, float, str, bool, type(None), list)


def _put(value: Any, key: Any, inner: Any) -> Any:
    """A value with another in the place of a key."""
    if isinstance(value, GraphNode) and isinstance(inner, GraphNode):
        return GraphNode.fuse(inner.substitute({}, key=key), value)
    return subs(value, key, inner)


def joined_name(keys: Sequence[Any]) -> Any:
    """A key for a task made of several: their names joined, with what tells the last one apart."""
    last = keys[-1]
    names = list(dict.fromkeys(key_split(key) for key in keys[:-1]))
    text = last[0] if isinstance(last, tuple) and last else last
    if not isinstance(text, str):
        return last
    joined = "-".join([*names, text])
    if len(joined) > _LONGEST:
        joined = f"{joined[:_LONGEST]}-{tokenize(joined)[:4]}"
    return (joined, *last[1:]) if isinstance(last, tuple) else joined


def fuse_linear_task_spec(dsk: Mapping[Any, GraphNode], keys: Any) -> dict[Any, GraphNode]:
    """A graph of task objects with chains made one task each, under the key of the last; `keys` stay."""
    return fuse_linear(dsk, keys, rename_keys=False)[0]
