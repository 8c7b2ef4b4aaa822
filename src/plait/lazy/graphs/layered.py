"""Layered graphs: plain graphs in parts, each with a name, and which parts need which.

Libraries build their graphs by this: a layer for each operation, with the layers of the collections that it reads. A
layer is a mapping of keys to tasks; one that is not `is_materialized()` makes its tasks when they are asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from plait.lazy.graphs import html
from plait.lazy.graphs.rewriting import subs
from plait.lazy.graphs.subgraphs import SubgraphCallable
from plait.lazy.graphs.waiting import first
from plait.lazy.graphs.walks import keys_in_tasks, reverse_dict, toposort
from plait.lazy.key_names import cloned
from plait.lazy.plain import is_hashable, is_task
from plait.lazy.protocol import flatten, is_dask_collection
from plait.lazy.tasks import GraphNode

Deps = Mapping[Any, Set[Any]]


class Layer(Mapping[Any, Any]):
    """Some tasks of a graph, by key. annotations: what schedulers are told about them."""

    annotations: Mapping[str, Any] | None
    collection_annotations: Mapping[str, Any] | None

    def __init__(
        self, annotations: Mapping[str, Any] | None = None, collection_annotations: Mapping[str, Any] | None = None
    ) -> None:
        self.annotations = annotations or None
        self.collection_annotations = collection_annotations or None

    @abstractmethod
    def is_materialized(self) -> bool:
        """Whether the tasks are there, so that asking for one costs nothing."""
        return True

    @abstractmethod
    def get_output_keys(self) -> Set[Any]:
        """The keys that others may read; found without making tasks."""
        return self.keys()

    def cull(self, keys: Set[Any], all_hlg_keys: Collection[Any]) -> tuple[Layer, dict[Any, set[Any]]]:
        """The part of the layer that some keys need, and what each of its keys needs anywhere."""
        if len(keys) == len(self):
            return self, {key: self.get_dependencies(key, all_hlg_keys) for key in self}
        kept: dict[Any, Any] = {}
        needs: dict[Any, set[Any]] = {}
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key in kept:
                continue
            kept[key] = self[key]
            needs[key] = self.get_dependencies(key, all_hlg_keys)
            waiting.extend(each for each in needs[key] if each in self)
        return MaterializedLayer(kept, self.annotations, self.collection_annotations), needs

    def get_dependencies(self, key: Any, all_hlg_keys: Collection[Any]) -> set[Any]:
        """The keys of the whole graph that a task needs."""
        found: set[Any] = keys_in_tasks(all_hlg_keys, [self[key]])
        return found

    def clone(self, keys: Set[Any], seed: Any, bind_to: Any = None, others: Collection[Any] = ()) -> tuple[Layer, bool]:
        """A copy under keys of its own, and whether it waits for `bind_to`.

        keys: those of the graph that are copied, in this layer and others. bind_to: a key; tasks that read no copied
        one are to wait for it. others: keys of the graph that are not copied.
        """
        renamed = {key: cloned(key, seed) for key in keys}
        made: dict[Any, Any] = {}
        bound = False
        for key, task in self.items():
            if key not in keys:
                made[key] = task
                continue
            new = renamed[key]
            read = keys_in_tasks(keys, [task])
            if bind_to is not None and not read:
                made[new], bound = _after(bind_to, new, task, keys_in_tasks(others, [task])), True
            else:
                made[new] = _copied(task, new, {each: renamed[each] for each in read})
        return MaterializedLayer(made, self.annotations, self.collection_annotations), bound

    def __copy__(self) -> Layer:
        return type(self)(**self.__dict__)

    @property
    def layer_info_dict(self) -> dict[str, Any]:
        """What a reader may like to know, by what to call it."""
        return {
            "layer_type": type(self).__name__,
            "is_materialized": self.is_materialized(),
            "number of outputs": len(self.get_output_keys()),
            **({"annotations": dict(self.annotations)} if self.annotations else {}),
            **(self.collection_annotations or {}),
        }

    def _repr_html_(self, layer_index: Any = "", highlevelgraph_key: Any = "", dependencies: Any = ()) -> str:
        return html.of_layer(layer_index, highlevelgraph_key, self.layer_info_dict, dependencies)


def _copied(task: Any, key: Any, renamed: Mapping[Any, Any]) -> Any:
    """A task under another key, which reads others under other keys."""
    for each, new in renamed.items():
        task = subs(task, each, new)
    return task.substitute({}, key=key) if isinstance(task, GraphNode) else task


def _after(blocker: Any, key: Any, task: Any, read: Collection[Any]) -> Any:
    """A task that waits for a key: as a function, since a task within a task may begin by itself."""
    if not is_task(task) and not isinstance(task, GraphNode):
        return (first, task, blocker)
    keys = (blocker, *read)
    return (SubgraphCallable({key: task}, key, keys), *keys)


class MaterializedLayer(Layer):
    """A layer of tasks that are there."""

    def __init__(
        self,
        mapping: Mapping[Any, Any],
        annotations: Mapping[str, Any] | None = None,
        collection_annotations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(annotations, collection_annotations)
        self.mapping = mapping

    def __contains__(self, key: object) -> bool:
        return key in self.mapping

    def __getitem__(self, key: Any) -> Any:
        return self.mapping[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.mapping)

    def __len__(self) -> int:
        return len(self.mapping)

    def is_materialized(self) -> bool:
        return True

    def get_output_keys(self) -> Set[Any]:
        return self.keys()


class HighLevelGraph(Mapping[Any, Any]):
    """A graph of layers. layers: name -> layer, or any mapping; dependencies: name -> the names that it reads."""

    layers: dict[Any, Layer]
    dependencies: dict[Any, Set[Any]]
    key_dependencies: dict[Any, Set[Any]]

    def __init__(
        self,
        layers: Mapping[Any, Mapping[Any, Any]],
        dependencies: Mapping[Any, Any],
        key_dependencies: Mapping[Any, Any] | None = None,
    ) -> None:
        self.layers = {
            name: layer if isinstance(layer, Layer) else MaterializedLayer(layer) for name, layer in layers.items()
        }
        self.dependencies = dict(dependencies)
        self.key_dependencies = dict(key_dependencies or {})
        self._all: dict[Any, Any] | None = None

    @classmethod
    def from_collections(cls, name: Any, layer: Mapping[Any, Any], dependencies: Sequence[Any] = ()) -> HighLevelGraph:
        """The graph of a new collection: a layer, and those of the collections that it reads."""
        layers: dict[Any, Any] = {}
        needs: dict[Any, Any] = {}
        read: set[Any] = set()
        for each in dependencies:
            if is_dask_collection(each):
                graph = each.__dask_graph__()
                names = tuple(each.__dask_layers__()) if hasattr(each, "__dask_layers__") else (id(graph),)
                graph = as_layered(graph, names[0])
                layers.update(graph.layers)
                needs.update(graph.dependencies)
                read.update(names)
        layers[name] = layer
        needs[name] = read
        return cls(layers, needs)

    @classmethod
    def merge(cls, *graphs: Mapping[Any, Any]) -> HighLevelGraph:
        """One graph of several; one that has no layers becomes a layer."""
        layers: dict[Any, Any] = {}
        needs: dict[Any, Any] = {}
        for graph in graphs:
            if not isinstance(graph, Mapping):
                raise TypeError(f"{graph!r} is no graph; pass HighLevelGraphs, or mappings of keys to tasks")
            each = as_layered(graph, id(graph))
            layers.update(each.layers)
            needs.update(each.dependencies)
        return cls(layers, needs)

    # A mapping of all keys.

    def __getitem__(self, key: Any) -> Any:
        name = key[0] if isinstance(key, tuple) and key else key
        likely = self.layers.get(name) if is_hashable(name) else None
        if likely is not None and key in likely:
            return likely[key]
        for layer in self.layers.values():
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        # Layers share no keys, so nothing has to be made for counting.
        return sum(len(layer) for layer in self.layers.values())

    def __contains__(self, key: object) -> bool:
        return any(key in layer for layer in self.layers.values())

    def to_dict(self) -> dict[Any, Any]:
        """All tasks by key."""
        if self._all is None:
            self._all = {key: task for layer in self.layers.values() for key, task in layer.items()}
        return dict(self._all)

    def keys(self) -> Any:
        return self.to_dict().keys()

    def items(self) -> Any:
        return self.to_dict().items()

    def values(self) -> Any:
        return self.to_dict().values()

    def __dask_tokenize__(self) -> Any:
        return "HighLevelGraph", list(self.layers)

    # What needs what.

    @property
    def dependents(self) -> dict[Any, set[Any]]:
        """name -> the layers that read it."""
        return reverse_dict(self.dependencies)

    def get_all_external_keys(self) -> set[Any]:
        """The keys of all layers that others may read."""
        return set().union(*[layer.get_output_keys() for layer in self.layers.values()])

    def get_all_dependencies(self) -> dict[Any, Set[Any]]:
        """key -> the keys that it needs; kept from the first time on."""
        missing = self.keys() - self.key_dependencies.keys()
        if missing:
            known = self.keys()
            for layer in self.layers.values():
                for key in missing & layer.keys():
                    self.key_dependencies[key] = layer.get_dependencies(key, known)
        return self.key_dependencies

    def validate(self) -> None:
        """Raises ValueError where layers and dependencies do not fit together."""
        for name, read in self.dependencies.items():
            for each in (name, *read):
                if each not in self.layers:
                    raise ValueError(f"layer {each!r} is in the dependencies and not in the layers; add it")
        for name in self.layers:
            if name not in self.dependencies:
                raise ValueError(f"layer {name!r} has no dependencies; give it an empty set where it reads no other")

    def _toposort_layers(self) -> list[Any]:
        return toposort(self.layers, self.dependencies)

    # Other graphs of this one.

    def copy(self) -> HighLevelGraph:
        return HighLevelGraph(self.layers, self.dependencies, self.key_dependencies)

    def cull(self, keys: Any) -> HighLevelGraph:
        """What some keys need; layers that have nothing of it are gone."""
        wanted = set(flatten(keys if isinstance(keys, list | set) else [keys], (list, set)))
        known = self.get_all_external_keys()
        layers: dict[Any, Layer] = {}
        key_needs: dict[Any, set[Any]] = {}
        for name in reversed(self._toposort_layers()):
            layer = self.layers[name]
            keys_here = layer.get_output_keys()
            few, many = (wanted, keys_here) if len(wanted) < len(keys_here) else (keys_here, wanted)
            here = {key for key in few if key in many}
            wanted -= here
            if here:
                layers[name], needs = layer.cull(here, known)
                key_needs.update(needs)
                wanted.update(*needs.values())
        return HighLevelGraph(
            {name: layers[name] for name in self.layers if name in layers},
            {
                name: {each for each in self.dependencies[name] if each in layers}
                for name in self.layers
                if name in layers
            },
            key_needs,
        )

    def cull_layers(self, layers: Iterable[Any]) -> HighLevelGraph:
        """Some layers, whole, and those that they read."""
        kept: set[Any] = set()
        waiting = list(layers)
        while waiting:
            name = waiting.pop()
            if name not in kept:
                kept.add(name)
                waiting.extend(self.dependencies[name])
        made = HighLevelGraph({}, {})
        made.layers = {name: layer for name, layer in self.layers.items() if name in kept}
        made.dependencies = {name: read for name, read in self.dependencies.items() if name in kept}
        return made

    def visualize(self, filename: str = "dask-hlg.svg", format: str | None = None, **kwargs: Any) -> Any:
        """Draw the layers, to a file. Raises ImportError without graphviz."""
        from plait.lazy.graphs import drawing

        return drawing.written(self, filename, format, **kwargs)

    def __repr__(self) -> str:
        lines = [f" {i}. {name}" for i, name in enumerate(self._toposort_layers())]
        return "\n".join([f"{type(self).__name__} with {len(self.layers)} layers.", *lines])

    def _repr_html_(self) -> str:
        names = self._toposort_layers()
        parts = [
            self.layers[name]._repr_html_(i, name, sorted(map(str, self.dependencies[name])))
            for i, name in enumerate(names)
        ]
        return html.of_graph(type(self).__name__, parts)


def as_layered(graph: Mapping[Any, Any], name: Any) -> HighLevelGraph:
    """A graph with layers: itself, or one layer of that name."""
    return graph if isinstance(graph, HighLevelGraph) else HighLevelGraph({name: graph}, {name: set()})
