"""What the workers run, and the same loops as users of other libraries write them.

In a module of its own: what stands in the measured program itself would travel by value with some and by name with
others.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any


def square(x: int) -> int:
    return x * x


def sleep_and_square(x: int) -> int:
    time.sleep(1)
    return x * x


def sleep_for(seconds: float) -> None:
    time.sleep(seconds)


def sample(array: Any, at: int) -> float:
    """One number of the array, from either half."""
    return float(array[at]) + float(array[-1 - at])


def first(array: Any) -> float:
    return float(array[0])


def made(value: int, count: int) -> Any:
    import numpy as np

    return np.full(count, value, np.float64)


Loop = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], list[Any]]


def joblib_like(api: Any, n_jobs: int, **settings: Any) -> Loop:
    """joblib's loop, or ours: `api` is the module."""
    parallel, delayed = api.Parallel, api.delayed  # imported here, as `from joblib import ...` does

    def run(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        results: list[Any] = parallel(n_jobs=n_jobs, **settings)(delayed(function)(*call) for call in calls)
        return results

    return run


def futures(n_jobs: int) -> Loop:
    """A concurrent.futures.ProcessPoolExecutor, which stays for the next calls."""
    from concurrent.futures import ProcessPoolExecutor

    pools: list[ProcessPoolExecutor] = []

    def run(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        if not pools:
            pools.append(ProcessPoolExecutor(n_jobs))
        return [future.result() for future in [pools[0].submit(function, *call) for call in calls]]

    return run


def pool(n_jobs: int) -> Loop:
    """A multiprocessing.Pool, which stays for the next calls."""
    from multiprocessing import Pool

    pools: list[Any] = []

    def run(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        if not pools:
            pools.append(Pool(n_jobs))
        results: list[Any] = pools[0].starmap(function, calls)
        return results

    return run


def mpire(n_jobs: int) -> Loop:
    """An mpire.WorkerPool whose workers stay for the next calls."""
    from mpire import WorkerPool

    pools: list[Any] = []

    def run(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
        if not pools:
            pools.append(WorkerPool(n_jobs, keep_alive=True))
        results: list[Any] = pools[0].map(function, list(calls), concatenate_numpy_output=False)
        return results

    return run


OTHERS = {"concurrent.futures": futures, "multiprocessing.Pool": pool, "mpire": mpire}
