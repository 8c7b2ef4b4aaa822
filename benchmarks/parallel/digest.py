"""What does it cost to know a value by its digest?"""

from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.harness import Case, Pair, Reading, cpu_time, main

MB = 1_000_000
NUMBER = 8  # bytes
CALLS = 1000


def _hashing(api: ModuleType) -> Any:
    return import_module(f"{api.__name__}.hashing").hash


def _measured(api: ModuleType, value: Any) -> Reading:
    digest = _hashing(api)
    digest({"warm": [1.5, "up", np.zeros(3)]})
    with cpu_time() as watch:
        found = digest(value)
    return Reading(watch.seconds * 1000, found)


def _by_the_thousand(api: ModuleType, values: list[Any]) -> Reading:
    digest = _hashing(api)
    digest(values[0])
    with cpu_time() as watch:
        found = [digest(value) for value in values]
    return Reading(watch.seconds / len(values) * 1e6, found[-1])


def texts_as_keys(api: ModuleType, random: Random) -> Reading:
    return _measured(api, {f"key {random.random()}": (number, random.random()) for number in range(100_000)})


def numbers_as_keys(api: ModuleType, random: Random) -> Reading:
    return _measured(api, {number: random.random() for number in range(100_000)})


def nested(api: ModuleType, random: Random) -> Reading:
    """Each of its parts has a number, so that a second mention is found."""
    return _measured(api, [(number, [random.random()]) for number in range(100_000)])


def array(api: ModuleType, random: Random) -> Reading:
    return _measured(api, np.random.default_rng(random.randrange(2**32)).random(100 * MB // NUMBER))


def array_by_xxh3(api: ModuleType, random: Random) -> Reading:
    value = np.random.default_rng(random.randrange(2**32)).random(100 * MB // NUMBER)
    digest = _hashing(api)
    digest(value[:3], "xxh3")
    with cpu_time() as watch:
        found = digest(value, "xxh3")
    return Reading(watch.seconds * 1000, found)


def numbers(api: ModuleType, random: Random) -> Reading:
    return _by_the_thousand(api, [random.randrange(10**6) for _ in range(CALLS)])


def arguments(api: ModuleType, random: Random) -> Reading:
    """As functions have them."""
    made = [
        {"x": random.randrange(1000), "name": f"n {random.random()}", "rate": random.random()} for _ in range(CALLS)
    ]
    return _by_the_thousand(api, made)


def small_arrays(api: ModuleType, random: Random) -> Reading:
    made = [np.random.default_rng(random.randrange(2**32)).random(10) for _ in range(CALLS)]
    return _by_the_thousand(api, made)


CASES = [
    Case("a dict of 100k, texts as keys", "ms", texts_as_keys, factor=5, limit=60),
    Case("a dict of 100k, numbers as keys", "ms", numbers_as_keys, factor=5, limit=60),
    Case("100k tuples with a list", "ms", nested, factor=5),
    Case("100 MB", "ms", array, factor=0.9),
    Case("100 MB by xxh3", "ms", array_by_xxh3, limit=30),
    Case("a number", "us", numbers, factor=2),
    Case("a dict of arguments", "us", arguments, factor=5, limit=10),
    Case("an array of 10", "us", small_arrays, factor=1.5),
]

if __name__ == "__main__":
    main("benchmarks.parallel.digest", __doc__, Pair("plait.parallel", "joblib"), CASES)
