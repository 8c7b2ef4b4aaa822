"""joblib reads our files and we read joblib's; its names in them stand for classes of ours."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from plait.parallel import persist
from plait.parallel.persist.old import write_zfile

PROTOCOLS = [None, 2, 3, 4, 5]
COMPRESSIONS = [1, "gzip", ("bz2", 1), ("lzma", 1), ("xz", 1)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_joblib_loads_what_we_dump(tmp_path: Path, value: Any, same: Any, protocol: int | None) -> None:
    persist.dump(value, tmp_path / "value", protocol=protocol)
    assert same(value, joblib.load(tmp_path / "value"), swapped=True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_we_load_what_joblib_dumps(tmp_path: Path, value: Any, same: Any, protocol: int | None) -> None:
    joblib.dump(value, tmp_path / "value", protocol=protocol)
    assert same(value, persist.load(tmp_path / "value"), swapped=True)


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_compressed_files_go_both_ways(tmp_path: Path, arrays_among: Any, same: Any, compress: Any) -> None:
    persist.dump(arrays_among, tmp_path / "ours", compress=compress)
    joblib.dump(arrays_among, tmp_path / "theirs", compress=compress)
    assert same(arrays_among, joblib.load(tmp_path / "ours"))
    assert same(arrays_among, persist.load(tmp_path / "theirs"))


def test_joblib_maps_what_we_dump(tmp_path: Path) -> None:
    file = tmp_path / "value"
    persist.dump(["x", np.arange(5), np.arange(6.0)], file)
    _, first, second = joblib.load(file, mmap_mode="r")
    assert isinstance(first, np.memmap)
    assert first.ctypes.data % 16 == second.ctypes.data % 16 == 0
    assert first.tolist() == [0, 1, 2, 3, 4]


def test_a_file_of_ours_is_about_as_long_as_one_of_joblibs(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    persist.dump([np.zeros(10_000)] * 3, ours)
    joblib.dump([np.zeros(10_000)] * 3, theirs)
    assert ours.stat().st_size < theirs.stat().st_size + 3 * 250


def test_joblib_is_not_needed_to_load(tmp_path: Path, run_script: Any) -> None:
    file = tmp_path / "value"
    joblib.dump({"a": np.arange(3), "b": np.array([1, "x"], dtype=object)}, file)
    ran = run_script(f"""
import sys
sys.modules["joblib"] = None
from plait.parallel import persist
from plait.parallel.persist.old import write_zfile
value = persist.load({str(file)!r})
print(value["a"].tolist(), value["b"].tolist(), [name for name in sys.modules if name.startswith("joblib.")])
""")
    assert ran.stdout == "[0, 1, 2] [1, 'x'] []\n", ran.stderr


def test_numpy_is_imported_with_the_first_array_only(tmp_path: Path, run_script: Any) -> None:
    file = str(tmp_path / "value")
    ran = run_script(f"""
import sys
from plait.parallel import persist
from plait.parallel.persist.old import write_zfile
persist.dump([1, "a"], {file!r})
print(persist.load({file!r}), "numpy" in sys.modules)
""")
    assert ran.stdout == "[1, 'a'] False\n", ran.stderr


@pytest.mark.parametrize("module", ["sklearn.externals.joblib.numpy_pickle", "joblib.numpy_pickle"])
def test_files_of_the_copy_that_scikit_learn_carried_load(module: str) -> None:
    file = io.BytesIO()
    persist.dump([np.arange(3)], file, protocol=2)
    renamed = file.getvalue().replace(b"cjoblib.numpy_pickle\n", f"c{module}\n".encode())
    # The padding is told by its own length, so that a longer name does not matter.
    assert persist.load(io.BytesIO(renamed))[0].tolist() == [0, 1, 2]


class Wrapper:
    """Pickled under the name of joblib's record for an array in a file beside it, as joblib 0.9 did."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


def old_pickle(*records: Wrapper, name: str) -> bytes:
    data = pickle.dumps(records, protocol=2)
    return data.replace(f"c{Wrapper.__module__}\nWrapper\n".encode(), f"cjoblib.numpy_pickle\n{name}\n".encode())


def test_arrays_in_files_beside_are_loaded_with_a_warning(tmp_path: Path) -> None:
    np.save(tmp_path / "value_01.npy", np.arange(4, dtype=">i4"))
    record = Wrapper(filename="value_01.npy", subclass=np.ndarray, allow_mmap=True)
    (tmp_path / "value").write_bytes(old_pickle(record, record, name="NDArrayWrapper"))
    with pytest.warns(DeprecationWarning, match="version less than 0.10") as caught:
        (array, again) = persist.load(tmp_path / "value")
    assert len(caught) == 1
    assert array.tolist() == [0, 1, 2, 3]
    assert array.dtype.isnative


def test_arrays_in_compressed_files_beside_are_loaded(tmp_path: Path) -> None:
    data = np.arange(4.0)
    with open(tmp_path / "value_01.npy.z", "wb") as file:
        write_zfile(file, data.tobytes())
    record = Wrapper(filename="value_01.npy.z", init_args=(np.ndarray, (0,), b"b"), state=(1, (4,), data.dtype, False))
    pickled = old_pickle(record, name="ZNDArrayWrapper")
    with open(tmp_path / "value", "wb") as file:
        write_zfile(file, pickled)
    with pytest.warns(DeprecationWarning, match="version less than 0.10"):
        assert persist.load(tmp_path / "value")[0].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_the_padding_of_joblib_before_1_2_is_not_expected(tmp_path: Path) -> None:
    file = io.BytesIO()
    persist.dump(np.arange(3), file, protocol=2)
    data = file.getvalue()
    padding = data.index(b"K\x10ub") + 4
    old = data[:padding] + data[padding + 1 + data[padding] :]
    old = old.replace(b"X\x1b\x00\x00\x00numpy_array_alignment_bytesK\x10", b"")
    (tmp_path / "value").write_bytes(old)
    assert persist.load(tmp_path / "value").tolist() == [0, 1, 2]
    with pytest.warns(UserWarning, match="memmapped.+value.+segmentation faults"):
        assert persist.load(tmp_path / "value", mmap_mode="r").tolist() == [0, 1, 2]


def test_a_matrix_comes_back_as_one(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        persist.dump(np.matrix([[1, 2]]), tmp_path / "value")
        assert type(persist.load(tmp_path / "value")) is np.matrix


def test_zlib_and_gzip_files_are_those_of_others(tmp_path: Path) -> None:
    persist.dump("text", tmp_path / "value.z")
    assert pickle.loads(zlib.decompress((tmp_path / "value.z").read_bytes())) == "text"
    persist.dump("text", tmp_path / "value.gz")
    unpacked = subprocess.run(
        [sys.executable, "-m", "gzip", "-d", str(tmp_path / "value.gz")], check=True, capture_output=True
    )
    assert unpacked.returncode == 0
    assert pickle.loads((tmp_path / "value").read_bytes()) == "text"
