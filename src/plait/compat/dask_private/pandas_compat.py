"""Names of dask._pandas_compat: which pandas there is, and frames that tests are made of."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pandas.testing as tm
from packaging.version import Version
from pandas.api.types import is_any_real_numeric_dtype, is_string_dtype

PANDAS_VERSION = Version(pd.__version__)
PANDAS_GE_202 = PANDAS_VERSION.release >= (2, 0, 2)
PANDAS_GE_210 = PANDAS_VERSION.release >= (2, 1, 0)
PANDAS_GE_220 = PANDAS_VERSION.release >= (2, 2, 0)
PANDAS_GE_230 = PANDAS_VERSION.release >= (2, 3, 0)
PANDAS_GE_300 = PANDAS_VERSION.release >= (3, 0, 0)
PANDAS_GE_310 = PANDAS_VERSION.release >= (3, 1, 0)

IndexingError = pd.errors.IndexingError


def assert_categorical_equal(left: Any, right: Any, *args: Any, **options: Any) -> None:
    """Compare two categoricals."""
    tm.assert_extension_array_equal(left, right, *args, **options)
    assert isinstance(left.dtype, pd.CategoricalDtype), left
    assert isinstance(right.dtype, pd.CategoricalDtype), right


def assert_numpy_array_equal(left: Any, right: Any) -> None:
    """Compare two arrays, missing values being equal."""
    assert np.array_equal(pd.isna(left), pd.isna(right))
    assert np.array_equal(left[~pd.isna(left)], right[~pd.isna(right)])


def _letters(count: int) -> list[str]:
    return ["".join(np.random.choice(list(string.ascii_letters + string.digits), 10)) for _ in range(count)]


def makeDataFrame() -> Any:  # noqa: N802
    """30 rows of four columns of random numbers."""
    return pd.DataFrame(np.random.randn(30, 4), columns=list("ABCD"), index=_letters(30))


def makeTimeDataFrame() -> Any:  # noqa: N802
    """Likewise, by business days."""
    return makeDataFrame().set_index(makeDateIndex())


def makeTimeSeries() -> Any:  # noqa: N802
    """One column of it."""
    return makeTimeDataFrame()["A"]


def makeDateIndex(k: int = 30, freq: str = "B") -> Any:  # noqa: N802
    """k days from 2000 on."""
    return pd.date_range("2000", periods=k, freq=freq)


def makeTimedeltaIndex(k: int = 30, freq: str = "D") -> Any:  # noqa: N802
    """k periods from a day on."""
    return pd.timedelta_range("1 day", periods=k, freq=freq)


def makeMissingDataFrame() -> Any:  # noqa: N802
    """makeDataFrame() with one value in ten missing."""
    frame = makeDataFrame()
    return frame.mask(np.random.random(frame.shape) < 0.1)


def makeMixedDataFrame() -> Any:  # noqa: N802
    """Columns of numbers, texts and days."""
    return pd.DataFrame(
        {
            "A": [0.0, 1.0, 2.0, 3.0, 4.0],
            "B": [0.0, 1.0, 0.0, 1.0, 0.0],
            "C": [f"foo{i}" for i in range(1, 6)],
            "D": pd.bdate_range("1/1/2009", periods=5),
        }
    )


@contextmanager
def _nothing_deprecated() -> Iterator[None]:
    """What older versions of pandas warned of is gone from those that are supported."""
    yield


check_groupby_axis_deprecation = check_observed_deprecation = _nothing_deprecated
check_convert_dtype_deprecation = check_apply_dataframe_deprecation = _nothing_deprecated

__all__ = ["is_any_real_numeric_dtype", "is_string_dtype"]
