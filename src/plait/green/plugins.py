"""Plugins: the functions that installed distributions declare for our events, as entry points.

Hardly any program has one, and `importlib.metadata` takes 20 ms to import and some milliseconds for each question. So
the declarations of all distributions on sys.path are searched for the group's name first, once for each sys.path: half
a millisecond for a hundred distributions. What such a search cannot see (archives, finders that know distributions of
their own) is asked in the regular way.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import EntryPoint

__all__ = ["declared"]

_PREFIX = b"gevent.plugins."
_PEER = "gevent"  # where that is installed too, what it declares is for itself
_DECLARATIONS = {".dist-info": "entry_points.txt", ".egg-info": "entry_points.txt", ".egg": "EGG-INFO/entry_points.txt"}

_declarations: dict[tuple[str, ...], bytes] = {}  # sys.path -> all declarations that may be ours


def declared(group: str) -> Iterable[EntryPoint]:
    """The entry points of the group, which is one of our own events'."""
    if not _unseen() and group.encode() not in _all_declarations():
        return ()
    from importlib.metadata import entry_points

    return [point for point in entry_points(group=group) if point.dist is None or point.dist.name != _PEER]


def _unseen() -> bool:
    """Whether there may be distributions that are no folders in a folder of sys.path."""
    return any(map(os.path.isfile, sys.path)) or any(map(_knows_distributions, sys.meta_path))


def _knows_distributions(finder: object) -> bool:
    own = type(finder).__module__.startswith("plait.")  # it knows of distributions that have no plugins
    return finder is not PathFinder and not own and hasattr(finder, "find_distributions")


def _all_declarations() -> bytes:
    path = tuple(sys.path)
    if path not in _declarations:
        _declarations[path] = b"\n".join(text for folder in path for text in _declarations_in(folder or "."))
    return _declarations[path]


def _declarations_in(folder: str) -> Iterator[bytes]:
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        file = _DECLARATIONS.get(os.path.splitext(name)[1])
        if file is not None and name.partition("-")[0] != _PEER:
            text = _read(os.path.join(folder, name, file))
            if _PREFIX in text:
                yield text


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
