"""plait: greenlets, cooperative I/O, parallel loops and lazy graphs in one runtime.

The face: a table of public names, each imported on first use, so that `import plait` costs next to nothing and a
program pays for the layers that it uses. Layers: plait.greenlet, plait.green, plait.parallel, plait.lazy; plait.compat
answers imports of the libraries that they stand in for.
"""

TYPE_CHECKING = False  # type checkers read it as true; the typing module costs more to import than all of this
if TYPE_CHECKING:
    from plait import compat as compat
    from plait import green as green
    from plait import greenlet as greenlet
    from plait import lazy as lazy
    from plait import parallel as parallel
    from plait import trace as trace
    from plait.green import joinall as joinall
    from plait.green import sleep as sleep
    from plait.green import spawn as spawn
    from plait.lazy import array as array
    from plait.lazy import compute as compute
    from plait.lazy import dataframe as dataframe
    from plait.lazy import delayed as delayed
    from plait.parallel import Parallel as Parallel

__version__ = "0.1.0"  # meson.build has it too; a test holds them together

# Public name -> the module that has it, or that it is; None where it is a module of plait itself.
_PUBLIC = {
    "compat": None,
    "green": None,
    "greenlet": None,
    "lazy": None,
    "parallel": None,
    "trace": None,
    "joinall": "plait.green",
    "sleep": "plait.green",
    "spawn": "plait.green",
    "Parallel": "plait.parallel",
    "array": "plait.lazy.array",
    "compute": "plait.lazy",
    "dataframe": "plait.lazy.dataframe",
    "delayed": "plait.lazy",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'plait' has no attribute {name!r}; it has {', '.join(_PUBLIC)}")
    from importlib import import_module

    home = _PUBLIC[name] or f"plait.{name}"
    module = import_module(home)
    value = module if home.endswith(f".{name}") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
