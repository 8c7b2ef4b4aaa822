"""Values come back from a file as they were, whatever the compressor, the protocol and the kind of file."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.parallel import persist


@pytest.mark.parametrize("protocol", [None, -1, 0, 1, 2, 3, 4, 5])
def test_a_value_comes_back(tmp_path: Path, value: Any, same: Any, protocol: int | None) -> None:
    file = str(tmp_path / "value.pkl")
    assert persist.dump(value, file, protocol=protocol) == [file]
    assert same(value, persist.load(file))


@pytest.mark.parametrize("compress", [True, 1, "gzip", ("bz2", 2), "lzma", "xz", ("zlib", 9), ("zlib", 0)])
def test_a_value_comes_back_from_a_compressed_file(tmp_path: Path, arrays_among: Any, same: Any, compress: Any) -> None:
    persist.dump(arrays_among, tmp_path / "value", compress=compress)
    assert same(arrays_among, persist.load(tmp_path / "value"))


def test_a_value_comes_back_from_the_bytes_of_a_file(value: Any, same: Any) -> None:
    file = io.BytesIO()
    persist.dump(value, file)
    assert same(value, persist.loads(file.getvalue()))


pieces = st.one_of(
    st.integers(0, 70_000).map(lambda n: "t" * n),
    st.integers(0, 70_000).map(lambda n: b"b" * n),
    st.integers(0, 5000).map(lambda n: list(range(n))),
    st.integers(0, 9000).map(np.arange),
    st.integers(0, 3).map(lambda n: np.zeros((n, 2), order="F")),
    st.floats(allow_nan=False),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=12), st.sampled_from([2, 4, 5]))
def test_arrays_stay_in_place_among_anything(same: Any, value: list[Any], protocol: int) -> None:
    file = io.BytesIO()
    persist.dump(value, file, protocol=protocol)
    assert same(value, persist.loads(file.getvalue()))
    assert same(value, persist.load(file))


def test_values_follow_each_other_in_one_file_object(tmp_path: Path, same: Any) -> None:
    values = [np.ones(3), "text", [np.zeros(2), "x" * 100_000], 5]
    with open(tmp_path / "values", "wb") as file:
        for value in values:
            assert persist.dump(value, file) is None
    with open(tmp_path / "values", "rb") as file:
        assert same(values, [persist.load(file) for _ in values])
    memory = io.BytesIO((tmp_path / "values").read_bytes())
    assert same(values, [persist.load(memory) for _ in values])


def test_a_file_object_that_was_just_written_is_read_from_its_start() -> None:
    file = io.BytesIO()
    persist.dump([1, 2], file)
    assert persist.load(file) == [1, 2]


def test_a_socket_serves_as_a_file(same: Any, arrays_among: Any) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(True)
        value = [np.arange(5), "text"]
        with near.makefile("wb") as file:
            persist.dump(value, file)
        with far.makefile("rb") as file:
            assert same(value, persist.load(file))


def test_a_pipe_serves_as_a_file(same: Any) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as source, open(writing, "wb", buffering=0) as target:
        persist.dump([np.arange(5), "text"], target)
        assert same([np.arange(5), "text"], persist.load(source))


def test_a_file_that_takes_little_at_a_time_gets_all(same: Any, arrays_among: Any) -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            part = bytes(data[:5000])
            self.data += part
            return len(part)

        def tell(self) -> int:
            return len(self.data)

    file = Slow()
    persist.dump(arrays_among, file)
    assert same(arrays_among, persist.loads(bytes(file.data)))


def test_a_compressed_file_object_is_not_decompressed_twice(tmp_path: Path, same: Any) -> None:
    with gzip.open(tmp_path / "value", "wb") as file:
        persist.dump(np.arange(4), file)
    with gzip.open(tmp_path / "value", "rb") as file:
        assert same(np.arange(4), persist.load(file))
    assert same(np.arange(4), persist.load(tmp_path / "value"))


def test_arrays_lie_at_multiples_of_16_in_the_file(tmp_path: Path) -> None:
    with open(tmp_path / "value", "wb") as file:
        file.write(b"x" * 5)
        persist.dump([np.full(20, 7, "u1"), "text", np.full(20, 9, "u1")], file)
    data = (tmp_path / "value").read_bytes()
    assert data.index(b"\7" * 20) % 16 == data.index(b"\x09" * 20) % 16 == 0


@pytest.mark.parametrize("mode", ["r", "r+", "w+", "c"])
def test_arrays_are_mapped_in_each_mode(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "value"
    persist.dump({"a": np.arange(4), "b": np.array([1, "x"], dtype=object), "c": np.arange(9_000)}, file)
    value = persist.load(file, mmap_mode=mode)
    assert isinstance(value["a"], np.memmap)
    assert not isinstance(value["b"], np.memmap)
    assert value["c"].tolist() == list(range(9_000))
    assert value["a"].mode == {"w+": "r+"}.get(mode, mode)
    if mode != "r":
        value["a"][0] = 77
        value["a"].flush()
    assert persist.load(file)["a"][0] == (77 if mode in ("r+", "w+") else 0)


def test_a_mapped_array_is_dumped_and_mapped_again(tmp_path: Path) -> None:
    persist.dump(np.arange(4), tmp_path / "one")
    persist.dump(persist.load(tmp_path / "one", mmap_mode="r"), tmp_path / "two")
    assert persist.load(tmp_path / "two", mmap_mode="r").tolist() == [0, 1, 2, 3]
    assert type(persist.load(tmp_path / "two")) is np.ndarray


def test_a_file_object_of_a_file_is_mapped(tmp_path: Path) -> None:
    persist.dump(np.arange(4), tmp_path / "value")
    with open(tmp_path / "value", "rb") as file:
        array = persist.load(file, mmap_mode="r")
    assert isinstance(array, np.memmap)
    assert array.tolist() == [0, 1, 2, 3]


def test_what_can_not_be_mapped_is_read_with_a_warning(tmp_path: Path) -> None:
    persist.dump(np.arange(4), tmp_path / "value", compress=1)
    with pytest.warns(UserWarning, match="not compatible with compressed file .*value") as caught:
        persist.load(tmp_path / "value", mmap_mode="r")
    assert Path(caught[0].filename) == Path(__file__)
    persist.dump(np.arange(4), tmp_path / "value", compress="gzip")
    file = io.BytesIO()
    persist.dump(np.arange(4), file)
    with pytest.warns(UserWarning, match="In memory persistence"):
        persist.load(file, mmap_mode="r")
    with gzip.open(tmp_path / "value", "rb") as packed, pytest.warns(UserWarning, match="is not a raw file"):
        persist.load(packed, mmap_mode="r")


def test_byte_order_is_made_native_unless_mapped_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "value"
    foreign = np.dtype("i8").newbyteorder("S")
    persist.dump([np.arange(3, dtype=foreign), np.zeros(2, [("a", foreign)])], file)
    assert [array.dtype.isnative for array in persist.load(file)] == [True, True]
    assert persist.load(file)[0].tolist() == [0, 1, 2]
    assert not persist.load(file, ensure_native_byte_order=False)[0].dtype.isnative
    assert not persist.load(file, mmap_mode="r")[0].dtype.isnative
    with pytest.raises(ValueError, match="Native byte ordering"):
        persist.load(file, mmap_mode="r", ensure_native_byte_order=True)


def test_an_array_that_occurs_twice_is_there_twice(same: Any, tmp_path: Path) -> None:
    array = np.arange(3)
    persist.dump([array, array], tmp_path / "value")
    assert same([array, array], persist.load(tmp_path / "value"))


def test_dispatch_tables_serve_as_in_the_standard_library(tmp_path: Path) -> None:
    file = io.BytesIO()
    pickler = persist.NumpyPickler(file)
    pickler.dispatch_table = {complex: lambda number: (str, ("replaced",))}
    pickler.dump([1j, np.arange(2)])
    assert persist.load(file)[0] == "replaced"


def test_a_subclass_may_have_persistent_ids_of_its_own() -> None:
    class Pickler(persist.NumpyPickler):
        def persistent_id(self, obj: Any) -> Any:
            return "mine" if obj == "secret" else None

    class Unpickler(persist.NumpyUnpickler):
        def persistent_load(self, pid: Any) -> Any:
            return pid.upper()

    file = io.BytesIO()
    Pickler(file).dump(["secret", 1])
    file.seek(0)
    assert Unpickler("", file, True).load() == ["MINE", 1]


def test_names_within_arrays_of_objects_are_looked_up_by_the_same_unpickler(tmp_path: Path) -> None:
    persist.dump(np.array([Path("x")], dtype=object), tmp_path / "value")
    seen = []

    class Unpickler(persist.NumpyUnpickler):
        def find_class(self, module_name: str, global_name: str) -> Any:
            seen.append(global_name)
            return super().find_class(module_name, global_name)

    with open(tmp_path / "value", "rb") as file:
        assert Unpickler(str(tmp_path / "value"), file, True).load()[0] == Path("x")
    assert "PosixPath" in seen


@pytest.mark.parametrize("extension", [".z", ".gz", ".bz2", ".lzma", ".xz"])
def test_the_file_name_chooses_the_compressor(tmp_path: Path, extension: str) -> None:
    file = tmp_path / f"value{extension}"
    persist.dump("x" * 10_000, file)
    assert file.stat().st_size < 1000
    assert persist.load(file) == "x" * 10_000


@pytest.mark.parametrize("compress", [-1, 10, 2.5, {}, ("zlib", "high")])
def test_a_wrong_level_is_refused_by_value(tmp_path: Path, compress: Any) -> None:
    level = compress[1] if isinstance(compress, tuple) else compress
    with pytest.raises(ValueError, match=f'Non valid compress level given: "{level}"'):
        persist.dump(1, tmp_path / "value", compress=compress)


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="exactly 2 elements"):
        persist.dump(1, tmp_path / "value", compress=("zlib", 1, 2))
    with pytest.raises(ValueError, match='Non valid compression method given: "zip"'):
        persist.dump(1, tmp_path / "value", compress="zip")
    with pytest.raises(ValueError, match="Second argument should be a filename"):
        persist.dump(tmp_path, {"value": 1})


def test_large_arrays_are_neither_copied_to_be_written_nor_to_be_read(tmp_path: Path, run_script: Any) -> None:
    ran = run_script(f"""
import resource
import numpy as np
from plait.parallel import persist
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
array = np.ones(60_000_000, "u1").reshape(6000, 10_000)
before = peak()
persist.dump([array, array.T], {str(tmp_path / "value")!r})
written = peak() - before
del array
persist.load({str(tmp_path / "value")!r})
read = peak() - before
print(written < 10_000, read < 80_000)  # KiB; two arrays of 60 MB, of which one was there
""")
    assert ran.stdout == "True True\n", ran.stderr


def test_what_has_no_name_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(pickle.PicklingError, match="lambda"):
        persist.dump([np.ones(2), lambda: None], tmp_path / "value")
