"""`compute`, `persist`, `get`: run what collections need, and put the values where they stood."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from plait.lazy import config, schedulers
from plait.lazy._native.arena import Arena, Execution
from plait.lazy._native.nodes import Node, Template, leaf
from plait.lazy.callbacks import watched
from plait.lazy.engines import Engine
from plait.lazy.lowering import lower
from plait.lazy.plain import graph_of, nodes_of
from plait.lazy.protocol import Foreign, default_scheduler, flatten, outputs_of
from plait.lazy.tasks import DataNode
from plait.parallel.tracebacks import trim
from plait.trace import ring


def compute(
    *collections: Any, scheduler: Any = None, num_workers: int | None = None, traverse: bool = True, **options: Any
) -> tuple[Any, ...]:
    """The values of some collections, in order, as a tuple; what is not lazy is returned as it is.

    Collections inside lists, tuples, sets and dicts are computed too, unless traverse=False. What several need runs
    once.

    scheduler: "threads" (the default), "processes", "sync" or "green", see `plait.lazy.schedulers`; or a function
    get(graph, keys, **options) that takes a plain graph (see `plait.lazy.plain`). num_workers: how many, strictly;
    without it one a core, and more while tasks block. Where neither the call nor the configuration names a scheduler,
    that which all collections prefer is taken.

    options: for a function of yours; besides, pool: an Executor or Pool of yours to run on, optimize_graph: False runs
    the graph as it was built, memory_limit: how many bytes of results to hold, such as "500 MB"; the rest waits on
    disk, see `plait.lazy.memory`. Raises what the first failing task raised, with a note that names it; nothing starts
    after that.
    """
    template = Template(collections, traverse)
    if not template.nodes:
        if schedulers.engine(scheduler) is None:
            schedulers.scheduler(scheduler)
        schedulers.workers_asked(num_workers)
        return collections
    scheduler = _asked(scheduler, template.nodes)
    values = iter(values_of(outputs_of(template.nodes), scheduler, num_workers, options))
    return template.fill([_value(node, values) for node in template.nodes])


def _asked(scheduler: Any, nodes: list[Any]) -> Any:
    """The scheduler that the call asks for, or the configuration, or an open client, or all collections among nodes."""
    engine = schedulers.engine(scheduler)
    if engine is not None:
        return engine
    return default_scheduler(nodes) if schedulers.configured(scheduler) is None else scheduler


def _value(node: Any, values: Iterator[Any]) -> Any:
    return node.finished([next(values) for _ in node._inputs]) if isinstance(node, Foreign) else next(values)


def persist(
    *collections: Any, scheduler: Any = None, num_workers: int | None = None, traverse: bool = True, **options: Any
) -> tuple[Any, ...]:
    """As compute(), but with each collection replaced by one of its kind that holds its results, under its keys."""
    template = Template(collections, traverse)
    wanted = outputs_of(template.nodes)
    scheduler = _asked(scheduler, template.nodes)
    if wanted and isinstance(scheduler, Engine):
        values = iter(_elsewhere(scheduler.persist, wanted, options, _UntilExit()))
    else:
        values = iter(values_of(wanted, scheduler, num_workers, options) if wanted else ())
    kept = []
    for node in template.nodes:
        if isinstance(node, Foreign):
            kept.append(node.persisted(node.results([next(values) for _ in node._inputs])))
        else:
            kept.append(leaf(next(values), node.key, nout=node._nout))
    return template.fill(kept)


def get(
    graph: Mapping[Any, Any], keys: Any, scheduler: Any = None, num_workers: int | None = None, **options: Any
) -> Any:
    """The values of some keys of a plain graph: one key, or lists of keys, which become tuples.

    cache: a mapping, also as an option of the configuration. It has values of keys that the graph need not have, and
    shows those that are there while tasks need them, and at last those that were asked for.

    Other parameters as of compute(). Raises KeyError for a key that there is not.
    """
    flat = list(flatten(keys))
    cache = options["cache"] if options.get("cache") is not None else config.get("cache", None)
    if cache is not None:
        known = {key: DataNode(key, value) for key, value in cache.items()}
        graph, options = {**graph, **known}, {**options, "cache": cache}
    nodes = nodes_of(graph, flat)
    values = values_of([nodes[key] for key in flat], scheduler, num_workers, options) if flat else []
    return _nested(keys, iter(values))


def _nested(keys: Any, values: Any) -> Any:
    return tuple([_nested(each, values) for each in keys]) if isinstance(keys, list) else next(values)


def values_of(nodes: list[Any], scheduler: Any, num_workers: int | None, options: Mapping[str, Any]) -> list[Any]:
    """The values of some nodes, computed by a scheduler."""
    if "get" in options:
        raise TypeError("get= is no option any more; pass the function as scheduler=")
    if options.get("pool") is not None:
        scheduler = options["pool"]
    engine = schedulers.engine(scheduler)
    if engine is not None:
        try:
            return _elsewhere(engine.compute, nodes, options, ExitStack())
        except BaseException as error:
            trim(error)
            raise
    scheduler = config.get("scheduler", None) if scheduler is None else scheduler
    run = schedulers.scheduler(scheduler)
    if run is schedulers.processes:
        initializer = options.get("initializer") or config.get("multiprocessing.initializer", None)
        if initializer is not None:
            run = partial(schedulers.processes, initializer=initializer)
    workers = schedulers.workers_asked(num_workers)
    if not nodes:  # a collection without outputs
        return []
    with ExitStack() as resources:
        arena = lower(nodes, resources) if options.get("optimize_graph", True) else Arena(nodes)
        if run is None:
            others = schedulers.function(scheduler)
            return _by_others([arena.nodes[number] for number in arena.outputs], others, options)
        try:
            with (
                watched(arena, options.get("cache")) as execution,
                ring.span("lazy", "compute", execution.id, name=scheduler),
            ):
                limit_memory(execution, options.get("memory_limit"), resources)
                run(execution, workers)
        except BaseException as error:
            trim(error)
            raise
        return execution.outputs()


def limit_memory(execution: Execution, asked: Any, resources: ExitStack) -> None:
    """Keep a run's results below the limit that the call asks for, or the configuration."""
    asked = config.get("memory-limit", None) if asked is None else asked
    if asked is not None:
        from plait.lazy.memory import Memory  # slow to import, and mostly not needed

        execution.memory = Memory(execution, asked, resources)


class _UntilExit(ExitStack):
    """What a graph owns that is persisted elsewhere: nothing says when the last of it has been computed."""

    def callback(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return atexit.register(function, *args, **kwargs)


def _elsewhere(
    computing: Callable[[Arena, Mapping[str, Any]], list[Any]],
    nodes: list[Any],
    options: Mapping[str, Any],
    resources: ExitStack,
) -> list[Any]:
    if options.get("memory_limit") is not None:
        raise ValueError(
            "memory_limit= is for schedulers of this process; set the limit of the cluster's workers instead"
        )
    with resources:
        arena = lower(nodes, resources)
        try:
            return computing(arena, options)
        except BaseException as error:
            trim(error)
            raise


def _by_others(nodes: list[Node], compute_graph: Any, options: Mapping[str, Any]) -> list[Any]:
    keys = [node.key for node in nodes]
    return list(compute_graph(graph_of(nodes), keys, **options))
