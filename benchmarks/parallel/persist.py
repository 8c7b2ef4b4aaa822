"""What does it cost to write values to files, and to read them back?"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

MB = 1_000_000
NUMBER = 8  # bytes
CALLS = 200


def _persist(api: ModuleType) -> ModuleType:
    return import_module("plait.parallel.persist" if api.__name__ == "plait.parallel" else "joblib.numpy_pickle")


@contextmanager
def _file() -> Iterator[Path]:
    """In a folder that no disk is behind, where there is one: the disk is not what is measured."""
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield Path(name, "value")


def _array(random: Random, size_bytes: int) -> Any:
    return np.random.default_rng(random.randrange(2**32)).random(size_bytes // NUMBER)


def _dumped(make: Callable[[Random], Any], times: int, unit: float) -> Callable[[ModuleType, Random], Reading]:
    def run(api: ModuleType, random: Random) -> Reading:
        persist, value = _persist(api), make(random)
        with _file() as file:
            persist.dump(value, file)
            with cpu_time() as watch:
                for _ in range(times):
                    persist.dump(value, file)
            again = persist.load(file)
        return Reading(watch.seconds / times * unit, _brief(again) == _brief(value))

    return run


def _loaded(make: Callable[[Random], Any], times: int, unit: float) -> Callable[[ModuleType, Random], Reading]:
    def run(api: ModuleType, random: Random) -> Reading:
        persist, value = _persist(api), make(random)
        with _file() as file:
            persist.dump(value, file)
            persist.load(file)
            with cpu_time() as watch:
                for _ in range(times):
                    again = persist.load(file)
        return Reading(watch.seconds / times * unit, _brief(again) == _brief(value))

    return run


def _np_load(random: Random) -> Reading:
    """Of the same array, as numpy alone writes it."""
    with _file() as file:
        np.save(file, _array(random, 100 * MB))
        np.load(f"{file}.npy")
        with cpu_time() as watch:
            again = np.load(f"{file}.npy")
    return Reading(watch.seconds * 1000, len(again) > 0)


def _brief(value: Any) -> str:
    return repr(value)[:200]


def _small(random: Random) -> Any:
    return {"rate": random.random(), "names": ["a", "b", str(random.random())], "size": (3, 4)}


def _arrays(random: Random) -> Any:
    return [_array(random, 800) for _ in range(100)]


def _table(random: Random) -> Any:
    return {f"key {random.random()}": [number] for number in range(100_000)}


def _large(random: Random) -> Any:
    return _array(random, 100 * MB)


CASES = [
    Case("dump 100 MB", "ms", _dumped(_large, 1, 1e3), factor=1.1, limit=60),
    Case("load 100 MB", "ms", _loaded(_large, 1, 1e3), factor=1.1, beside={"np.load": _np_load}),
    Case("dump a small dict", "us", _dumped(_small, CALLS, 1e6), factor=1.5),
    Case("load a small dict", "us", _loaded(_small, CALLS, 1e6), factor=1.5),
    Case("dump 100 small arrays", "us", _dumped(_arrays, CALLS // 10, 1e6), factor=4),
    Case("load 100 small arrays", "us", _loaded(_arrays, CALLS // 10, 1e6), factor=1.1),
    Case("dump 100k texts and lists", "ms", _dumped(_table, 1, 1e3), factor=5),
    Case("load 100k texts and lists", "ms", _loaded(_table, 1, 1e3), factor=3),
]

if __name__ == "__main__":
    main("benchmarks.parallel.persist", __doc__, Pair("plait.parallel", "joblib"), CASES)
