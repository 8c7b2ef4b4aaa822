"""Types of graphs and collections, for annotations and isinstance()."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

CollType = TypeVar("CollType", bound="DaskCollection")
CollType_co = TypeVar("CollType_co", bound="DaskCollection", covariant=True)

Key: TypeAlias = "str | int | float | tuple[Key, ...]"
Graph: TypeAlias = Mapping[Any, Any]
NestedKeys: TypeAlias = "list[Any]"  # keys, and lists of such
PostComputeCallable: TypeAlias = Callable[..., Any]


class SchedulerGetCallable(Protocol):
    """What runs graphs: get(graph, keys) -> values in the shape of the keys."""

    def __call__(self, dsk: Graph, keys: Any, **kwargs: Any) -> Any: ...


class PostPersistCallable(Protocol[CollType_co]):
    """What makes a collection of a graph. rename: what its layers are called there."""

    def __call__(self, dsk: Graph, *args: Any, rename: Mapping[str, str] | None = None) -> CollType_co: ...


@runtime_checkable
class DaskCollection(Protocol):
    """A lazy value: it has a graph and the keys of its outputs, and knows what to do with these."""

    def __dask_graph__(self) -> Graph: ...

    def __dask_keys__(self) -> NestedKeys: ...

    def __dask_postcompute__(self) -> tuple[PostComputeCallable, tuple[Any, ...]]: ...

    def __dask_postpersist__(self) -> tuple[PostPersistCallable[Any], tuple[Any, ...]]: ...

    def __dask_tokenize__(self) -> Hashable: ...

    __dask_optimize__: Any
    __dask_scheduler__: staticmethod[..., Any]

    def compute(self, **kwargs: Any) -> Any: ...

    def persist(self: CollType, **kwargs: Any) -> CollType: ...

    def visualize(
        self, filename: str = "mydask", format: str | None = None, optimize_graph: bool = False, **kwargs: Any
    ) -> Any: ...


@runtime_checkable
class HLGDaskCollection(DaskCollection, Protocol):
    """A collection whose graph has layers."""

    def __dask_layers__(self) -> Sequence[str]: ...


class _NoDefault(Enum):
    no_default = "no_default"

    def __repr__(self) -> str:
        return "<no_default>"


no_default = _NoDefault.no_default
NoDefault = Literal[_NoDefault.no_default]
