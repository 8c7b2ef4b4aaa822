"""Statistical tests of arrays in blocks, with the names and results of scipy.stats.

Statistics are lazy reductions; what remains, a formula of a few numbers, is one task, so a test gives a Delayed of
(statistic, pvalue). Distributions are SciPy's, an extra, imported when a test is computed. Moments are biased
ones and NaN propagate: other `bias` and `nan_policy` raise NotImplementedError.
Sources: D'Agostino, Belanger and D'Agostino 1990 (skewness, omnibus); Anscombe and Glynn 1983 (kurtosis);
Cressie and Read 1984 (power divergence); Welch 1947 (unequal variances).
"""

from __future__ import annotations

import math
from functools import reduce
from importlib import import_module
from operator import add
from typing import Any, NamedTuple

import numpy as np

from plait.lazy.array import statistics
from plait.lazy.array.creation import asanyarray, ones, zeros
from plait.lazy.array.searching import where
from plait.lazy.array.ufuncs import FUNCTIONS
from plait.lazy.decorator import delayed


class Outcome(NamedTuple):
    """What a test gives."""

    statistic: Any
    pvalue: Any


# exponents of power_divergence() by name
POWERS = {
    "pearson": 1,
    "log-likelihood": 0,
    "freeman-tukey": -0.5,
    "mod-log-likelihood": -1,
    "neyman": -2,
    "cressie-read": 2 / 3,
}


# Moments ------------------------------------------------------------------------------------------------------


def moment(a: Any, moment: int = 1, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """The central moment of an order along an axis."""
    _only_propagate(nan_policy)
    return _central(asanyarray(a), moment, axis)


def skew(a: Any, axis: Any = 0, bias: bool = True, nan_policy: str = "propagate") -> Any:
    """The third standardized moment: 0 of symmetric data, and where nothing varies."""
    _only_propagate(nan_policy)
    _only_biased(bias)
    return _standardized(asanyarray(a), 3, axis)


def kurtosis(a: Any, axis: Any = 0, fisher: bool = True, bias: bool = True, nan_policy: str = "propagate") -> Any:
    """The fourth standardized moment, less 3 if fisher."""
    _only_propagate(nan_policy)
    _only_biased(bias)
    found = _standardized(asanyarray(a), 4, axis)
    return found - 3 if fisher else found


def _central(array: Any, order: int, axis: Any) -> Any:
    if order in (0, 1):
        like = array.mean(axis=axis)
        made = zeros if order else ones
        return made(like.shape, chunks=like.chunks, dtype=like.dtype)
    return statistics.moment(array, order, axis=axis)


def _standardized(array: Any, order: int, axis: Any) -> Any:
    spread = _central(array, 2, axis)
    return _central(array, order, axis) / (spread + (spread == 0)) ** (order / 2)


def _only_propagate(nan_policy: str) -> None:
    if nan_policy != "propagate":
        raise NotImplementedError(f"nan_policy={nan_policy!r}: only 'propagate' can be computed; drop NaN before")


def _only_biased(bias: bool) -> None:
    if not bias:
        raise NotImplementedError("bias=False is not implemented; pass bias=True")


# Is it normal? ------------------------------------------------------------------------------------------------


def skewtest(a: Any, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """Whether the skewness is that of a normal distribution. Raises ValueError for less than 8 samples."""
    _only_propagate(nan_policy)
    array = asanyarray(a)
    count = _count(array, axis)
    if count < 8:
        raise ValueError(f"skewtest is not valid with less than 8 samples; {count} samples were given.")
    return delayed(_normal_test, pure=True)(delayed(_skew_score, pure=True)(skew(array, axis), count))


def kurtosistest(a: Any, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """Whether the kurtosis is that of a normal distribution. Raises ValueError for less than 5 samples."""
    _only_propagate(nan_policy)
    array = asanyarray(a)
    count = _count(array, axis)
    if count < 5:
        raise ValueError(f"kurtosistest is not valid with less than 5 samples; {count} samples were given.")
    return delayed(_normal_test, pure=True)(
        delayed(_kurtosis_score, pure=True)(kurtosis(array, axis, fisher=False), count)
    )


def normaltest(a: Any, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """Whether a sample is from a normal distribution: by skewness and kurtosis together."""
    _only_propagate(nan_policy)
    return delayed(_omnibus, pure=True)(skewtest(a, axis), kurtosistest(a, axis))


def _count(array: Any, axis: Any) -> int:
    """How many elements there are along an axis, or in all. Raises ValueError where that is unknown."""
    count = array.size if axis is None else array.shape[axis]
    if math.isnan(count):
        raise ValueError("the number of samples is unknown; call compute_chunk_sizes() first")
    return int(count)


def _skew_score(skewness: Any, n: int) -> Any:
    y = skewness * math.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta2 = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = math.sqrt(2 * (beta2 - 1)) - 1
    return np.arcsinh(y / math.sqrt(2 / (w2 - 1))) / math.sqrt(math.log(w2) / 2)


def _kurtosis_score(kurtosis: Any, n: int) -> Any:
    mean = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis - mean) / math.sqrt(variance)
    skewness = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * math.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / skewness * (2 / skewness + math.sqrt(1 + 4 / skewness**2))
    root = np.cbrt((1 - 2 / a) / (1 + x * math.sqrt(2 / (a - 4))))
    return (1 - 2 / (9 * a) - root) / math.sqrt(2 / (9 * a))


def _normal_test(score: Any) -> Outcome:
    return Outcome(score, 2 * _distributions().norm.sf(np.abs(score)))


def _omnibus(by_skew: Any, by_kurtosis: Any) -> Outcome:
    squares = by_skew[0] ** 2 + by_kurtosis[0] ** 2
    return Outcome(squares, _distributions().chi2.sf(squares, 2))


# Are means equal? ---------------------------------------------------------------------------------------------


def ttest_ind(a: Any, b: Any, axis: Any = 0, equal_var: bool = True) -> Any:
    """Whether two independent samples have one mean; Welch's test if not equal_var."""
    first, second = asanyarray(a), asanyarray(b)
    sizes = _count(first, axis), _count(second, axis)
    means = first.mean(axis=axis), second.mean(axis=axis)
    variances = first.var(axis=axis, ddof=1), second.var(axis=axis, ddof=1)
    return delayed(_independent, pure=True)(*means, *variances, *sizes, equal_var)


def ttest_1samp(a: Any, popmean: Any, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """Whether a sample has this mean."""
    _only_propagate(nan_policy)
    array = asanyarray(a)
    shift = array.mean(axis=axis) - popmean
    return delayed(_student, pure=True)(shift, array.var(axis=axis, ddof=1), _count(array, axis))


def ttest_rel(a: Any, b: Any, axis: Any = 0, nan_policy: str = "propagate") -> Any:
    """Whether pairs of two samples have one mean."""
    _only_propagate(nan_policy)
    return ttest_1samp(asanyarray(a) - asanyarray(b), 0, axis)


def f_oneway(*args: Any) -> Any:
    """Whether groups have one mean: analysis of variance. Raises ValueError for less than two groups."""
    if len(args) < 2:
        raise ValueError(f"f_oneway() compares groups, and got {len(args)}; pass at least two")
    groups = [asanyarray(each).ravel() for each in args]
    counts = [_count(each, 0) for each in groups]
    total = sum(counts)
    centre = reduce(add, [each.sum() for each in groups]) / total
    means = [each.mean() for each in groups]
    between = reduce(add, [count * (mean - centre) ** 2 for count, mean in zip(counts, means, strict=True)])
    within = reduce(add, [((each - mean) ** 2).sum() for each, mean in zip(groups, means, strict=True)])
    return delayed(_variances_compared, pure=True)(between, within, len(groups) - 1, total - len(groups))


def _student(shift: Any, variance: Any, n: int) -> Outcome:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _t_test(shift / np.sqrt(variance / n), n - 1)


def _independent(m1: Any, m2: Any, v1: Any, v2: Any, n1: int, n2: int, equal_var: bool) -> Outcome:
    with np.errstate(divide="ignore", invalid="ignore"):
        if equal_var:
            freedom: Any = n1 + n2 - 2
            pooled = ((n1 - 1) * v1 + (n2 - 1) * v2) / freedom
            return _t_test((m1 - m2) / np.sqrt(pooled * (1 / n1 + 1 / n2)), freedom)
        e1, e2 = v1 / n1, v2 / n2
        freedom = (e1 + e2) ** 2 / (e1**2 / (n1 - 1) + e2**2 / (n2 - 1))
        return _t_test((m1 - m2) / np.sqrt(e1 + e2), np.where(np.isnan(freedom), 1, freedom))


def _t_test(t: Any, freedom: Any) -> Outcome:
    return Outcome(t, 2 * _distributions().t.sf(np.abs(t), freedom))


def _variances_compared(between: Any, within: Any, groups: int, rest: int) -> Outcome:
    ratio = (between / groups) / (within / rest)
    return Outcome(ratio, _distributions().f.sf(ratio, groups, rest))


# Are frequencies the expected ones? ---------------------------------------------------------------------------


def chisquare(f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: Any = 0) -> Any:
    """Whether frequencies are the expected ones (all equal, if not said): Pearson's test."""
    return power_divergence(f_obs, f_exp, ddof, axis, "pearson")


def power_divergence(f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: Any = 0, lambda_: Any = None) -> Any:
    """As chisquare(), by another power. lambda_: a number, or a name out of POWERS. Raises ValueError for others."""
    if isinstance(lambda_, str) and lambda_ not in POWERS:
        raise ValueError(f"lambda_={lambda_!r} is no known statistic; pass a number, or one of {sorted(POWERS)}")
    power = 1 if lambda_ is None else POWERS[lambda_] if isinstance(lambda_, str) else lambda_
    observed = asanyarray(f_obs)
    expected = observed.mean(axis=axis, keepdims=True) if f_exp is None else asanyarray(f_exp)
    found = _divergence(observed, expected, power).sum(axis=axis)
    return delayed(_chi2_test, pure=True)(found, _count(observed, axis) - 1 - ddof)


def _divergence(observed: Any, expected: Any, power: float) -> Any:
    if power == 1:
        return (observed - expected) ** 2 / expected
    if power == 0:
        return 2 * _times_log(observed, observed / expected)
    if power == -1:
        return 2 * _times_log(expected, expected / observed)
    return observed * ((observed / expected) ** power - 1) * (2 / (power * (power + 1)))


def _times_log(x: Any, y: Any) -> Any:
    """x log(y), which is 0 where x is."""
    nothing = x == 0
    return where(nothing, 0, x * FUNCTIONS["log"](where(nothing, 1, y)))


def _chi2_test(statistic: Any, freedom: int) -> Outcome:
    return Outcome(statistic, _distributions().chi2.sf(statistic, freedom))


def _distributions() -> Any:
    """scipy.stats. Raises ImportError where SciPy is not installed."""
    try:
        return import_module("scipy.stats")
    except ImportError as error:
        raise ImportError('p-values need SciPy; pip install "plait[stats]"') from error
