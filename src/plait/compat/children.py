"""Children: the Python processes that this one starts see the same aliases.

Two environment variables carry them. PLAIT_AS names the peers; PYTHONPATH begins with a folder of ours whose
sitecustomize every interpreter imports as it starts, before anything can import a peer; `plait.compat.starting` is what
it does. An interpreter that ignores its environment (python -I, -E or -S), or that has no plait, sees no aliases.
"""

from __future__ import annotations

import os

from plait._base import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_site")
NAMES = "PLAIT_AS"
_PATH = "PYTHONPATH"


def environment(names: Iterable[str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables to set for a child in which plait stands in for `names` too, beside those of `base`.

    base: the environment to extend, os.environ by default; one that has the variables already gives them unchanged.
    """
    base = os.environ if base is None else base
    inherited = [name.strip() for name in base.get(NAMES, "").split(",") if name.strip()]
    folders = [folder for folder in base.get(_PATH, "").split(os.pathsep) if folder and folder != SITE]
    return {NAMES: ",".join(dict.fromkeys([*inherited, *names])), _PATH: os.pathsep.join([SITE, *folders])}


def plain() -> dict[str, str]:
    """The variables for a child in which nothing is aliased, and that is told its import path in another way.

    Without PYTHONPATH, since a sitecustomize of somebody else's there may install aliases as ours does.
    """
    return {name: value for name, value in os.environ.items() if name not in (NAMES, _PATH)}


def announce(names: Iterable[str]) -> None:
    """Have the children of this process see `names` as well."""
    os.environ.update(environment(names))


def withdraw(names: Iterable[str]) -> None:
    """Have the children of this process see `names` no longer; leave no trace of ours when none is left."""
    left = [name for name in config.words(NAMES) if name not in set(names)]
    if left:
        os.environ[NAMES] = ",".join(left)
        return
    os.environ.pop(NAMES, None)
    folders = [folder for folder in os.environ.get(_PATH, "").split(os.pathsep) if folder != SITE]
    os.environ[_PATH] = os.pathsep.join(folders)
    if not os.environ[_PATH]:
        del os.environ[_PATH]
