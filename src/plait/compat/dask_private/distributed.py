"""dask.distributed, and distributed itself, where the name dask is plait's: proxies of what a child process has.

The child has the real dask and the real distributed, which find each other there. Its environment is this process's
without what would alias names in it, and so is that of the workers that it starts. Where distributed is installed comes
first on its import path: a folder named dask, which means nothing while the name is an alias, would hide the real one.
"""

from __future__ import annotations

from importlib import import_module
from importlib.machinery import PathFinder
from os.path import dirname
from types import ModuleType

from plait.adapters.child import proxies
from plait.adapters.child.channel import home
from plait.compat import children

home.environment = children.plain
# Aliases that come another way than by those variables: by a sitecustomize of the user's, say.
_BEGIN = "from plait.compat.aliases import uninstall; uninstall()"


def module(name: str) -> ModuleType:
    """The module that answers for distributed or one below it, or for dask.distributed.

    Raises ModuleNotFoundError where distributed is not installed.
    """
    spec = PathFinder.find_spec("distributed")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError('distributed is not installed; pip install "plait[distributed]"', name="distributed")
    home.begin = f"{_BEGIN}; sys.path.insert(0, {dirname(dirname(spec.origin))!r})"
    real = name.removeprefix("dask.")
    if real != "distributed":
        proxies.call(import_module, real)
    made: ModuleType = proxies.named(real, "")
    return made
