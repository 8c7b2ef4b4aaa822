"""Values come back from a file as they were, whatever the compressor and the protocol."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.parallel import persist

LARGE = "x" * 200_000


def values() -> dict[str, Any]:
    return {
        "none": None,
        "nested": [1, {"a": (2.5, "text", b"bytes")}, {1, 2}],
        "array": np.arange(12.0).reshape(3, 4),
        "fortran": np.asfortranarray(np.arange(12).reshape(3, 4)),
        "strided": np.arange(40).reshape(5, 8)[::2, ::3],
        "scalar": np.array(5.0),
        "empty": np.zeros((0, 3)),
        "dates": np.array(["2020-01-01"], "M8[D]"),
        "structured": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "objects": np.array([1, "text", None, [2]], dtype=object),
        "among": [np.ones(3), LARGE, np.zeros(2), [LARGE.encode(), np.ones(1)], list(range(50_000)), np.ones(4)],
    }


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return type(one) is type(other) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@pytest.mark.parametrize("protocol", [None, 0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", values())
def test_a_value_comes_back(tmp_path: Path, name: str, protocol: int | None) -> None:
    file = str(tmp_path / "value.pkl")
    value = values()[name]
    assert persist.dump(value, file, protocol=protocol) == [file]
    assert same(value, persist.load(file))


@pytest.mark.parametrize("compress", [True, 1, "gzip", ("bz2", 2), "lzma", "xz", ("zlib", 9)])
def test_a_value_comes_back_from_a_compressed_file(tmp_path: Path, compress: Any) -> None:
    file = tmp_path / "value"
    persist.dump(values()["among"], file, compress=compress)
    assert same(values()["among"], persist.load(file))


def test_values_follow_each_other_in_one_file_object() -> None:
    file = io.BytesIO()
    for value in (np.ones(3), "text", [np.zeros(2)]):
        assert persist.dump(value, file) is None
    file.seek(0)
    assert same(np.ones(3), persist.load(file))
    assert persist.load(file) == "text"
    assert same([np.zeros(2)], persist.load(file))
