"""How much memory do the queries of `tpch` take at their peak? Each must fit into 1 GB.

The largest resident set of the process, in MB, imports and all.
"""

import resource
from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.frames import tpch
from benchmarks.frames._tables import tables
from benchmarks.harness import Case, Pair, Reading, main

LIMIT_MB = 1000


def peak(query: Any) -> Callable[[ModuleType, Random], Reading]:
    def run(api: ModuleType, random: Random) -> Reading:
        folder = tables()
        result = query(api, lambda table: api.read_parquet(f"{folder}/{table}/*.parquet")).compute()
        answer = [float(f"{result:.8g}")] if isinstance(result, float) else tpch.answer_of(result)
        return Reading(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, answer)

    return run


def csv(api: ModuleType, read: Any) -> Any:
    return api.read_csv(f"{tables()}/lineitem.csv").groupby("l_returnflag")["l_extendedprice"].sum()


CASES = [
    *[
        Case(name, "MB", peak(lambda _, read, query=query: query(read)), limit=LIMIT_MB, compare=True)
        for name, query in tpch.QUERIES.items()
    ],
    Case("csv", "MB", peak(csv), limit=LIMIT_MB, compare=True),
]

if __name__ == "__main__":
    main("benchmarks.frames.memory", __doc__, Pair("plait.lazy.dataframe", "dask.dataframe"), CASES)
