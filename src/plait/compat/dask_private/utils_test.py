"""dask.utils_test: what tests of libraries over dask share."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest


def inc(x: Any) -> Any:
    return x + 1


def dec(x: Any) -> Any:
    return x - 1


def add(x: Any, y: Any) -> Any:
    return x + y


def slowadd(a: Any, b: Any, delay: float = 0.1) -> Any:
    """a + b, after `delay` seconds."""
    time.sleep(delay)
    return a + b


def import_or_none(name: str) -> ModuleType | None:
    """The module, or None where it cannot be imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(name)
        except ImportError:
            return None


def hlg_layer(hlg: Any, prefix: str) -> Any:
    """The first layer of a graph whose name begins so. Raises KeyError without one."""
    for name, layer in hlg.layers.items():
        if name.startswith(prefix):
            return layer
    raise KeyError(f"No layer starts with {prefix!r}: {list(hlg.layers)}")


def hlg_layer_topological(hlg: Any, i: int) -> Any:
    """The i-th layer of a graph, inputs before what reads them."""
    return hlg.layers[hlg._toposort_layers()[i]]


@contextlib.contextmanager
def _check_warning(condition: bool, category: type[Warning], message: str) -> Iterator[None]:
    """Expect a warning where the condition holds."""
    if condition:
        with pytest.warns(category, match=message):
            yield
    else:
        yield


class GetFunctionTestMixin:
    """What every function get(graph, keys) must do; a test class that has one as `get` inherits the tests."""

    get: Callable[..., Any]

    # A class that inherits the tests replaces some by their names, so these are the peer's.

    def test_get(self) -> None:
        graph = {":x": 1, ":y": (inc, ":x"), ":z": (add, ":x", ":y")}
        assert [self.get(graph, key) for key in graph] == [1, 2, 3]

    def test_badkey(self) -> None:
        with pytest.raises(KeyError, match="absent"):
            self.get({":x": 1, ":y": (inc, ":x")}, "absent")

    def test_nested_badkey(self) -> None:
        with pytest.raises(KeyError, match="absent"):
            self.get({":x": 1, ":y": (inc, ":x")}, [["absent"], ":y"])

    def test_data_not_in_dict_is_ok(self) -> None:
        assert self.get({"x": 1, "y": (add, "x", 10)}, "y") == 11

    def test_get_with_list(self) -> None:
        graph = {":x": 1, ":y": (inc, ":x")}
        assert (self.get(graph, [":x", ":y"]), self.get(graph, [])) == ((1, 2), ())

    def test_get_with_list_top_level(self) -> None:
        graph = {"a": [1, (inc, 1)], "b": "a", "c": [(sum, "a"), ["b"]]}
        assert self.get(graph, ["a", "b", "c"]) == ([1, 2], [1, 2], [3, [[1, 2]]])

    def test_get_with_nested_list(self) -> None:
        graph = {":x": 1, ":y": (inc, ":x")}
        assert self.get(graph, [[":x"], ":y"]) == ((1,), 2)
        assert self.get(graph, [[":x", [":y"]]]) == ((1, (2,)),)

    def test_get_works_with_unhashables_in_values(self) -> None:
        def first(x: Any) -> Any:
            return x[0]

        assert self.get({"x": (first, [[1, 2], {3}]), "y": {"a": 1}}, ["x", "y"]) == ([1, 2], {"a": 1})

    def test_nested_tasks(self) -> None:
        graph = {"x": 1, "y": (inc, (add, "x", (inc, "x"))), "z": (sum, ["x", ["y"][0], (inc, 5)])}
        assert self.get(graph, ["y", "z"]) == (4, 11)

    def test_get_stack_limit(self) -> None:
        graph = {"x0": 0} | {f"x{i + 1}": (inc, f"x{i}") for i in range(10_000)}
        assert self.get(graph, "x10000") == 10_000

    def test_with_HighLevelGraph(self) -> None:  # noqa: N802
        from plait.lazy.graphs.layered import HighLevelGraph

        layers: dict[str, dict[str, Any]] = {"low": {"x": 1, "y": (inc, "x")}, "high": {"z": (add, "x", "y")}}
        assert self.get(HighLevelGraph(layers, {"low": set(), "high": {"low"}}), ["y", "z"]) == (2, 3)
