"""Queries of Polars in a run: what they cannot read, and what explain() says of them."""

import pandas as pd
import pytest

from plait.lazy import dataframe as lazy_frames


def test_text_that_polars_cannot_read_is_read_by_pandas(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("a,b\n1,2.5\n")
    lazy = lazy_frames.read_csv([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    with pytest.raises(ValueError, match=r"b\.csv"):
        lazy.b.sum().compute()


def test_explain_says_what_runs_as_a_query(tmp_path):
    pd.DataFrame({"a": [1, 2], "b": [1.5, None]}).to_parquet(tmp_path / "part.parquet")
    total = lazy_frames.read_parquet(str(tmp_path)).groupby("a").b.sum()
    assert "by Polars" in total.explain()
    assert "by Polars" not in total.explain(optimize=False)
    assert total.compute().tolist() == [1.5, 0.0]


def test_explain_says_why_a_part_runs_on_pandas(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, 2.0, 3.0]})
    lazy_frames.from_pandas(frame, npartitions=2).to_parquet(tmp_path)
    lazy = lazy_frames.read_parquet(tmp_path)
    assert "(OnGroups runs on pandas)" in lazy.groupby("a").b.median().explain()
    assert "(groups of missing keys stay with pandas)" in lazy.groupby("a", dropna=False).b.sum().explain()
