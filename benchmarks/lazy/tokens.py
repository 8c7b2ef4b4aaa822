"""What does a token cost? It is taken of the function and arguments of each pure call.

Each token is of another value, so nothing that was kept of an earlier one helps.
"""

import datetime
import operator
import statistics
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, cpu_time, main


class Settings:
    """An object that has no token of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.names = ["a", "b", "c"]


def local(number: int) -> Any:
    """A function that counts by its code."""

    def double(x: int) -> int:
        return x * number

    return double


def arguments(make: Any, count: int = 2000) -> Any:
    """The time of a token of make(number), with another number each time."""

    def run(api: ModuleType, random: Random) -> Reading:
        values = [make(random.randrange(10**6)) for _ in range(count)]
        api.tokenize(values[0])
        with cpu_time() as watch:
            tokens = [api.tokenize(value) for value in values]
        return Reading(watch.seconds / count * 1e6, len(set(tokens)))

    return run


def array(number: int) -> Any:
    import numpy

    return numpy.full(1000, number)


def frame(number: int) -> Any:
    import pandas

    return pandas.DataFrame({"a": range(number, number + 1000), "b": ["x"] * 1000})


CASES = [
    Case("a number", "us", arguments(lambda n: n), factor=2),
    Case("a call of a module's function", "us", arguments(lambda n: (operator.add, n, n + 1)), factor=2),
    Case("a mapping of lists", "us", arguments(lambda n: {"a": [n, 2, 3], "b": [n, {"c": "text"}]}), factor=2),
    Case("a list of 1,000 numbers", "us", arguments(lambda n: list(range(n, n + 1000)), 200), factor=1),
    Case("a date", "us", arguments(lambda n: datetime.datetime(2000, 1, 1, microsecond=n)), factor=1.2),
    Case("an object", "us", arguments(Settings), factor=2),
    Case("a local function", "us", arguments(local), factor=2),
    Case("a method of an object", "us", arguments(lambda n: statistics.NormalDist(n).pdf), factor=1.5),
    Case("an array of 8 kB", "us", arguments(array), factor=1),
    Case("a frame of 1,000 rows", "us", arguments(frame, 300), factor=0.8),
]

if __name__ == "__main__":
    main("benchmarks.lazy.tokens", __doc__, Pair("plait.lazy", "dask.base"), CASES)
