"""Random arrays: a stream of random numbers of its own for each block, which follows from the seed and the block's
place.

default_rng() gives a Generator, as numpy's; RandomState is the older interface. The module's functions are methods of
one RandomState. With one seed, blocks of one shape are the same in each run, on each scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.lazy._native.nodes import make
from plait.lazy.array.chunks import normalize_chunks
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import asarray
from plait.lazy.array.expression import FromNodes
from plait.lazy.array.metas import empty_like
from plait.lazy.array.rearranging import broadcast_to
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.tokens import tokenize

_COMMON = (
    "beta binomial chisquare exponential f gamma geometric gumbel hypergeometric laplace logistic lognormal logseries"
    " negative_binomial noncentral_chisquare noncentral_f normal pareto poisson power rayleigh standard_cauchy"
    " standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises wald weibull zipf"
)


class _Streams:
    """What both interfaces share: methods of numpy's that are called for each block."""

    def _seeds(self, count: int) -> Sequence[Any]:
        raise NotImplementedError

    def _maker(self) -> Any:
        raise NotImplementedError

    def _wrap(
        self,
        method: str,
        *args: Any,
        size: Any = None,
        chunks: Any = "auto",
        extra: tuple[Any, ...] = (),
        dtype: Any = None,
        **keywords: Any,
    ) -> Array:
        """An array of what `method` draws; args and keywords that are arrays are cut as the result is."""
        lazily = [each if np.ndim(each) == 0 and not isinstance(each, Array) else asarray(each) for each in args]
        named = {
            name: each if not hasattr(each, "shape") or np.ndim(each) == 0 else asarray(each)
            for name, each in keywords.items()
        }
        arrays = [each for each in (*lazily, *named.values()) if isinstance(each, Array)]
        shape = (
            np.broadcast_shapes(*[each.shape for each in arrays])
            if size is None
            else (size,)
            if np.ndim(size) == 0
            else tuple(size)
        )
        if size is not None and arrays:
            shape = np.broadcast_shapes(shape, *[each.shape for each in arrays])
        sizes = normalize_chunks(chunks, shape, dtype=dtype or np.dtype(float))
        cut = [broadcast_to(each, shape).rechunk(sizes) if isinstance(each, Array) else each for each in lazily]
        cut_named = {
            name: broadcast_to(each, shape).rechunk(sizes) if isinstance(each, Array) else each
            for name, each in named.items()
        }
        counts = tuple(map(len, sizes))
        indices = list(product(*map(range, counts)))
        seeds = self._seeds(len(indices))
        name = f"{method}-{tokenize(seeds, sizes, lazily, named, extra)}"
        sample = self._sample(method, lazily, named, extra)
        extra_sizes = tuple([(length,) for length in np.shape(sample)])
        nodes = []
        blocks: list[Any] = [each.to_delayed() if isinstance(each, Array) else None for each in cut]
        named_blocks: dict[str, Any] = {
            key: each.to_delayed() if isinstance(each, Array) else None for key, each in cut_named.items()
        }
        zeros = (0,) * len(extra_sizes)
        for index, seed in zip(indices, seeds, strict=True):
            block = tuple([along[i] for along, i in zip(sizes, index, strict=True)])
            values = [each if own is None else own[index] for each, own in zip(cut, blocks, strict=True)]
            options = {
                key: each if named_blocks[key] is None else named_blocks[key][index] for key, each in cut_named.items()
            }
            call = (self._maker(), seed, method, (*extra, *values), options, block)
            nodes.append(make(_drawn, call, None, None, None, (name, *index, *zeros)))
        like = empty_like(np.asarray(sample), len(sizes) + len(extra_sizes), np.asarray(sample).dtype)
        return Array.of(FromNodes(Nodes(nodes), (*sizes, *extra_sizes), like, name=name))

    def _sample(self, method: str, args: Sequence[Any], keywords: dict[str, Any], extra: tuple[Any, ...]) -> Any:
        """One draw, for its dtype: where parameters are lazy they are taken for ones."""
        plain = [np.ones((), dtype=each.dtype)[()] if isinstance(each, Array) else each for each in args]
        named = {
            name: np.ones((), dtype=each.dtype)[()] if isinstance(each, Array) else each
            for name, each in keywords.items()
        }
        return getattr(self._maker()(0), method)(*extra, *plain, **named)


def _drawn(
    maker: Any, seed: Any, method: str, args: tuple[Any, ...], options: dict[str, Any], size: tuple[int, ...]
) -> Any:
    return getattr(maker(seed), method)(*args, size=size, **options)


def _method(method: str) -> Any:
    def draw(self: Any, *args: Any, size: Any = None, chunks: Any = "auto", **keywords: Any) -> Array:
        args, size = _without_size(method, args, size)
        return self._wrap(method, *args, size=size, chunks=chunks, **keywords)

    draw.__name__ = method
    draw.__doc__ = f"As numpy's {method}(), in blocks."
    return draw


# How many parameters come before size.
_PARAMETERS = {
    "beta": 2, "binomial": 2, "chisquare": 1, "exponential": 1, "f": 2, "gamma": 2, "geometric": 1, "gumbel": 2,
    "hypergeometric": 3, "laplace": 2, "logistic": 2, "lognormal": 2, "logseries": 1, "negative_binomial": 2,
    "noncentral_chisquare": 2, "noncentral_f": 3, "normal": 2, "pareto": 1, "poisson": 1, "power": 1, "rayleigh": 1,
    "standard_gamma": 1, "standard_t": 1, "triangular": 3, "uniform": 2, "vonmises": 2, "wald": 2,
    "weibull": 1, "zipf": 1,
}  # fmt: skip


def _without_size(method: str, args: tuple[Any, ...], size: Any) -> tuple[tuple[Any, ...], Any]:
    count = _PARAMETERS.get(method, 0)
    return (args[:count], args[count]) if size is None and len(args) > count else (args, size)


class Generator(_Streams):
    """As numpy's Generator, of lazy arrays."""

    def __init__(self, bit_generator: Any) -> None:
        self._bit_generator = bit_generator

    def _seeds(self, count: int) -> Sequence[Any]:
        return list(self._bit_generator.seed_seq.spawn(count))

    def _maker(self) -> Any:
        return _Generators(type(self._bit_generator))

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None, chunks: Any = "auto") -> Array:
        """Floats from 0 to 1."""
        return self._wrap("random", size=size, chunks=chunks, dtype=np.dtype(dtype))

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = np.int64,
        endpoint: bool = False,
        chunks: Any = "auto",
    ) -> Array:
        """Integers from low to high."""
        low, high = (0, low) if high is None else (low, high)
        return self._wrap("integers", low, high, size=size, chunks=chunks, dtype=np.dtype(dtype), endpoint=endpoint)

    def choice(
        self,
        a: Any,
        size: Any = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
        shuffle: bool = True,
        chunks: Any = "auto",
    ) -> Array:
        """Elements of an array, or of a range. Without replacement the result is one block."""
        return _choices(self, a, size, replace, p, chunks)

    def permutation(self, x: Any) -> Array:
        """An array in another order, along its first axis."""
        return _permuted(self, x)

    def multinomial(self, n: Any, pvals: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Counts of a multinomial distribution."""
        return self._wrap("multinomial", size=size, chunks=chunks, extra=(n, list(pvals)))

    def __repr__(self) -> str:
        return f"plait.array.random.Generator({type(self._bit_generator).__name__})"

    __str__ = __repr__


class _Generators:
    """Makes numpy's generators of seeds."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self, seed: Any) -> Any:
        return np.random.Generator(self._kind(seed))


class RandomState(_Streams):
    """As numpy's RandomState, of lazy arrays. RandomState: the class of the blocks' generators."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # the distributions

    def __init__(self, seed: Any = None, RandomState: Any = None) -> None:
        self._state = np.random.RandomState(seed)
        self._kind = np.random.RandomState if RandomState is None else RandomState

    def seed(self, seed: Any = None) -> None:
        """Begin anew."""
        self._state.seed(seed)

    def _seeds(self, count: int) -> Sequence[Any]:
        return [self._state.randint(0, 2**32, size=4, dtype=np.uint32).tolist() for _ in range(count)]

    def _maker(self) -> Any:
        return self._kind

    def random(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Floats from 0 to 1."""
        return self._wrap("random_sample", size=size, chunks=chunks)

    random_sample = random

    def randint(self, low: Any, high: Any = None, size: Any = None, chunks: Any = "auto", dtype: Any = "l") -> Array:
        """Integers from low to below high."""
        low, high = (0, low) if high is None else (low, high)
        return self._wrap("randint", low, high, size=size, chunks=chunks, dtype=dtype)

    def random_integers(self, low: Any, high: Any = None, size: Any = None, chunks: Any = "auto") -> Array:
        """Integers from low to high."""
        low, high = (1, low) if high is None else (low, high)
        return self.randint(low, high + 1, size, chunks)

    def tomaxint(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Integers up to the greatest there is."""
        return self._wrap("tomaxint", size=size, chunks=chunks)

    def choice(self, a: Any, size: Any = None, replace: bool = True, p: Any = None, chunks: Any = "auto") -> Array:
        """Elements of an array, or of a range."""
        return _choices(self, a, size, replace, p, chunks)

    def permutation(self, x: Any) -> Array:
        """An array in another order, along its first axis."""
        return _permuted(self, x)

    def multinomial(self, n: Any, pvals: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Counts of a multinomial distribution."""
        return self._wrap("multinomial", size=size, chunks=chunks, extra=(n, list(pvals)))


for _name in _COMMON.split():
    for _kind in (Generator, RandomState):
        setattr(_kind, _name, _method(_name))


def _choices(streams: Any, a: Any, size: Any, replace: bool, p: Any, chunks: Any) -> Array:
    values = a.compute() if isinstance(a, Array) else a
    if np.ndim(values) > 1:
        raise ValueError("a must be one dimensional")
    count = int(values) if np.ndim(values) == 0 else len(values)
    if np.ndim(values) == 0 and count <= 0:
        raise ValueError("a must be greater than 0")
    if count == 0:
        raise ValueError("a must be non-empty")
    weights = p.compute() if isinstance(p, Array) else None if p is None else np.asarray(p)
    if weights is not None:
        if weights.ndim != 1:
            raise ValueError("p must be one dimensional")
        if len(weights) != count:
            raise ValueError("a and p must have the same size")
        if not np.allclose(weights.sum(), 1, rtol=1e-7, atol=0):
            raise ValueError("probabilities do not sum to 1")
    wanted = () if size is None else (size,) if np.ndim(size) == 0 else tuple(size)
    if not replace:
        if np.prod(wanted, dtype=int) > count:
            raise ValueError("Cannot take a larger sample than population when replace=False")
        sizes = normalize_chunks(chunks, wanted, dtype=np.dtype(int))
        if any(len(each) > 1 for each in sizes):
            raise NotImplementedError("Error: drawing without replacement is one block; pass chunks=-1")
    return _chosen(streams, values, wanted, replace, weights, chunks)


def _chosen(streams: Any, values: Any, size: Any, replace: bool, weights: Any, chunks: Any) -> Array:
    dtype = np.asarray(values).dtype if np.ndim(values) else np.dtype(np.int64)
    sizes = normalize_chunks(chunks, size, dtype=dtype)
    indices = list(product(*[range(len(each)) for each in sizes]))
    seeds = streams._seeds(len(indices))
    name = f"choice-{tokenize(seeds, sizes, values, replace, weights)}"
    nodes = [
        make(
            _drawn,
            (
                streams._maker(),
                seed,
                "choice",
                (values,),
                {"replace": replace, "p": weights},
                tuple([along[i] for along, i in zip(sizes, index, strict=True)]),
            ),
            None,
            None,
            None,
            (name, *index),
        )
        for index, seed in zip(indices, seeds, strict=True)
    ]
    return Array.of(FromNodes(Nodes(nodes), sizes, np.empty((0,) * len(sizes), dtype=dtype), name=name))


def _permuted(streams: Any, x: Any) -> Array:
    array = asarray(np.arange(x) if np.ndim(x) == 0 and not isinstance(x, Array) else x)
    (seed,) = streams._seeds(1)
    order = streams._maker()(seed).permutation(array.shape[0])
    return array[order]


def default_rng(seed: Any = None) -> Generator:
    """A Generator of a seed, or of numpy's bit generator, or of another Generator."""
    if isinstance(seed, Generator):
        return seed
    if isinstance(seed, np.random.Generator):
        return Generator(seed.bit_generator)
    return Generator(seed if isinstance(seed, np.random.BitGenerator) else np.random.PCG64(seed))


_state = RandomState()


def seed(seed: Any = None) -> None:
    """Begin the module's stream anew."""
    _state.seed(seed)


def __getattr__(name: str) -> Any:
    if name.startswith("_") or not hasattr(_state, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_state, name)
