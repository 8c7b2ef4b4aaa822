"""Notebooks show columns, dtypes and divisions of a frame before it is computed."""

import pandas as pd

import plait.lazy.dataframe as dd


def test_columns_dtypes_and_divisions():
    lazy = dd.from_pandas(pd.DataFrame({"x<": [1, 2, 3], "y": [1.0, 2.0, 3.0]}), npartitions=2)
    shown = lazy._repr_html_()
    for text in ("x&lt;", "int64", "float64", "npartitions=2", "<th>0</th>", "DataFrame"):
        assert text in shown
    assert "int64" in lazy["x<"]._repr_html_()
    assert "npartitions=2" in lazy[[]]._repr_html_()
