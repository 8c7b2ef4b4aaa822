"""Starting: what our sitecustomize does in an interpreter that inherits aliases.

First the aliases, then the sitecustomize that ours hides. sys.path is left as it would be without us.
"""

import sys
from importlib.machinery import PathFinder

from plait._base import config
from plait.compat import children
from plait.compat.aliases import install


def begin() -> None:
    """Install what the environment names, and hand on, also where a name in it is wrong."""
    sys.path[:] = [folder for folder in sys.path if folder != children.SITE]
    try:
        install(*config.words(children.NAMES))
    finally:
        _run_hidden()


def _run_hidden() -> None:
    """Import, under its name, the next sitecustomize on sys.path, if there is one."""
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec  # takes longer than all else here, and is seldom needed

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)
