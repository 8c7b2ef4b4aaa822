"""Text files whose lines are not what their beginning promised, and that are not written to the end."""

import os

import pandas as pd
import pytest

from plait.lazy import dataframe as dd


def parsed(path, **options):
    return dd.read_csv(path, **options).map_partitions(len, meta=(None, "int64")).compute(scheduler="sync")


def test_a_ragged_line_is_named_by_file_and_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 200 + "1,2,3\n" + "1,2\n" * 50)
    with pytest.raises(pd.errors.ParserError, match=r"x\.csv, line 202: "):
        parsed(path, blocksize=300, sample=100)


def test_a_drift_of_dtypes_names_file_lines_column_and_remedy(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 200 + "1,x\n" + "1,2\n" * 50)
    with pytest.raises(ValueError, match=r"(?s)x\.csv, lines \d+ to \d+.*\| b \| str \| int64 \|.*'b': 'object'"):
        parsed(path, blocksize=300, sample=100)
    assert parsed(path, blocksize=300, sample=100, dtype={"b": "object"}).sum() == 251


def test_whole_numbers_are_widened_in_a_column_of_floats(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a\n" + "1.5\n" * 100 + "2\n" * 300)
    frame = dd.read_csv(path, blocksize=200, sample=100)
    assert frame.npartitions > 2
    assert {
        str(each.compute(scheduler="sync").a.dtype) for each in map(frame.get_partition, range(frame.npartitions))
    } == {"float64"}


@pytest.mark.parametrize("single", [False, True])
def test_a_failed_write_leaves_no_file(tmp_path, monkeypatch, single):
    real = pd.DataFrame.to_csv

    def failing(part, file, **options):
        real(part, file, **options)
        if part.a.iloc[0]:
            raise OSError("disk full")

    frame = dd.from_pandas(pd.DataFrame({"a": [0, 1]}), npartitions=2)
    monkeypatch.setattr(pd.DataFrame, "to_csv", failing)
    with pytest.raises(OSError, match="disk full"):
        frame.to_csv(
            tmp_path / "x-*.csv" if not single else tmp_path / "x.csv",
            single_file=single,
            compute_kwargs={"scheduler": "sync"},
        )
    assert set(os.listdir(tmp_path)) <= {"x-0.csv"}
