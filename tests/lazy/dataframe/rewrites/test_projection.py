"""Files are read with the columns that are needed, by pandas as by Polars."""

import pandas as pd
import pytest

import plait.lazy.dataframe as dd
from plait.lazy.dataframe.io.csv import ReadCSV
from plait.lazy.dataframe.io.parquet import ReadParquet
from plait.lazy.dataframe.rewrites.projection import projection
from plait.lazy.expressions.expression import walk

PLAIN = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1.0, 2.0, 3.0, 4.0], "c": list("wxyz"), "d": [0, 0, 1, 1]})


@pytest.fixture(params=["parquet", "csv"])
def stored(request, tmp_path):
    if request.param == "csv":
        PLAIN.to_csv(tmp_path / "x.csv", index=False)
        return dd.read_csv(str(tmp_path / "x.csv"))
    dd.from_pandas(PLAIN, npartitions=2).to_parquet(tmp_path, write_index=False)
    return dd.read_parquet(tmp_path)


def columns_read(*lazy):
    found = {
        each.name: each.columns
        for each in walk(projection([each.expr for each in lazy]))
        if isinstance(each, (ReadCSV, ReadParquet))
    }
    assert len(found) == 1
    return next(iter(found.values()))


QUERIES = {
    "a column": (lambda f: f["b"], ["b"]),
    "some rows": (lambda f: f[f.a > 1]["b"], ["a", "b"]),
    "a new column": (lambda f: f.assign(e=f.a + f.d)[["e", "b"]], ["a", "b", "d"]),
    "all": (lambda f: f[f.a > 1], ["a", "b", "c", "d"]),
    "by a function": (lambda f: f[["a", "c"]].map_partitions(lambda part: part.assign(n=1)), ["a", "c"]),
    "by another method": (lambda f: f.rename(columns={"a": "z"})["z"], ["a", "b", "c", "d"]),
}


@pytest.mark.parametrize("name", QUERIES)
def test_columns_that_are_needed(stored, name):
    query, wanted = QUERIES[name]
    lazy = query(stored)
    assert columns_read(lazy) == wanted
    found, plain = lazy.compute().reset_index(drop=True), query(dd.from_pandas(PLAIN, npartitions=1)).compute()
    assert found.astype(object).values.tolist() == plain.astype(object).values.tolist()


def test_what_several_need_is_read_once(stored):
    assert columns_read(stored["a"], stored[stored.b > 1]["d"]) == ["a", "b", "d"]
