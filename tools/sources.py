"""List the sources of one kind for meson, one path a line, relative to src/.

sources.py installed | cython | examples

Read at configuration, which every regular install does anew. What a build left in the tree (*.so, *.c made from *.pyx)
is of no kind, so it is never installed.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
INSTALLED = {".py", ".pyi", ".pxd"}


def installed() -> Iterable[str]:
    return (path.relative_to(SRC).as_posix() for path in SRC.rglob("*") if is_installed(path))


def is_installed(path: Path) -> bool:
    """Python, stubs, Cython declarations, markers; of C headers only the public ones."""
    return path.name == "py.typed" or path.suffix in INSTALLED or (path.suffix == ".h" and "include" in path.parts)


def cython() -> Iterable[str]:
    return (path.relative_to(SRC).as_posix() for path in SRC.rglob("_native/*.pyx"))


def examples() -> Iterable[str]:
    return (f"../{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "examples").glob("*.py"))


KINDS = {"installed": installed, "cython": cython, "examples": examples}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: sources.py {' | '.join(KINDS)}")
    sys.stdout.writelines(f"{path}\n" for path in sorted(KINDS[sys.argv[1]]()))
