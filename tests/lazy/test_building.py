"""Building an expression reads no data and computes nothing."""

import numpy as np
import pandas as pd
import pytest

import plait.lazy.array as da
import plait.lazy.dataframe as dd
from plait.lazy import computing


class Counted:
    """An array that counts what is read of it."""

    def __init__(self, values):
        self.values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim
        self.reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return self.values[index]


@pytest.fixture
def computations(monkeypatch):
    """Those that are run, by their outputs."""
    found = []
    true = computing.values_of

    def counted(*args, **keywords):
        found.append(args)
        return true(*args, **keywords)

    monkeypatch.setattr(computing, "values_of", counted)
    return found


ARRAYS = {
    "elementwise": lambda x: (x + 1) * np.sin(x) - x / 3 > 0.5,
    "where": lambda x: da.where(x > 1, x, -x).clip(0, 1).astype("f4"),
    "reductions": lambda x: [x.sum(), x.mean(axis=0), x.std(axis=1), x.argmin(axis=0), da.median(x, axis=0)],
    "cumulative": lambda x: x.cumsum(axis=0) + x.cumprod(axis=1),
    "indexing": lambda x: [x[::2, 3], x[[3, 1]], x[x > 0.5], x[None], x.vindex[[0, 1], [2, 3]]],
    "shapes": lambda x: [
        x.T,
        x.reshape(-1),
        x.rechunk(5),
        da.concatenate([x, x]),
        da.stack([x, x]),
        da.block([[x, x]]),
    ],
    "products": lambda x: [x @ x.T, da.einsum("ij,kj->ik", x, x), da.tensordot(x, x.T, 1)],
    "overlap": lambda x: x.map_overlap(lambda block: block, depth=1, boundary="reflect"),
    "blocks": lambda x: x.map_blocks(np.sqrt),
    "linalg": lambda x: [da.linalg.qr(x.rechunk((5, -1))), da.linalg.svd(x.rechunk((5, -1))), da.linalg.norm(x)],
    "fft": lambda x: da.fft.fft(x.rechunk((-1, 5)), axis=0),
    "gufunc": lambda x: da.apply_gufunc(lambda block: block.mean(axis=-1), "(i)->()", x.rechunk((5, -1))),
    "counting": lambda x: [
        da.histogram(x, bins=4, range=(0, 1)),
        da.unique(x),
        da.bincount(x.ravel().astype(int), minlength=2),
    ],
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name, computations):
    source = Counted(np.random.default_rng(0).random((20, 10)))
    built = ARRAYS[name](da.from_array(source, chunks=5))
    assert built is not None
    assert source.reads == 0
    assert computations == []


def test_an_assignment(computations):
    source = Counted(np.zeros((20, 10)))
    lazy = da.from_array(source, chunks=5)
    lazy[3:7] = 1
    lazy[lazy > 0] = 2
    assert source.reads == 0
    assert computations == []


FRAMES = {
    "rows": lambda f: f[f.x > 1].assign(z=f.x + f.y).astype({"x": "f8"}).fillna(0).dropna().rename(columns={"x": "a"}),
    "totals": lambda f: [
        f.x.sum(),
        f.mean(),
        f.x.nunique(),
        f.describe(),
        f.x.value_counts(),
        f.quantile(0.5),
        f.corr(),
    ],
    "groups": lambda f: [f.groupby("k").x.sum(), f.groupby("k").agg({"x": ["min", "mean"]}), f.groupby("k").apply(len)],
    "merge": lambda f: f.merge(f, on="k", suffixes=("_a", "_b")),
    "order": lambda f: [f.shuffle("k"), f.drop_duplicates(), f.nlargest(3, "x"), f.repartition(npartitions=2)],
    "windows": lambda f: [f.rolling(3).sum(), f.shift(1), f.x.diff(), f.cumsum(), f.ffill()],
    "partitions": lambda f: [f.map_partitions(len), f.to_delayed(), f.x.to_bag(), f.values, f.loc[3:8], f.melt()],
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_frames(name, computations):
    reads = []

    def part(i):
        reads.append(i)
        return pd.DataFrame({"x": [1.0 * i], "y": [2.0], "k": [i % 3]}, index=[i])

    meta = part(0).iloc[:0]
    reads.clear()
    frame = dd.from_map(part, range(10), meta=meta, divisions=[*range(10), 9])
    built = FRAMES[name](frame)
    assert built is not None
    assert reads == []
    assert computations == []


def test_the_counters_count(computations):
    source = Counted(np.zeros(4))
    da.from_array(source, chunks=2).sum().compute()
    assert source.reads == 2
    assert len(computations) == 1
