"""Print every other supported Python of this machine that can build and test plait: `VERSION PATH`, a line each.

Looked for on PATH (python3.X) and among pyenv's versions; the newest of each minor version is taken. One that is a dead
shim, or has no headers or no venv module, is passed over with a line on stderr. The running Python's own version is
left out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUPPORTED = range(11, 15)
PROBE = """
import ensurepip, os, sys, sysconfig, venv
assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")), "no Python.h"
assert sys.implementation.name == "cpython", "not CPython"
print(*sys.version_info[:3])
"""


def candidates() -> Iterator[Path]:
    for minor in SUPPORTED:
        if found := shutil.which(f"python3.{minor}"):
            yield Path(found)
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        yield from pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}")


def probe(path: Path) -> tuple[int, ...] | None:
    """The version of this Python, or None where it cannot be used."""
    result = subprocess.run([path, "-c", PROBE], check=False, capture_output=True, text=True)
    if result.returncode == 0:
        return tuple(map(int, result.stdout.split()))
    last = (result.stderr.strip().splitlines() or ["no output"])[-1]
    print(f"{path}: passed over: {last}", file=sys.stderr)
    return None


def main() -> None:
    best: dict[int, tuple[tuple[int, ...], Path]] = {}
    for path in candidates():
        version = probe(path)
        if version and version[1] != sys.version_info[1] and version > best.get(version[1], ((), path))[0]:
            best[version[1]] = version, path
    for minor, (_, path) in sorted(best.items()):
        print(f"3.{minor} {path}")


if __name__ == "__main__":
    main()
