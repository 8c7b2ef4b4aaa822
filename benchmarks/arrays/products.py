"""Do products and decompositions cost more in chunks than whole: a matrix product, a tall singular value decomposition?

Wall time of compute() on all cores. Beside: numpy, of the whole arrays.
"""

from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, main, wall_time

SIDE = 3072
ROWS, COLUMNS = 250_000, 64


def matrix(random: Random, rows: int, columns: int) -> Any:
    import numpy as np

    return np.random.default_rng(random.getrandbits(32)).random((rows, columns))


def product(api: ModuleType, random: Random) -> Reading:
    left, right = matrix(random, SIDE, SIDE), matrix(random, SIDE, SIDE)
    x, y = api.from_array(left, chunks=1024), api.from_array(right, chunks=1024)
    with wall_time() as watch:
        result = (x @ y).compute()
    return Reading(watch.seconds * 1e3, float(f"{result.sum():.8g}"))


def product_by_numpy(random: Random) -> Reading:
    left, right = matrix(random, SIDE, SIDE), matrix(random, SIDE, SIDE)
    with wall_time() as watch:
        result = left @ right
    return Reading(watch.seconds * 1e3, float(f"{result.sum():.8g}"))


def svd(api: ModuleType, random: Random) -> Reading:
    data = matrix(random, ROWS, COLUMNS)
    x = api.from_array(data, chunks=(ROWS // 10, COLUMNS))
    with wall_time() as watch:
        _, s, _ = api.linalg.svd(x)
        result = s.compute()
    return Reading(watch.seconds * 1e3, float(f"{result.sum():.8g}"))


def svd_by_numpy(random: Random) -> Reading:
    import numpy as np

    data = matrix(random, ROWS, COLUMNS)
    with wall_time() as watch:
        result = np.linalg.svd(data, full_matrices=False)[1]
    return Reading(watch.seconds * 1e3, float(f"{result.sum():.8g}"))


CASES = [
    Case("matmul 3072", "ms", product, factor=1.0, beside={"numpy": product_by_numpy}),
    Case("svd 250k x 64", "ms", svd, factor=1.0, beside={"numpy": svd_by_numpy}),
]

if __name__ == "__main__":
    main("benchmarks.arrays.products", __doc__, Pair("plait.array", "dask.array"), CASES)
