import pytest

import plait.lazy
from plait.lazy import bag as db

pd = pytest.importorskip("pandas")


def whole(frames):
    assert all(isinstance(frame, plait.lazy.Delayed) for frame in frames)
    return pd.concat(plait.lazy.compute(*frames, scheduler="sync"), ignore_index=True)


def test_partitions_become_frames_of_one_schema():
    parts = db.Bag({("p", 0): [(1, 2.5)], ("p", 1): [], ("p", 2): [(10, 20.5), (100, 200.5)]}, "p", 3)
    expected = pd.DataFrame({"a": [1, 10, 100], "b": [2.5, 20.5, 200.5]})
    for frames in (parts.to_dataframe(columns=["a", "b"]), parts.to_dataframe(meta=[("a", "i8"), ("b", "f8")])):
        assert len(frames) == 3
        pd.testing.assert_frame_equal(whole(frames), expected)
        assert [list(frame.compute().dtypes) for frame in frames] == [list(expected.dtypes)] * 3
    records = parts.map(lambda pair: {"a": pair[0], "b": pair[1]})
    pd.testing.assert_frame_equal(whole(records.to_dataframe()), expected)
    pd.testing.assert_frame_equal(whole(records.to_dataframe(meta=expected.iloc[:0])), expected)
    pd.testing.assert_frame_equal(whole(records.pluck("a").to_dataframe(meta={"a": "i8"})), expected[["a"]])


def test_iterators_and_tuples_are_partitions_too():
    numbers = db.range(100, npartitions=5)
    expected = pd.DataFrame({"a": range(100)})
    for kind in (iter, tuple):
        pd.testing.assert_frame_equal(whole(numbers.map_partitions(kind).to_dataframe(meta={"a": "i8"})), expected)


def test_a_schema_is_given_once_or_found_in_the_first_partition():
    numbers = db.from_sequence([{"a": 1}], npartitions=1)
    with pytest.raises(ValueError, match="pass one of them"):
        numbers.to_dataframe(columns=["a"], meta={"a": "i8"})
    with pytest.raises(ValueError, match="no element to take the columns from; pass meta="):
        numbers.filter(lambda record: False).to_dataframe()
