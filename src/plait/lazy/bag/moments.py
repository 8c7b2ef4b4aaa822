"""The mean and the variance of a bag.

Sums of integers are exact. The variance of other numbers is combined from (count, mean, squares about the mean) of
blocks, which loses no digits where numbers are large beside their spread.

Source: Chan, Golub, LeVeque, Updating formulae and a pairwise algorithm for computing sample variances (1979).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import chain
from typing import Any

from plait.lazy.bag.streams import blocks

Moments = tuple[int, Any, Any]  # count, mean, sum of the squares about the mean; or with exact sums, see moments()


def totals(part: Iterable[Any]) -> tuple[int, Any]:
    """(count, sum)."""
    count, total = 0, 0
    for block in blocks(part):
        count += len(block)
        total = total + sum(block)
    return count, total


def mean_of(parts: Iterable[tuple[int, Any]]) -> Any:
    """Raises ValueError for no elements."""
    count, total = 0, 0
    for n, t in parts:
        count, total = count + n, total + t
    if not count:
        raise ValueError("the mean of a bag without elements is not defined")
    return total / count


def moments(part: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What the variance needs: ("exact", count, sum, sum of squares) of integers, ("about", *Moments) of others."""
    exact = [0, 0, 0]
    about: Moments | None = None
    for block in blocks(part):
        if set(map(type, block)) <= {int, bool}:
            exact = [exact[0] + len(block), exact[1] + sum(block), exact[2] + sum(map(operator.mul, block, block))]
        else:
            mean = sum(block) / len(block)
            spread = sum([(x - mean) ** 2 for x in block])
            about = _added(about, (len(block), mean, spread))
    found: list[tuple[Any, ...]] = [("exact", *exact)] if exact[0] else []
    return found if about is None else [*found, ("about", *about)]


def _added(one: Moments | None, other: Moments) -> Moments:
    if one is None:
        return other
    (n, mean, spread), (m, other_mean, other_spread) = one, other
    delta = other_mean - mean
    return n + m, mean + delta * m / (n + m), spread + other_spread + delta * delta * n * m / (n + m)


def variance_of(ddof: int, parts: Iterable[list[tuple[Any, ...]]]) -> Any:
    """Raises ValueError where there are not more elements than `ddof`."""
    found = list(chain.from_iterable(parts))
    exact = [part[1:] for part in found if part[0] == "exact"]
    n, total, squares = (sum(column) for column in zip(*exact, strict=True)) if exact else (0, 0, 0)
    about: Moments | None = None
    for part in found:
        if part[0] == "about":
            about = _added(about, (part[1], part[2], part[3]))
    if about is None:
        _check_count(n, ddof)
        return (n * squares - total * total) / (n * (n - ddof))
    if n:
        about = _added(about, (n, total / n, (n * squares - total * total) / n))
    _check_count(about[0], ddof)
    return about[2] / (about[0] - ddof)


def _check_count(count: int, ddof: int) -> None:
    if count <= ddof:
        raise ValueError(f"the variance of {count} elements with ddof={ddof} is not defined; it takes more than {ddof}")
