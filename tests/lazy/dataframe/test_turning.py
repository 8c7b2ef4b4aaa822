"""Tables turned, correlations, modes, samples and conversions, against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.dataframe as dd

random = np.random.default_rng(3)
PLAIN = pd.DataFrame(
    {
        "x": random.normal(1e6, 1, 50),
        "y": np.where(random.random(50) < 0.2, np.nan, random.normal(size=50)),
        "k": random.integers(0, 4, 50),
        "c": pd.Categorical(random.choice(list("ab"), 50), categories=list("abz")),
    }
)
NUMBERS = PLAIN[["x", "y", "k"]]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.sampled_from(["cov", "corr"]), st.sampled_from([None, 5, 45]))
def test_covariances(npartitions, name, least):
    lazy = dd.from_pandas(NUMBERS, npartitions=npartitions)
    wanted = getattr(NUMBERS, name)(min_periods=least)
    pd.testing.assert_frame_equal(getattr(lazy, name)(min_periods=least).compute(), wanted, rtol=1e-9)
    found = getattr(lazy.x, name)(lazy.y).compute()
    np.testing.assert_allclose(found, getattr(NUMBERS.x, name)(NUMBERS.y), rtol=1e-9)


@pytest.mark.parametrize("npartitions", [1, 3])
def test_modes_and_monotony(npartitions):
    lazy = dd.from_pandas(NUMBERS[["k"]].assign(t=[1, 2] * 25), npartitions=npartitions)
    pd.testing.assert_frame_equal(lazy.mode().compute(), NUMBERS[["k"]].assign(t=[1, 2] * 25).mode(), check_dtype=False)
    pd.testing.assert_series_equal(lazy.k.mode().compute(), NUMBERS.k.mode())
    for values in ([1, 2, 2, 5], [3, 2, 2], [1, 3, 2], []):
        plain = pd.Series(values, dtype=float)
        series = dd.from_pandas(plain, npartitions=min(npartitions, len(values) or 1))
        assert series.is_monotonic_increasing.compute() == plain.is_monotonic_increasing
        assert series.is_monotonic_decreasing.compute() == plain.is_monotonic_decreasing


@pytest.mark.parametrize("how", ["mean", "sum", "count", "first", "last"])
@pytest.mark.parametrize("npartitions", [1, 4])
def test_pivot_tables(how, npartitions):
    lazy = dd.from_pandas(PLAIN, npartitions=npartitions)
    found = lazy.pivot_table(index="k", columns="c", values="y", aggfunc=how).compute()
    wanted = PLAIN.pivot_table(index="k", columns="c", values="y", aggfunc=how, observed=False)
    for column in wanted:
        np.testing.assert_allclose(found[column].to_numpy(dtype=float), wanted[column].to_numpy(dtype=float))
    with pytest.raises(ValueError, match="category dtype"):
        lazy.pivot_table(index="c", columns="k", values="y")


def test_melt_and_dummies():
    lazy = dd.from_pandas(PLAIN, npartitions=3)
    found = lazy.melt(id_vars=["k"], value_vars=["x", "y"]).compute().sort_values(["variable", "k", "value"])
    wanted = PLAIN.melt(id_vars=["k"], value_vars=["x", "y"]).sort_values(["variable", "k", "value"])
    pd.testing.assert_frame_equal(found.reset_index(drop=True), wanted.reset_index(drop=True))
    pd.testing.assert_frame_equal(dd.get_dummies(lazy).compute(), pd.get_dummies(PLAIN))
    with pytest.raises(NotImplementedError, match="categorize"):
        dd.get_dummies(dd.from_pandas(pd.DataFrame({"s": ["a", "b"]}), npartitions=1))


def test_conversions():
    lazy = dd.from_pandas(NUMBERS, npartitions=3)
    np.testing.assert_array_equal(lazy.values.compute(), NUMBERS.to_numpy())
    assert lazy.to_dask_array(lengths=True).shape == (50, 3)
    back = dd.from_dask_array(lazy.to_dask_array(lengths=True), columns=list("xyk"))
    pd.testing.assert_frame_equal(back.compute(), NUMBERS.astype(float))
    assert lazy.x.to_bag().compute() == NUMBERS.x.tolist()
    assert lazy.k.to_frame().to_bag(format="dict").compute()[0] == {"k": NUMBERS.k[0]}
    assert len(lazy.to_records().compute()) == 50
    assert lazy.memory_usage_per_partition().compute().sum() > 1000


def test_samples_share_the_rows():
    lazy = dd.from_pandas(NUMBERS, npartitions=3)
    one, other = lazy.random_split([0.3, 0.7], random_state=5)
    rows = pd.concat([one.compute(), other.compute()]).sort_index()
    pd.testing.assert_frame_equal(rows, NUMBERS)
    half = lazy.sample(frac=0.5, random_state=1)
    pd.testing.assert_frame_equal(half.compute(), half.compute())
    assert 20 <= len(half) <= 30


@pytest.mark.parametrize("npartitions", [1, 3])
def test_text_becomes_categories_that_are_known(npartitions):
    plain = pd.DataFrame({"s": ["b", "a", None, "b"], "n": [1, 2, 3, 4]}, index=list("wxyz"))
    lazy = dd.from_pandas(plain, npartitions=npartitions, sort=False).categorize()
    assert lazy.s.cat.known and list(lazy.s.cat.categories) == ["a", "b"]
    found = lazy.compute()
    assert found.s.astype(object).where(found.s.notna(), None).tolist() == ["b", "a", None, "b"]
    assert dd.get_dummies(lazy, columns=["s"]).compute()["s_b"].tolist() == [True, False, False, True]


def test_arrow_streams_a_partition_at_a_time():
    pa = pytest.importorskip("pyarrow")
    computed = []

    def watched(part):
        computed.append(len(part))
        return part

    plain = PLAIN.astype({"c": str})
    lazy = dd.from_pandas(plain, npartitions=5).map_partitions(watched, meta=plain.iloc[:0])
    computed.clear()
    reader = pa.RecordBatchReader.from_stream(lazy)
    first = reader.read_next_batch()
    assert len(computed) == 1
    assert first.num_rows == computed[0] == 10
    table = pa.table(lazy)
    pd.testing.assert_frame_equal(table.to_pandas(), plain)
    pl = pytest.importorskip("polars")
    assert pl.DataFrame(lazy.x).height == 50
    assert pd.api.interchange.from_dataframe(dd.from_pandas(NUMBERS, npartitions=2)).x.tolist() == NUMBERS.x.tolist()


def test_arrays_and_back():
    lazy = dd.from_pandas(NUMBERS[["x", "k"]], npartitions=3)
    back = lazy.to_dask_array(lengths=True).to_dask_dataframe(columns=["x", "k"])
    pd.testing.assert_frame_equal(back.compute(), NUMBERS[["x", "k"]].astype(float))
