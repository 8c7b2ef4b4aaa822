"""numpy's universal functions, by their names, for lazy arrays and frames; others go to numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.lazy.array.collection import Array
from plait.lazy.array.operators import called, outer, written

_NAMES = (
    "add subtract multiply divide logaddexp logaddexp2 true_divide floor_divide negative positive power float_power"
    " remainder mod fmod conj conjugate exp exp2 log log2 log10 log1p expm1 sqrt square cbrt reciprocal gcd lcm sin cos"
    " tan arcsin arccos arctan arctan2 hypot sinh cosh tanh arcsinh arccosh arctanh deg2rad rad2deg degrees radians"
    " greater greater_equal less less_equal not_equal equal logical_and logical_or logical_xor logical_not maximum"
    " minimum fmax fmin bitwise_and bitwise_or bitwise_xor bitwise_not invert left_shift right_shift isfinite isinf"
    " isnan signbit copysign nextafter spacing modf ldexp frexp divmod floor ceil trunc rint fabs sign absolute abs"
    " heaviside bitwise_count"
)


class UniversalFunction:
    """A ufunc of numpy's, or what np.frompyfunc gives, that takes lazy arrays."""

    def __init__(self, ufunc: Any) -> None:
        if not isinstance(ufunc, np.ufunc):
            raise TypeError(f"must be an instance of `ufunc` or `frompyfunc`, got `{type(ufunc).__name__}`")
        self._ufunc = ufunc
        self.__name__ = ufunc.__name__
        self.__doc__ = f"As numpy's {ufunc.__name__}(), lazily.\n\n{ufunc.__doc__}"

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if not any(isinstance(each, Array) for each in (*args, keywords.get("where"))):
            return self._ufunc(*args, **keywords)
        out = keywords.pop("out", None)
        if self._ufunc.signature is not None:
            return self._ufunc(*args, **keywords)
        for each in args:
            kind = type(each)
            if (
                kind is not Array
                and hasattr(kind, "__array_ufunc__")
                and getattr(kind, "__dask_graph__", None) is not None
            ):
                return self._ufunc(*args, **keywords)
        found = called(Array.of, self._ufunc, args, keywords)
        return found if out is None else written(found, out)

    def outer(self, a: Any, b: Any, **keywords: Any) -> Any:
        """ufunc of each element of `a` with each of `b`."""
        if self.nin != 2:
            raise ValueError("outer product only supported for binary functions")
        if "out" in keywords:
            raise ValueError("`out` kwarg not supported")
        if not any(isinstance(each, Array) for each in (a, b)):
            return self._ufunc.outer(a, b, **keywords)
        return outer(Array.of, self._ufunc, (a, b), keywords)

    def __getattr__(self, name: str) -> Any:
        if name in ("nin", "nargs", "nout", "ntypes", "identity", "signature", "types"):
            return getattr(self._ufunc, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), "nin", "nargs", "nout", "ntypes", "identity", "signature", "types"]

    def __repr__(self) -> str:
        return repr(self._ufunc)

    def __reduce__(self) -> Any:
        return UniversalFunction, (self._ufunc,)


def frompyfunc(func: Any, nin: int, nout: int) -> UniversalFunction:
    """As np.frompyfunc(), of lazy arrays. Raises NotImplementedError for several results."""
    if nout > 1:
        raise NotImplementedError("frompyfunc with more than one output")
    return UniversalFunction(np.frompyfunc(func, nin, nout))


FUNCTIONS = {name: UniversalFunction(getattr(np, name)) for name in _NAMES.split() if hasattr(np, name)}


def angle(x: Any, deg: bool = False) -> Any:
    """As numpy's angle()."""
    deg = bool(deg)
    return x._elementwise(np.angle, x, deg) if isinstance(x, Array) else np.angle(x, deg)


def _simple(function: Any) -> Any:
    def lazily(x: Any, *args: Any, **keywords: Any) -> Any:
        if isinstance(x, Array):
            return x._elementwise(function, x, *args, **keywords)
        if hasattr(x, "map_partitions"):
            return x.map_partitions(function, *args, **keywords)
        return function(x, *args, **keywords)

    lazily.__name__ = function.__name__
    lazily.__doc__ = f"As numpy's {function.__name__}(), lazily."
    return lazily


isreal, iscomplex, real, imag, fix, i0, sinc, nan_to_num, isneginf, isposinf = map(
    _simple,
    (
        np.isreal,
        np.iscomplex,
        np.real,
        np.imag,
        np.fix if hasattr(np, "fix") else np.trunc,
        np.i0,
        np.sinc,
        np.nan_to_num,
        np.isneginf,
        np.isposinf,
    ),
)


def clip(a: Any, *args: Any, **keywords: Any) -> Any:
    """As numpy's clip()."""
    return a._elementwise(np.clip, a, *args, **keywords) if isinstance(a, Array) else np.clip(a, *args, **keywords)


def __getattr__(name: str) -> Any:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
