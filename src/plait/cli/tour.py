"""`plait tour`: the example programs, each in a fresh process, with what it shows and its wall time.

The wall time is the whole process's, interpreter start included: what a user waits. `check` holds it against the
program's promise; a program that exits with an error fails the tour in any case.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from plait.cli.errors import UsageError

INSTALLED = Path(__file__).parent / "examples"


@dataclass(frozen=True)
class Program:
    """An example: its file, what it shows, and between which seconds its process ends."""

    file: str
    shows: str
    least_s: float = 0.0
    most_s: float = float("inf")

    def promise(self) -> str:
        """The bounds in words, "" where there are none."""
        if self.most_s == float("inf"):
            return ""
        return f"promised: {self.least_s} to {self.most_s} s" if self.least_s else f"promised: at most {self.most_s} s"


PROGRAMS = (
    Program("switch_by_hand.py", "layer 1: two greenlets hand control to each other; nobody schedules them"),
    Program(
        "two_sleepers.py", "layer 2: sleeping greenlets overlap in one thread; joinall has them as they end", 2, 2.3
    ),
    Program("parallel_squares.py", "layer 3: six one-second calls on four workers take two rounds", 2, 2.3),
    Program("lazy_squares.py", "layer 4: calls that block do not hold up calls that wait, on any cores", 1, 1.3),
    Program("stdlib_census.py", "all four: a server, its clients, processes and a graph at once, equal to one by one"),
)


def tour(examples: str | Path | None, trace: bool = False, check: bool = False) -> int:
    """Run all programs of the folder `examples`, None for the installed ones.

    Returns 0, or 1 where one exited with an error or, with `check`, broke its promise. Raises UsageError where one is
    absent.
    """
    folder = Path(examples or INSTALLED)
    absent = [program.file for program in PROGRAMS if not (folder / program.file).is_file()]
    if absent:
        raise UsageError(f"{folder} has no {', '.join(absent)}; pass --examples DIR with the folder that holds them")
    failures = [line for i, program in enumerate(PROGRAMS, 1) for line in _show(i, program, folder, trace, check)]
    for line in failures:
        print(f"plait tour: {line}", file=sys.stderr)
    return 1 if failures else 0


def _show(number: int, program: Program, folder: Path, trace: bool, check: bool) -> list[str]:
    """Run one program and print about it; the ways in which it failed."""
    print(f"-- {number}. {program.file}: {program.shows}", flush=True)
    begin = time.monotonic()
    code = subprocess.run([sys.executable, *_how(folder / program.file, trace)], check=False).returncode
    wall_s = time.monotonic() - begin
    print(f"-- {wall_s:.2f} s  {program.promise()}".rstrip(), end="\n\n", flush=True)
    failures = [f"{program.file} exited with {code}; run it alone to see why"] if code else []
    if check and not program.least_s <= wall_s <= program.most_s:
        failures.append(f"{program.file} took {wall_s:.2f} s; {program.promise()}")
    return failures


def _how(script: Path, trace: bool) -> list[str]:
    return ["-m", "plait", "run", "--as", "", "--trace", str(script)] if trace else [str(script)]
