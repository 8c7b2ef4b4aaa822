"""What does it cost to know values by their digest, and to write them to files and read them back?"""

import os
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.harness import Case, Pair, Reading, cpu_time, main, wall_time

MB = 1_000_000
NUMBER = 8  # bytes


def _array(random: Random) -> Any:
    return np.random.default_rng(random.randrange(2**32)).random(100 * MB // NUMBER)


def _hashing(api: ModuleType) -> Any:
    return import_module(f"{api.__name__}.hashing").hash


def _persist(api: ModuleType) -> ModuleType:
    return import_module("plait.parallel.persist" if api.__name__ == "plait.parallel" else "joblib.numpy_pickle")


def dict_digest(api: ModuleType, random: Random) -> Reading:
    digest = _hashing(api)
    digest({"warm": [1.5, "up"]})
    value = {f"key {random.random()}": (number, random.random()) for number in range(100_000)}
    with cpu_time() as watch:
        found = digest(value)
    return Reading(watch.seconds * 1000, found)


def array_digest(api: ModuleType, random: Random) -> Reading:
    digest = _hashing(api)
    digest(np.zeros(3))
    array = _array(random)
    with cpu_time() as watch:
        found = digest(array)
    return Reading(watch.seconds * 1000, found)


def small_digest(api: ModuleType, random: Random) -> Reading:
    """Arguments as functions have them; by the thousand."""
    digest = _hashing(api)
    digest([1, "a", 1.5])
    values = [[random.randrange(1000), f"name {random.random()}", {"rate": random.random()}] for _ in range(1000)]
    with cpu_time() as watch:
        found = [digest(value) for value in values]
    return Reading(watch.seconds * 1000, found[-1])


def _in_memory() -> str | None:
    """A folder that no disk is behind, where there is one: the disk is not what is measured."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def dump(api: ModuleType, random: Random) -> Reading:
    persist = _persist(api)
    array = _array(random)
    with tempfile.TemporaryDirectory(dir=_in_memory()) as folder:
        persist.dump(array[:10], Path(folder, "warm"))
        with wall_time() as watch:
            persist.dump(array, Path(folder, "array"))
        again = persist.load(Path(folder, "array"))
    return Reading(watch.seconds * 1000, bool(np.array_equal(again, array)))


def load(api: ModuleType, random: Random) -> Reading:
    persist = _persist(api)
    array = _array(random)
    with tempfile.TemporaryDirectory(dir=_in_memory()) as folder:
        persist.dump(array, Path(folder, "array"))
        persist.dump(array[:10], Path(folder, "warm"))
        persist.load(Path(folder, "warm"))
        with wall_time() as watch:
            again = persist.load(Path(folder, "array"))
    return Reading(watch.seconds * 1000, bool(np.array_equal(again, array)))


CASES = [
    Case("digest of a dict of 100k", "ms", dict_digest, factor=5, limit=60),
    Case("digest of 100 MB", "ms", array_digest, factor=0.9),
    Case("digests of 1000 argument lists", "ms", small_digest, factor=3),
    Case("dump 100 MB", "ms", dump, factor=1.1, limit=60),
    Case("load 100 MB", "ms", load, factor=1.1, limit=25),
]

if __name__ == "__main__":
    main("benchmarks.parallel.values", __doc__, Pair("plait.parallel", "joblib"), CASES)
