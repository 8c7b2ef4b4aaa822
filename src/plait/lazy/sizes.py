"""sizeof: about how many bytes an object holds, for decisions about memory.

    @sizeof.register(Mine)
    def size_of_mine(x):
        return x.buffer.nbytes

Containers count their members; from eleven on, ten of them are taken for all, so that the cost does not grow: the same
ones each time, without use of the process's random numbers. Objects count as sys.getsizeof() says, which leaves out
what they refer to. Other packages' types are in `sizes_numpy` and its like, loaded when such an object is seen; further
packages give theirs by an entry point in the group dask.sizeof, a function of `sizeof`, which is called once, when a
type is seen first that nobody knows.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Mapping
from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from plait.lazy.dispatch import Dispatch, Handler

_SAMPLES = 10
_OWN = {name: f"plait.lazy.sizes_{name}" for name in ("numpy", "pandas", "pyarrow", "scipy", "xarray")}
_ON_GPU = {"cupy": "ndarray", "rmm": "DeviceBuffer"}  # package -> class, whose `nbytes` says all


class SizeOf(Dispatch):
    """The dispatch that reads the entry points of other packages before it searches."""

    _asked = False

    if TYPE_CHECKING:

        def __call__(self, arg: Any, *args: Any, **kwargs: Any) -> int: ...

    def _search(self, cls: type) -> Handler:
        if not self._asked:
            self._asked = True  # first: a plugin may ask for sizes itself
            register_plugins()
        return super()._search(cls)


sizeof = SizeOf(name="sizeof")


def register_plugins() -> None:
    """Let the entry points of the group dask.sizeof register their handlers. One that fails is logged."""
    from importlib.metadata import entry_points

    for point in entry_points(group="dask.sizeof"):
        try:
            point.load()(sizeof)
        except Exception:
            import logging

            logging.getLogger(__name__).exception("the sizeof plugin %r failed; its types count as objects", point.name)


class SimpleSizeof:
    """A base for classes whose own __sizeof__ counts, whatever else they inherit from. It must come first."""


@sizeof.register((object, SimpleSizeof))
def _own_size(x: Any) -> int:
    """About how many bytes an object holds. Types that nobody registered count without what they refer to."""
    return sys.getsizeof(x)


@sizeof.register((bytes, bytearray))
def _length(x: bytes | bytearray) -> int:
    return len(x)


@sizeof.register(memoryview)
def _bytes_seen(x: memoryview) -> int:
    return x.nbytes


@sizeof.register(array)
def _items(x: array[Any]) -> int:
    return x.itemsize * len(x)


@sizeof.register((list, tuple, set, frozenset))
def _with_members(x: Collection[Any]) -> int:
    return sys.getsizeof(x) + members_size(x)


@sizeof.register(dict)
def _with_pairs(x: Mapping[Any, Any]) -> int:
    return sys.getsizeof(x) + members_size(x) + members_size(x.values())


def members_size(members: Collection[Any]) -> int:
    """What the members of a container hold together, judged by some of them."""
    count = len(members)
    if count <= _SAMPLES:
        return sum(map(sizeof, members))
    listed = members if isinstance(members, list | tuple) else list(members)
    return sum([sizeof(listed[place]) for place in _places(count)]) * count // _SAMPLES


@lru_cache(256)
def _places(count: int) -> list[int]:
    """Which of so many members are looked at: any, since members often repeat in a pattern."""
    from random import Random

    return Random(count).sample(range(count), _SAMPLES)


def _register_nbytes(package: str, name: str) -> None:
    sizeof.register(getattr(import_module(package), name), lambda x: int(x.nbytes))


for _package, _module in _OWN.items():
    sizeof.register_lazy(_package, partial(import_module, _module))
for _package, _name in _ON_GPU.items():
    sizeof.register_lazy(_package, partial(_register_nbytes, _package, _name))
