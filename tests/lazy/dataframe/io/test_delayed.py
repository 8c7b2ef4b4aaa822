"""from_delayed: partitions that are lazy values."""

import pandas as pd
import pytest

from plait.lazy import delayed
from plait.lazy.dataframe import from_delayed
from plait.lazy.dataframe.testing import assert_eq

PARTS = [pd.DataFrame({"a": [i, i + 1]}, index=[2 * i, 2 * i + 1]) for i in range(3)]


def test_lazy_values_are_partitions():
    looked = []

    def load(i):
        looked.append(i)
        return PARTS[i]

    lazy = from_delayed([delayed(load)(i) for i in range(3)], meta=PARTS[0], divisions=(0, 2, 4, 5))
    assert not looked
    assert lazy.divisions == (0, 2, 4, 5)
    assert_eq(lazy["a"] + 1, pd.concat(PARTS)["a"] + 1)
    looked.clear()
    assert lazy.partitions[1].compute().equals(PARTS[1])
    assert looked == [1]


def test_without_a_meta_the_first_value_says_it():
    lazy = from_delayed(delayed(PARTS[0]["a"]))
    assert lazy.npartitions == 1 and not lazy.known_divisions
    assert_eq(lazy, PARTS[0]["a"])


def test_a_partition_that_is_not_as_promised_is_refused():
    values = [delayed(PARTS[0]), delayed(PARTS[1].astype(str))]
    with pytest.raises(ValueError, match=r"Metadata mismatch found in `from_delayed`(.|\n)*'a'"):
        from_delayed(values, meta=PARTS[0]).compute()
    assert len(from_delayed(values, meta=PARTS[0], verify_meta=False).compute()) == 4


def test_what_cannot_be_partitions_is_said():
    with pytest.raises(TypeError, match="Expected Delayed object, got DataFrame"):
        from_delayed([PARTS[0]])
    with pytest.raises(TypeError, match="at least one"):
        from_delayed([])
    with pytest.raises(ValueError, match=r"len\(dfs\) \+ 1"):
        from_delayed([delayed(PARTS[0])], meta=PARTS[0], divisions=(0, 1, 2))
