"""Broken, drifting and half-written parquet files."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from plait.lazy import dataframe as dd
from plait.lazy.dataframe.io.parquet_files import ParquetError

FRAME = pd.DataFrame({"a": np.arange(2000), "b": np.random.default_rng(0).random(2000)})


def written(tmp_path, **options):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pandas(FRAME), path, row_group_size=500, write_page_checksum=True, **options)
    return path


def read(path, **options):
    return dd.read_parquet(path, **options).map_partitions(len, meta=(None, "int64")).compute(scheduler="sync")


def test_a_file_cut_short_is_named(tmp_path):
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ParquetError, match=r"x\.parquet: its footer"):
        dd.read_parquet(path)


def test_a_flipped_bit_names_file_row_group_and_column(tmp_path):
    path = written(tmp_path, compression="none", use_dictionary=False)
    place = pq.ParquetFile(path).metadata.row_group(2).column(1).data_page_offset + 1500
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ParquetError, match=r"x\.parquet: row group 2, column 'b'"):
        read(path)


def test_a_column_of_a_later_file_alone_is_not_dropped(tmp_path):
    FRAME[["a"]].to_parquet(tmp_path / "1.parquet")
    FRAME.to_parquet(tmp_path / "2.parquet")
    with pytest.raises(ParquetError, match=r"2\.parquet: has columns {'b': 'double'}"):
        read(tmp_path)
    assert read(tmp_path, columns=["a"]).sum() == 4000
    both = dd.read_parquet(tmp_path, schema={"b": pa.float64()})
    assert list(both.columns) == ["a", "b"]
    assert both.map_partitions(pd.DataFrame.count).compute(scheduler="sync")["b"].tolist() == [0, 2000]


def test_types_that_do_not_fit_name_file_column_and_types(tmp_path):
    FRAME[["a"]].to_parquet(tmp_path / "1.parquet")
    FRAME[["a"]].astype(str).assign(a="x").to_parquet(tmp_path / "2.parquet")
    with pytest.raises(ParquetError, match=r"2\.parquet: column 'a' is \w*string, and in the first file int64"):
        read(tmp_path)


def test_narrower_types_are_widened(tmp_path):
    FRAME[["a"]].to_parquet(tmp_path / "1.parquet")
    FRAME[["a"]].astype("int32").to_parquet(tmp_path / "2.parquet")
    frame = dd.read_parquet(tmp_path)
    assert [str(frame.get_partition(i).compute(scheduler="sync").a.dtype) for i in range(2)] == ["int64", "int64"]


def test_a_failed_write_leaves_no_file(tmp_path):
    def failing(part):
        if part.a.iloc[0] >= 1000:
            raise RuntimeError("no more")
        return part

    frame = dd.from_pandas(FRAME, npartitions=2).map_partitions(failing, meta=FRAME)
    with pytest.raises(RuntimeError, match="no more"):
        frame.to_parquet(tmp_path / "out", compute_kwargs={"scheduler": "sync"})
    assert os.listdir(tmp_path / "out") in ([], ["part.0.parquet"])


def test_a_write_that_fails_within_a_file_leaves_nothing_of_it(tmp_path):
    frame = pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)})
    with pytest.raises(pa.ArrowInvalid):
        dd.from_pandas(frame, npartitions=1).to_parquet(tmp_path / "out", schema=pa.schema([("a", pa.int64())]))
    assert os.listdir(tmp_path / "out") == []


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def write(table, file, **options):
        file.write(b"PAR1")
        raise OSError("disk full")

    monkeypatch.setattr("pyarrow.parquet.write_table", write)
    with pytest.raises(OSError, match="disk full"):
        dd.from_pandas(FRAME, npartitions=1).to_parquet(tmp_path / "out", compute_kwargs={"scheduler": "sync"})
    assert os.listdir(tmp_path / "out") == []
