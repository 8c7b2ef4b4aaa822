"""Dataframes in ORC files."""

import pandas as pd

from plait.lazy import dataframe as dd

FRAME = pd.DataFrame({"a": range(10), "b": list("abcdefghij")})


def test_what_is_written_is_read(tmp_path):
    dd.from_pandas(FRAME, npartitions=3).to_orc(tmp_path / "out", write_index=False)
    found = dd.read_orc(tmp_path / "out")
    assert found.npartitions == 3
    pd.testing.assert_frame_equal(found.compute(scheduler="sync").reset_index(drop=True), FRAME)


def test_columns_and_an_index_are_chosen(tmp_path):
    dd.from_pandas(FRAME, npartitions=1).to_orc(tmp_path / "out", write_index=False)
    found = dd.read_orc(tmp_path / "out", columns=["a"], index="b").compute(scheduler="sync")
    pd.testing.assert_frame_equal(found, FRAME.set_index("b")[["a"]])
