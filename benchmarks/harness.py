"""How two sides are compared: the same program, run with one import line exchanged, in fresh processes that take turns.

A question is a module with a table of cases. `python -m benchmarks.greenlet.create` measures each case on both sides
in the order A B A B ..., each time in a new process with a new seed, compares what the two sides answered, and prints
the median of each side and the least, median and largest of the pairwise ratios, with the target and the verdict on
the median ratio. A side runs with its defaults.

Times are CPU seconds of the process (user and system): on a busy machine wall time measures the neighbours. Where
several processes do the work, or waiting is what it costs, it is wall time all the same.
"""

import argparse
import gc
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
WORKER_TIMEOUT_S = 300


@dataclass(frozen=True)
class Reading:
    """One measurement: the figure, in the case's unit, and an answer that must not depend on the side."""

    figure: float
    answer: Any


@dataclass(frozen=True)
class Case:
    """One thing to measure. `run` gets the side's module and the repetition's random numbers.

    factor: how many times the peer's figure must be of ours, None where nothing is demanded.
    limit: the most that our figure may be; a case without a factor is measured on our side alone, unless compare=True.
    beside: the same job as other libraries' users write it; measured in the same turns, shown in lines of their own.
    """

    name: str
    unit: str
    run: Callable[[ModuleType, Random], Reading]
    factor: float | None = None
    limit: float | None = None
    compare: bool = False
    repeat: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Callable[[Random], Reading]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """The modules that are compared: what is imported on our side and on the peer's."""

    ours: str
    peer: str


@dataclass
class Stopwatch:
    seconds: float = 0.0


@contextmanager
def cpu_time() -> Iterator[Stopwatch]:
    """Measure the block in CPU seconds. Garbage of the preparation is collected before, not within."""
    watch = Stopwatch()
    gc.collect()
    begin = time.process_time()
    yield watch
    watch.seconds = time.process_time() - begin


@contextmanager
def wall_time() -> Iterator[Stopwatch]:
    """Measure the block in seconds of the clock."""
    watch = Stopwatch()
    gc.collect()
    begin = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begin


@contextmanager
def child_cpu_time() -> Iterator[Stopwatch]:
    """Measure the CPU seconds of the children that are waited for in the block."""
    watch = Stopwatch()
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield watch
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch.seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


def resident_bytes() -> int:
    """Memory that the process holds: its resident pages and its page tables, VmRSS + VmPTE."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmPTE"))


def peak_bytes() -> int:
    """The most memory that the process ever held."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def environment() -> dict[str, str]:
    """That of the measured processes: modules are compiled once, as those of an installed package are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


# One measurement in a process of its own -----------------------------------------------------------------------


def _measure_here(case: Case, module: str, seed: int) -> None:
    if module in case.beside:
        reading = case.beside[module](Random(seed))
    else:
        reading = case.run(importlib.import_module(module), Random(seed))
    print(json.dumps([reading.figure, reading.answer]))


def _measure(program: str, case: Case, module: str, seed: int) -> Reading:
    command = [sys.executable, "-m", program, "--measure", case.name, "--module", module, "--seed", str(seed)]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=WORKER_TIMEOUT_S,
        env={**environment(), **case.environment},
    )
    if done.returncode != 0:
        raise SystemExit(
            f"{program} {case.name} failed with {module} (exit {done.returncode}), seed {seed}:\n{done.stderr}"
        )
    return Reading(*json.loads(done.stdout))


# The comparison -----------------------------------------------------------------------------------------------


def _alone(program: str, case: Case, module: str, seeds: Sequence[int]) -> list[str]:
    figure = statistics.median(_measure(program, case, module, seed).figure for seed in seeds)
    assert case.limit is not None
    verdict = "met" if figure <= case.limit else "MISSED"
    return [case.name, case.unit, "", f"{figure:,.1f}", "", "", "", f"<= {case.limit:,.1f}", verdict]


def _against(program: str, case: Case, pair: Pair, seeds: Sequence[int]) -> list[list[str]]:
    peers, ours = [], []
    others: dict[str, list[float]] = {name: [] for name in case.beside}
    for seed in seeds:
        theirs = _measure(program, case, pair.peer, seed)
        mine = _measure(program, case, pair.ours, seed)
        if theirs.answer != mine.answer:
            raise SystemExit(
                f"{case.name}, seed {seed}: {pair.peer} answers {theirs.answer}, {pair.ours} {mine.answer}"
            )
        peers.append(theirs.figure)
        ours.append(mine.figure)
        for name, figures in others.items():
            figures.append(_measure(program, case, name, seed).figure)
    ratios = [theirs / mine for theirs, mine in zip(peers, ours, strict=True)]
    middle = statistics.median(ratios)
    targets = []
    met = True
    if case.factor is not None:
        targets.append(f">= {case.factor:g}x")
        met &= middle >= case.factor
    if case.limit is not None:
        targets.append(f"<= {case.limit:,.10g}")
        met &= statistics.median(ours) <= case.limit
    target, verdict = ", ".join(targets), "" if not targets else "met" if met else "MISSED"
    middles = [f"{statistics.median(peers):,.1f}", f"{statistics.median(ours):,.1f}"]
    spread = [f"{min(ratios):.2f}", f"{middle:.2f}", f"{max(ratios):.2f}"]
    row = [case.name, case.unit, *middles, *spread, target, verdict]
    return [row, *(_beside(name, case.unit, found, ours) for name, found in others.items())]


def _beside(name: str, unit: str, figures: Sequence[float], ours: Sequence[float]) -> list[str]:
    ratios = [theirs / mine for theirs, mine in zip(figures, ours, strict=True)]
    spread = [f"{min(ratios):.2f}", f"{statistics.median(ratios):.2f}", f"{max(ratios):.2f}"]
    return [f"  {name}", unit, f"{statistics.median(figures):,.1f}", "", *spread, "", ""]


def _rows(program: str, case: Case, pair: Pair, arguments: argparse.Namespace) -> list[list[str]]:
    first = int.from_bytes(os.urandom(4)) if arguments.seed is None else arguments.seed
    repeat = arguments.repeat if case.repeat is None else min(case.repeat, arguments.repeat)
    seeds = range(first, first + repeat)
    if case.factor is None and case.limit is not None and not case.compare:
        return [_alone(program, case, pair.ours, seeds)]
    return _against(program, case, pair, seeds)


_WIDTHS = [34, 16, 12, 14, 8, 8, 8, 15, 6]


def _line(cells: Sequence[str]) -> str:
    aligned = zip("<<>>>>>><", _WIDTHS, cells, strict=True)
    padded = [f"{cell:{side}{width}}" for side, width, cell in aligned]
    return "  ".join(padded).rstrip()


def main(program: str, title: str, pair: Pair, cases: Sequence[Case]) -> None:
    """The command line of a question. Exits with 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=title)
    parser.add_argument("--repeat", type=int, default=5, help="pairs of processes a case (default 5)")
    parser.add_argument("--case", action="append", help="measure this case alone; may be given more than once")
    parser.add_argument("--seed", type=int, help="of the first repetition (default: random)")
    for hidden in ("--measure", "--module"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    named = {case.name: case for case in cases}
    if arguments.measure is not None:
        _measure_here(named[arguments.measure], arguments.module, arguments.seed)
        return
    if unknown := set(arguments.case or ()) - set(named):
        parser.error(f"unknown case {sorted(unknown)[0]!r}; there are {', '.join(map(repr, named))}")
    print(f"{title}\nPython {sys.version.split()[0]}, {pair.ours} against {pair.peer}, {arguments.repeat} pairs")
    print(_line(["case", "unit", pair.peer, pair.ours, "min", "median", "max", "target", ""]), flush=True)
    missed = False
    for case in cases:
        if arguments.case is None or case.name in arguments.case:
            for row in _rows(program, case, pair, arguments):
                missed |= row[-1] == "MISSED"
                print(_line(row), flush=True)
    raise SystemExit(1 if missed else 0)
