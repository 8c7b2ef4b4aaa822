"""Running a script or a module with everything patched: what `python -m` of this package does.

    python -m plait.green.monkey [--verbose] [--[no-]NAME ...] [--module] (script | module) [args ...]

NAME is an argument of patch_all that has a patch function. --no-NAME leaves that out; --NAME patches only what is
named so.
"""

from __future__ import annotations

import sys
from typing import Any

from plait.green.monkey import everything

__all__ = ["main"]

_NAMES = (*everything.STEPS, "dns")
_FLAGS = (*_NAMES, "aggressive", "Event")

_HELP = f"""Run a script, or with --module a module, with the standard library patched to be cooperative.

USAGE: ``python -m gevent.monkey [MONKEY OPTIONS] [--module] (script|module) [SCRIPT OPTIONS]``

Without options everything is patched, as patch_all() does it. --no-NAME leaves NAME out; --NAME patches what is named
so and nothing else.

MONKEY OPTIONS: --verbose {" ".join(f"--[no-]{name}" for name in _NAMES)}"""


def main() -> Any:
    """Patch as sys.argv says, then run the program that it names; returns the program's names."""
    words = sys.argv[1:]
    flags: dict[str, bool] = {}
    verbose = as_module = False
    while words and words[0].startswith("--"):
        option = words.pop(0)[2:]
        if option == "verbose":
            verbose = True
        elif option == "module":
            as_module = True
        elif option.startswith("no-") and option[3:] in _FLAGS:
            flags[option[3:]] = False
        elif option in _FLAGS:
            if option in _NAMES:
                flags |= {name: False for name in _NAMES if name not in flags}
            flags[option] = True
        else:
            sys.exit(f"{_HELP}\n\nCannot patch {option!r}")
    if verbose:
        _describe(flags)
    if not words:
        print(_HELP)
        return None
    sys.argv[:] = words
    everything.patch_all(**flags)
    import runpy

    run: Any = runpy.run_module if as_module else runpy.run_path
    return run(words[0], run_name="__main__")


def _describe(flags: dict[str, bool]) -> None:
    import os

    print(f"patch_all({', '.join(f'{name}={value}' for name, value in flags.items())})")
    print(f"sys.version={' '.join(sys.version.split())}")
    print(f"sys.path={sys.path}")
    print(f"sys.modules={sorted(sys.modules)}")
    print(f"cwd={os.getcwd()}")
