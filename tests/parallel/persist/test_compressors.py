"""Compressed file objects, and compressors that programs add."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.parallel import persist
from plait.parallel.persist import compressors
from plait.parallel.persist.compressors import CompressorWrapper, GzipFile, ZlibFile


@pytest.fixture
def registry() -> Iterator[dict[str, CompressorWrapper]]:
    before = dict(compressors.COMPRESSORS)
    yield compressors.COMPRESSORS
    compressors.COMPRESSORS.clear()
    compressors.COMPRESSORS.update(before)


def packed(kind: type[ZlibFile], *parts: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with kind(file, "wb") as packing:
        for part in parts:
            assert packing.write(part) == len(part)
    file.seek(0)
    return file


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([ZlibFile, GzipFile]),
    st.lists(st.tuples(st.binary(max_size=20), st.integers(1, 20_000)).map(lambda pair: pair[0] * pair[1]), max_size=4),
    st.lists(st.integers(0, 50_000), min_size=1, max_size=5),
)
def test_what_was_written_is_read_in_pieces_of_any_size(kind: Any, parts: list[bytes], sizes: list[int]) -> None:
    data = b"".join(parts)
    with kind(packed(kind, *parts)) as file:
        got = [file.read(size) for size in sizes]
        assert all(len(piece) <= size for piece, size in zip(got, sizes, strict=True))
        assert b"".join(got) == data[: sum(sizes)]
        assert file.tell() == min(sum(sizes), len(data))
        assert b"".join(got) + file.read() == data
        assert file.read(1) == b""


def test_the_formats_are_those_of_the_standard_library() -> None:
    assert zlib.decompress(packed(ZlibFile, b"data").getvalue()) == b"data"
    assert gzip.decompress(packed(GzipFile, b"data").getvalue()) == b"data"
    assert GzipFile(io.BytesIO(gzip.compress(b"one") + gzip.compress(b"two"))).read() == b"onetwo"


def test_seeking_reads_again_from_the_start_or_ahead() -> None:
    data = bytes(range(256)) * 1000
    file = ZlibFile(packed(ZlibFile, data))
    assert file.seek(1000) == 1000
    assert file.read(4) == data[1000:1004]
    assert file.seek(-4, 1) == 1000
    assert file.read(4) == data[1000:1004]
    assert file.seek(10) == 10
    assert file.read(1) == data[10:11]
    assert file.seek(-1, 2) == len(data) - 1
    assert file.read() == data[-1:]
    assert file.seek(len(data) + 5) == len(data)
    with pytest.raises(ValueError, match="whence"):
        file.seek(0, 5)


def test_a_truncated_stream_ends_with_an_error() -> None:
    whole = packed(ZlibFile, bytes(range(256)) * 10).getvalue()
    with pytest.raises(EOFError, match="truncated"):
        ZlibFile(io.BytesIO(whole[:-5])).read()


def test_a_file_does_only_what_its_mode_says() -> None:
    writing = ZlibFile(io.BytesIO(), "wb")
    assert (writing.writable(), writing.readable(), writing.seekable()) == (True, False, False)
    for refused in (writing.read, lambda: writing.seek(0)):
        with pytest.raises(io.UnsupportedOperation):
            refused()
    reading = ZlibFile(packed(ZlibFile, b"data"))
    assert (reading.writable(), reading.readable(), reading.seekable()) == (False, True, True)
    with pytest.raises(io.UnsupportedOperation):
        reading.write(b"x")
    reading.close()
    reading.close()
    assert reading.closed
    with pytest.raises(ValueError, match="closed"):
        reading.read()


def test_a_named_file_is_closed_with_it_and_a_given_one_is_not(tmp_path: Path) -> None:
    with ZlibFile(str(tmp_path / "value"), "wb") as file:
        file.write(b"data")
    assert ZlibFile(str(tmp_path / "value")).read() == b"data"
    with open(tmp_path / "value", "rb") as given_file:
        ZlibFile(given_file).close()
        assert not given_file.closed


@pytest.mark.parametrize("level", [0, 10, "high", None])
def test_a_wrong_level_is_refused(level: Any) -> None:
    with pytest.raises(ValueError, match=f"You provided 'compresslevel={level}'"):
        ZlibFile(io.BytesIO(), "wb", compresslevel=level)


def test_wrong_modes_and_files_are_refused() -> None:
    with pytest.raises(ValueError, match="Invalid mode: 'a'"):
        ZlibFile(io.BytesIO(), "a")
    with pytest.raises(TypeError, match="must be a str or bytes object, or a file"):
        ZlibFile(5)


class Inverted(io.BufferedIOBase):
    """A file whose bytes are inverted, after a mark."""

    def __init__(self, file: Any, mode: str, compresslevel: int = 1) -> None:
        self.named = isinstance(file, str)
        self.file = open(file, mode) if self.named else file
        if mode == "wb":
            self.file.write(b"INV")
        else:
            assert self.file.read(3) == b"INV"
        self.mode = mode

    def readable(self) -> bool:
        return self.mode == "rb"

    def writable(self) -> bool:
        return self.mode == "wb"

    def read(self, size: int | None = -1) -> bytes:
        return bytes(255 - byte for byte in self.file.read(-1 if size is None else size))

    def write(self, data: Any) -> int:
        self.file.write(bytes(255 - byte for byte in bytes(data)))
        return len(data)

    def close(self) -> None:
        if self.named and not self.file.closed:
            self.file.close()
        super().close()


def test_a_compressor_of_ones_own_is_chosen_by_name_by_ending_and_by_prefix(tmp_path: Path, registry: Any) -> None:
    persist.register_compressor("invert", CompressorWrapper(Inverted, b"INV", ".inv"))
    persist.dump([1, "a"], tmp_path / "one", compress="invert")
    persist.dump([1, "a"], tmp_path / "two.inv")
    for name in ("one", "two.inv"):
        assert (tmp_path / name).read_bytes().startswith(b"INV\x7f")
        assert persist.load(tmp_path / name) == [1, "a"]


def test_a_name_is_taken_over_only_by_force(registry: Any) -> None:
    ours = CompressorWrapper(Inverted)
    with pytest.raises(ValueError, match="'zlib' already registered"):
        persist.register_compressor("zlib", ours)
    persist.register_compressor("zlib", ours, force=True)
    assert registry["zlib"] is ours


def test_what_is_no_compressor_is_refused(registry: Any) -> None:
    with pytest.raises(ValueError, match="name should be a string, '5' given"):
        persist.register_compressor(5, CompressorWrapper(Inverted))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="should implement the CompressorWrapper interface"):
        persist.register_compressor("new", Inverted)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="should implement the file object interface"):
        persist.register_compressor("new", CompressorWrapper(int))


@pytest.mark.parametrize("compress", ["lz4", ("lz4", 1)])
def test_lz4_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Any) -> None:
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    with pytest.raises(ValueError, match="LZ4 is not installed"):
        persist.dump(1, tmp_path / "value", compress=compress)
    assert not (tmp_path / "value").exists()


def test_lz4_serves_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("lz4.frame")
    persist.dump("x" * 10_000, tmp_path / "value.lz4")
    assert (tmp_path / "value.lz4").read_bytes().startswith(compressors.LZ4_PREFIX)
    assert persist.load(tmp_path / "value.lz4") == "x" * 10_000
