"""Values of many kinds, each of which must come back from a file as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

LARGE = "x" * 200_000
VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "nested": lambda: [1, {"a": (2.5, "text", b"bytes")}, {1, 2}],
    "array": lambda: np.arange(12.0).reshape(3, 4),
    "fortran": lambda: np.asfortranarray(np.arange(12).reshape(3, 4)),
    "strided": lambda: np.arange(40).reshape(5, 8)[::2, ::3],
    "turned": lambda: np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)[:, ::-1],
    "scalar": lambda: np.array(5.0),
    "empty": lambda: np.zeros((0, 3)),
    "dates": lambda: np.array(["2020-01-01"], "M8[D]"),
    "structured": lambda: np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "objects": lambda: np.array([1, "text", None, [2]], dtype=object),
    "dimensions": lambda: np.zeros((1,) * 20),
    "among": lambda: [
        *(np.ones(3), LARGE, np.zeros(2), [LARGE.encode(), np.ones(1)]),
        *(list(range(50_000)), np.ones(4), bytearray(LARGE.encode()), np.ones(5)),
    ],
    "many": lambda: [np.full(n % 7, n) for n in range(300)],
}


@pytest.fixture(params=VALUES)
def value(request: pytest.FixtureRequest) -> Any:
    """One of the values."""
    return VALUES[request.param]()


@pytest.fixture
def arrays_among() -> Any:
    """Arrays among large and small other things."""
    return VALUES["among"]()


@pytest.fixture
def same() -> Callable[..., bool]:
    """Whether two values are the same, their arrays' dtypes included; swapped: but for the byte order."""
    return _same


def _same(one: Any, other: Any, swapped: bool = False) -> bool:
    if isinstance(one, np.ndarray):
        dtypes = one.dtype, other.dtype
        if swapped:
            dtypes = one.dtype.newbyteorder("="), other.dtype.newbyteorder("=")
        return type(one) is type(other) and dtypes[0] == dtypes[1] and np.array_equal(one, other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b, swapped) for a, b in zip(one, other, strict=True))
    return bool(one == other)
