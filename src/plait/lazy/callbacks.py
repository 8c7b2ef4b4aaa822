"""Callbacks: functions that are told what a computation does.

    with Callback(pretask=lambda key, graph, state: print(key)):
        compute(...)

    start(graph)                                   before anything runs; what it changes in the graph is run so
    start_state(graph, state)                      likewise
    pretask(key, graph, state)                     before a task
    posttask(key, result, graph, state, worker)    after it; worker: pid of the process, or the ident of the thread
    finish(graph, state, failed)                   at the end, however it comes

`graph` maps keys to objects of `tasks`. `state` has keys of tasks: "ready", those that nothing is missing for, the next
one last; "waiting", for each of the others the tasks that it waits for; "running"; "finished". Besides "dependencies"
and "dependents" of every key; "cache", the values that are there; "waiting_data", for each of them who will read it;
"released", what is there no longer. What is a value already is no task. Callbacks see the computations
that are started while they are active, not those that these start in turn. Those of one computation run one at a time.

Cost: nothing where none is active; else some microseconds a task, and the plain graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ClassVar

from plait._base import natives
from plait.lazy._native.arena import Arena, Execution
from plait.lazy.converting import convert_legacy_graph
from plait.lazy.plain import graph_of, identity, nodes_of

Functions = tuple[Callable[..., Any] | None, ...]
_NAMES = ("_start", "_start_state", "_pretask", "_posttask", "_finish")
_START, _START_STATE, _PRETASK, _POSTTASK, _FINISH = range(5)


class Callback:
    """Functions that computations call, as a context manager, or from register() to unregister().

    A subclass may have them as methods: _start, _start_state, _pretask, _posttask, _finish.
    """

    active: ClassVar[set[Functions]] = set()

    def __init__(
        self,
        start: Callable[..., Any] | None = None,
        start_state: Callable[..., Any] | None = None,
        pretask: Callable[..., Any] | None = None,
        posttask: Callable[..., Any] | None = None,
        finish: Callable[..., Any] | None = None,
    ) -> None:
        for name, function in zip(_NAMES, (start, start_state, pretask, posttask, finish), strict=True):
            if function is not None:
                setattr(self, name, function)

    @property
    def _callback(self) -> Functions:
        return tuple(getattr(self, name, None) for name in _NAMES)

    def __enter__(self) -> Callback:
        self._added = add_callbacks(self)
        self._added.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._added.__exit__(*error)

    def register(self) -> None:
        Callback.active.add(self._callback)

    def unregister(self) -> None:
        Callback.active.remove(self._callback)


class add_callbacks:
    """Have some callbacks active for a while: Callback objects, or tuples of their five functions."""

    def __init__(self, *callbacks: Callback | Functions) -> None:
        self.callbacks = [normalize_callback(each) for each in callbacks]
        Callback.active.update(self.callbacks)

    def __enter__(self) -> None:
        """They are active already."""

    def __exit__(self, *_: object) -> None:
        for each in self.callbacks:
            Callback.active.discard(each)


def normalize_callback(callback: Any) -> Functions:
    """A callback as the tuple of its functions. Raises TypeError."""
    if isinstance(callback, Callback):
        return callback._callback
    if isinstance(callback, tuple):
        return callback
    raise TypeError(f"{callback!r} is no Callback, nor a tuple of five functions; pass one of them")


@contextmanager
def local_callbacks(callbacks: Iterable[Any] | None = None) -> Iterator[set[Functions]]:
    """The callbacks of one computation: the given ones, or else the active ones, which are not active inside it."""
    if callbacks is not None:
        yield {normalize_callback(each) for each in callbacks}
        return
    taken = set(Callback.active)
    Callback.active.difference_update(taken)
    try:
        yield taken
    finally:
        Callback.active.update(taken)


@contextmanager
def watched(arena: Arena, cache: MutableMapping[Any, Any] | None = None) -> Iterator[Execution]:
    """A run of the arena of which the active callbacks are told: of what their start() made of its graph.

    cache: what is to show the values that are there.
    """
    if cache is None and not Callback.active:
        yield Execution(arena)
        return
    with local_callbacks() as callbacks:
        graph = graph_to_show(arena)
        failed = True
        state: dict[str, Any] = {}
        try:
            execution = Execution(_started(arena, graph, callbacks))
            observer = Observer(execution, callbacks, graph, {} if cache is None else cache)
            state = observer.state
            execution.observer = observer
            observer.start()
            yield execution
            execution.observer = None
            failed = False
        finally:
            tell(callbacks, _FINISH, graph, state, failed)


def graph_to_show(arena: Arena) -> dict[Any, Any]:
    """What an arena runs as a graph of task objects."""
    return convert_legacy_graph(graph_of([arena.nodes[number] for number in arena.outputs]))


def _started(arena: Arena, graph: dict[Any, Any], callbacks: Iterable[Functions]) -> Arena:
    """Tell start(graph): the arena, or one of the graph where a callback has changed that."""
    before = dict(graph)
    tell(callbacks, _START, graph)
    if graph.keys() == before.keys() and all(graph[key] is before[key] for key in before):
        return arena
    keys = [arena.nodes[number].key for number in arena.outputs]
    nodes = nodes_of(graph, keys)
    return Arena([nodes[key] for key in keys])


def tell(callbacks: Iterable[Functions], which: int, *values: Any) -> None:
    """Call one of each callback's functions."""
    for functions in callbacks:
        function = functions[which]
        if function is not None:
            function(*values)


class Observer:
    """Tells callbacks of one run. Its methods are called by whatever thread runs a node."""

    def __init__(
        self,
        execution: Execution,
        callbacks: Iterable[Functions],
        graph: dict[Any, Any],
        cache: MutableMapping[Any, Any],
    ) -> None:
        self._arena = execution.arena
        self.graph = graph
        self._cache = cache
        self._wanted = set(execution.arena.outputs)
        self._callbacks = list(callbacks)
        self._lock = natives.RLock()  # callbacks are not made for several threads
        self.worker: int | None = None  # which process has run the nodes that end now; None: this one

    @cached_property
    def state(self) -> dict[str, Any]:
        keys = [node.key for node in self._arena.nodes]
        numbers = range(len(keys))
        self._cache.update({keys[n]: self._arena.nodes[n]._args[0] for n in numbers if self._is_value(n)})
        inputs = {keys[n]: {keys[each] for each in self._arena.inputs(n)} for n in numbers}
        readers = {keys[n]: {keys[each] for each in self._arena.readers(n)} for n in numbers}
        missing = {keys[n]: inputs[keys[n]] - self._cache.keys() for n in numbers if not self._is_value(n)}
        return {
            "dependencies": inputs,
            "dependents": readers,
            "waiting": {key: others for key, others in missing.items() if others},
            "waiting_data": {key: set(others) for key, others in readers.items()},
            "ready": [key for key, others in missing.items() if not others][::-1],
            "running": set(),
            "finished": set(),
            "released": set(),
            "cache": self._cache,
        }

    def _is_value(self, number: int) -> bool:
        node = self._arena.nodes[number]
        return node._function is identity and not node._inputs

    def start(self) -> None:
        tell(self._callbacks, _START_STATE, self.graph, self.state)

    def before(self, number: int) -> None:
        if self._is_value(number):
            return
        key = self._arena.nodes[number].key
        with self._lock:
            ready = self.state["ready"]
            if ready[-1] == key:
                ready.pop()
            else:
                ready.remove(key)
            self.state["running"].add(key)
            tell(self._callbacks, _PRETASK, key, self.graph, self.state)

    def after(self, number: int, value: Any) -> None:
        if self._is_value(number):
            return
        key = self._arena.nodes[number].key
        with self._lock:
            self.state["running"].discard(key)
            self.state["finished"].add(key)
            self.state["cache"][key] = value
            self._wake_readers(key)
            self._let_go(number)
            worker = natives.get_ident() if self.worker is None else self.worker
            tell(self._callbacks, _POSTTASK, key, value, self.graph, self.state, worker)

    def _wake_readers(self, key: Any) -> None:
        waiting = self.state["waiting"]
        for reader in self.state["dependents"][key]:
            waiting[reader].discard(key)
            if not waiting[reader]:
                del waiting[reader]
                self.state["ready"].append(reader)

    def _let_go(self, number: int) -> None:
        """Take values out of the cache that no unfinished task needs, unless they were asked for."""
        state = self.state
        ended = self._arena.nodes[number].key
        for each in {number, *self._arena.inputs(number)}:
            key = self._arena.nodes[each].key
            readers = state["waiting_data"][key]
            readers.discard(ended)
            if each not in self._wanted and not readers:
                del state["waiting_data"][key]
                state["cache"].pop(key, None)
                state["released"].add(key)
