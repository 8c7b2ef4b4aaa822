"""Aliases: which peers plait stands in for in this process.

A peer is absent -> installed -> absent. Installing puts its table into the one finder, which is in sys.meta_path while
any peer is installed; nothing is imported yet. Uninstalling takes the peer's names out of sys.modules, so that the
next import finds what is on sys.path; modules that imported them before keep what they have.

Installing costs some microseconds, and the first import of a name what its module costs. Not for two threads at once.
"""

import sys

from plait.compat import children as _children
from plait.compat.errors import AlreadyImportedError, UnknownPeerError
from plait.compat.finder import AliasFinder
from plait.compat.lending import take_back
from plait.compat.tables import PEERS

_finder = AliasFinder()
# What workers of plait's own pool follow where the environment cannot tell them; read whenever their server starts.
_for_workers: list[str] = []


def names() -> tuple[str, ...]:
    """The libraries that plait can stand in for."""
    return tuple(PEERS)


def installed() -> tuple[str, ...]:
    """The libraries that plait stands in for in this process."""
    return tuple(name for name in PEERS if name in _finder.peers)


def install(*names: str, children: bool = True) -> None:
    """Answer imports of the libraries `names` here, and in the Python processes that this one starts from now on.

    children: False leaves the environment as it is, so that only forked children and plait's own workers have the
    aliases.
    Raises UnknownPeerError for a name that is not in names(), and AlreadyImportedError where the real library is in
    sys.modules; then nothing is changed. Installing again changes nothing.
    """
    if not names:
        return
    new = [name for name in dict.fromkeys(names) if _known(name) not in _finder.peers]
    for name in new:
        for each in (name, *PEERS[name].also):
            _refuse_if_imported(each)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.peers.update({each: PEERS[name] for name in new for each in (name, *PEERS[name].also)})
    if children:
        _children.announce(names)
    if not children or sys.flags.ignore_environment:
        _have_workers_follow(new)


def uninstall(*names: str) -> None:
    """End the aliases `names`, or all where none is given; one that is not installed is left alone."""
    ending = [name for name in names or installed() if _known(name) in _finder.peers]
    for name in ending:
        for each in (name, *PEERS[name].also):
            _forget(each)
            del _finder.peers[each]
    if not _finder.peers and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _children.withdraw(ending)
    _for_workers[:] = [name for name in _for_workers if name not in ending]


def follow(names: list[str]) -> None:
    """What a starting worker does with its parent's list."""
    install(*names, children=False)


def _have_workers_follow(names: list[str]) -> None:
    from plait.parallel.pool.launch import at_worker_start

    at_worker_start("plait.compat.aliases", "follow", _for_workers)
    _for_workers.extend(names)


def _known(name: str) -> str:
    if name not in PEERS:
        raise UnknownPeerError(f"{name!r} is no library that plait stands in for; choose from {', '.join(PEERS)}")
    return name


def _loaded(name: str) -> list[str]:
    """The modules of the library `name` that are in sys.modules, in the order of their import."""
    return [module for module in list(sys.modules) if module == name or module.startswith(f"{name}.")]


def _refuse_if_imported(name: str) -> None:
    loaded = _loaded(name)
    if loaded:
        where = getattr(sys.modules[loaded[0]], "__file__", None) or "an unknown place"
        raise AlreadyImportedError(
            f"the real {name} is imported already, from {where}; call compat.install({name!r}) before the first import "
            f"of {name} or of a library that uses it, or start the program with: plait run --as {name}"
        )


def _forget(name: str) -> None:
    for alias in _loaded(name):
        take_back(sys.modules.pop(alias))
