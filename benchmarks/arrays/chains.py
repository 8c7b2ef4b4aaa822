"""How long do elementwise chains and their reductions take, and reductions of very many small chunks?

Wall time of compute() on all cores, on data in memory. Beside: the same in numpy, and in numba, compiled in parallel
before it is timed: as it is by default, and with fastmath, which may add up in another order and so uses vectors.
"""

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

from benchmarks.harness import Case, Pair, Reading, main, wall_time

GIB = 2**30
_COMPILED: dict[str, Any] = {}


def values(random: Random, count: int) -> Any:
    import numpy as np

    return np.random.default_rng(random.getrandbits(32)).random(count)


def timed(run: Callable[[], Any]) -> Reading:
    run()  # imports, threads and compilers are another question
    with wall_time() as watch:
        result = run()
    return Reading(watch.seconds * 1e3, float(f"{float(result):.9g}"))


def bound(x: Any) -> Any:
    return ((x * 2 + 1) - x / 3).sum()


def waves(x: Any) -> Any:
    import numpy as np

    return (np.sin(x) ** 2 + np.cos(x) ** 2).mean()


def of_memory(chain: Callable[[Any], Any], size: int) -> Callable[[ModuleType, Random], Reading]:
    def run(api: ModuleType, random: Random) -> Reading:
        x = api.from_array(values(random, size // 8))
        return timed(lambda: chain(x).compute())

    return run


def by_numpy(chain: Callable[[Any], Any], size: int) -> Callable[[Random], Reading]:
    return lambda random: _on(values(random, size // 8), chain)


def by_numba(chain: Callable[[Any], Any], size: int, fastmath: bool = False) -> Callable[[Random], Reading]:
    def run(random: Random) -> Reading:
        import numba
        import numpy as np

        scope: dict[str, Any] = {"np": np}
        source = {
            "bound": "def f(x): return ((x * 2 + 1) - x / 3).sum()",
            "waves": "def f(x): return (np.sin(x) ** 2 + np.cos(x) ** 2).mean()",
        }
        exec(source[chain.__name__], scope)
        return _on(values(random, size // 8), numba.njit(parallel=True, fastmath=fastmath)(scope["f"]))

    return run


def _on(data: Any, chain: Callable[[Any], Any]) -> Reading:
    return timed(lambda: chain(data))


def means(api: ModuleType, random: Random) -> Reading:
    x = api.from_array(values(random, 1_000_000).reshape(1000, 1000), chunks=(10, 10))
    return timed(lambda: x.mean(axis=0).compute().sum())


def sums(api: ModuleType, random: Random) -> Reading:
    y = api.from_array(values(random, 2_000_000), chunks=100)
    return timed(lambda: ((y + 1) * 2 - y).sum().compute())


def rechunked(api: ModuleType, random: Random) -> Reading:
    x = api.from_array(values(random, GIB // 16).reshape(8192, 8192), chunks=(512, 8192))
    return timed(lambda: x.rechunk((8192, 512)).sum().compute())


def case(name: str, chain: Callable[[Any], Any], size: int, **targets: float) -> Case:
    beside = {
        "numpy": by_numpy(chain, size),
        "numba": by_numba(chain, size),
        "numba fastmath": by_numba(chain, size, fastmath=True),
    }
    return Case(name, "ms", of_memory(chain, size), beside=beside, **targets)


CASES = [
    case("((a*2+1)-a/3).sum() of 0.25 GiB", bound, GIB // 4, factor=8.0),
    case("(sin(x)**2+cos(x)**2).mean() of 128 MB", waves, GIB // 8, factor=2.0),
    Case("mean(axis=0) of 10k chunks", "ms", means, factor=50.0, repeat=2),
    Case("((y+1)*2-y).sum() of 20k chunks", "ms", sums, factor=50.0, repeat=2),
    Case("rechunk rows to columns and sum, 0.5 GiB", "ms", rechunked, factor=2.0, repeat=3),
]

if __name__ == "__main__":
    main("benchmarks.arrays.chains", __doc__, Pair("plait.array", "dask.array"), CASES)
