"""Items: single values that bags are reduced to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plait.lazy._native.nodes import Node
from plait.lazy.bag.collection import Collection, layer_of
from plait.lazy.bag.layers import Layer, Step, as_delayed, given, piece
from plait.lazy.decorator import delayed
from plait.lazy.handles import Delayed
from plait.parallel.naming import function_name


class Item(Collection):
    """A value that is yet to be computed. int(), float(), complex() and bool() compute it.

    graph: a plain graph; key: the value's key in it. layer: of no meaning, for code that is written for dask.
    """

    def __init__(self, graph: Mapping[Any, Any], key: Any, layer: Any = None) -> None:
        self._layer = layer_of(graph, key, 1, single=True)

    @property
    def key(self) -> Any:
        return self._layer.name

    @property
    def _node(self) -> Any:
        return self._layer.nodes[0]

    @staticmethod
    def from_delayed(value: Any) -> Item:
        """The value of a delayed object as an Item. Raises TypeError for what is none."""
        if not isinstance(value, Delayed) and hasattr(value, "key"):
            value = delayed(value)
        if not isinstance(value, Node):
            raise TypeError(f"{value!r} is not lazy; pass what plait.delayed made")
        return Item._of(given([value], value.key, single=True))

    def to_delayed(self, optimize_graph: bool = True) -> Delayed:
        """The value as a delayed object."""
        return as_delayed(self._node)

    def apply(self, func: Callable[[Any], Any]) -> Item:
        """func(value), as an Item."""
        label, step = function_name(func), Step(func, function_name(func))

        def make_one(keys: list[Any]) -> list[Any]:
            return [piece(step, (self._node,), keys[0])]

        return Item._of(Layer(label, ("apply", func, self), [self._layer], 1, make_one, single=True))

    def __dask_postcompute__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _only, ()

    @property
    def _args(self) -> tuple[Any, ...]:
        return self.__dask_graph__(), self.key

    def __repr__(self) -> str:
        return f"Item({self.key!r})"

    def __int__(self) -> int:
        return int(self.compute())

    def __float__(self) -> float:
        return float(self.compute())

    def __complex__(self) -> complex:
        return complex(self.compute())

    def __bool__(self) -> bool:
        return bool(self.compute())


def _only(results: list[Any]) -> Any:
    return results[0]
