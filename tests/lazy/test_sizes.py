"""sizeof: about what an object holds."""

import random
import subprocess
import sys
import textwrap
import types
from array import array

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse

from plait.lazy.sizes import SimpleSizeof, sizeof


def test_plain_values():
    assert sizeof(1) == sys.getsizeof(1)
    assert sizeof(bytes(1000)) == sizeof(bytearray(1000)) == sizeof(memoryview(bytes(1000))) == 1000
    assert sizeof(memoryview(array("d", [0] * 10))) == sizeof(array("d", [0] * 10)) == 80


def test_containers_count_their_members():
    big = bytes(10**6)
    for container in ([big], (big,), {"x": big}, {big}, frozenset({big}), [[{"x": (big,)}]]):
        assert 10**6 < sizeof(container) < 1.01 * 10**6


def test_long_containers_are_judged_by_some_members():
    big = bytes(10**6)
    for container in ([big] * 1000, dict.fromkeys(range(1000), big)):
        assert 0.99 * 10**9 < sizeof(container) < 1.01 * 10**9
    mixed = [bytes(1000), b""] * 5000
    assert 1 * 10**6 < sizeof(mixed) < 9 * 10**6


def test_asking_changes_no_random_numbers():
    random.seed(1)
    first = random.random()
    random.seed(1)
    sizeof(list(range(1000)))
    sizeof(pd.Series(["a", "b"] * 100, dtype=object))
    assert random.random() == first


def test_a_class_may_count_by_its_own_method():
    class Counted(SimpleSizeof, dict):
        def __sizeof__(self):
            return 10**6

    assert sizeof(Counted(x=1)) == sys.getsizeof(Counted())


def test_arrays():
    assert sizeof(np.zeros(1000)) == 8000
    assert sizeof(np.broadcast_to(1.0, (1000, 1000))) == 8
    assert sizeof(np.broadcast_to(np.zeros((1, 10)), (1000, 10))) == 80
    assert sizeof(np.float64) > 0


def test_sparse_arrays():
    one = scipy.sparse.random(1000, 1000, density=0.01, format="csr")
    assert sizeof(one) >= one.data.nbytes + one.indices.nbytes + one.indptr.nbytes
    assert sizeof(scipy.sparse.csr_array(one)) >= one.data.nbytes


def test_frames():
    numbers = pd.DataFrame({"x": np.zeros(10_000), "y": np.zeros(10_000)})
    assert 160_000 < sizeof(numbers) < 165_000
    assert 80_000 < sizeof(numbers.x) < 85_000
    assert 80_000 < sizeof(numbers[["x", "x"]]) < 85_000
    assert sizeof(numbers.head(0)) > 0
    index = pd.MultiIndex.from_product([range(50), list("abcdefgh")])
    assert 400 < sizeof(index) < 3 * sys.getsizeof(index)


@pytest.mark.parametrize("dtype", [object, "string[python]"])
@pytest.mark.parametrize("kind", [pd.Series, pd.Index, pd.DataFrame])
def test_texts_count_once_however_often_they_are_referred_to(kind, dtype):
    x, y = "x" * 100_000, "y" * 100_000
    assert 200_000 < sizeof(kind([x, y] * 1000, dtype=dtype)) < 300_000
    assert sizeof(kind([x, x], dtype=dtype)) < 150_000 < sizeof(kind([x, y], dtype=dtype))
    many = kind([f"{i:03}" for i in range(1000)], dtype=dtype)
    assert 1000 * sizeof("000") < sizeof(many) < 2000 * sizeof("000")


def test_arrow():
    table = pa.table({"x": np.zeros(1000), "y": ["a" * 100] * 1000})
    assert 108_000 < sizeof(table) < 120_000
    assert 8000 < sizeof(table.column("x")) < 10_000
    assert 8000 < sizeof(table.column("x").chunk(0)) < 10_000


def test_arrays_on_a_gpu_say_their_size(monkeypatch):
    class ndarray:
        nbytes = 12345

    ndarray.__module__ = "cupy"
    module = types.ModuleType("cupy")
    module.ndarray = ndarray
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert sizeof(ndarray()) == 12345


def test_packages_are_not_imported_for_what_is_not_theirs():
    code = """
        import sys
        from plait.lazy.sizes import sizeof
        sizeof([1, {"a": b"b"}])
        assert not {"numpy", "pandas", "pyarrow", "scipy"} & sys.modules.keys()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_other_packages_bring_sizes_by_entry_points(tmp_path):
    (tmp_path / "plugin.py").write_text(
        "def register(sizeof):\n"
        "    @sizeof.register_lazy('thing')\n"
        "    def _():\n"
        "        import thing\n"
        "        sizeof.register(thing.Thing, lambda x: 12345)\n"
    )
    (tmp_path / "broken.py").write_text("def register(sizeof):\n    raise ValueError('broken')\n")
    (tmp_path / "thing.py").write_text("class Thing:\n    pass\n")
    info = tmp_path / "plugin-0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[dask.sizeof]\na = broken:register\nb = plugin:register\n")
    code = f"""
        import sys; sys.path.append({str(tmp_path)!r})
        from plait.lazy.sizes import sizeof
        import thing
        print(sizeof(thing.Thing()))
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert run.stdout == "12345\n"
    assert "the sizeof plugin 'a' failed" in run.stderr


def test_datasets_of_xarray():
    xarray = pytest.importorskip("xarray")
    numbers = np.zeros(1000)
    array = xarray.DataArray(numbers, dims=["x"], coords={"x": np.arange(1000.0)}, name="foo")
    dataset = array.to_dataset()
    assert 8000 < sizeof(array) < 10_000
    assert 8000 < sizeof(dataset.x) < 20_000
    assert 16_000 < sizeof(dataset) < 30_000
    assert 8000 < sizeof(dataset.indexes) < 30_000
    assert sizeof(array.variable) > 8000


def test_arrays_of_xarray_on_disk_are_not_read():
    xarray = pytest.importorskip("xarray")
    indexing = pytest.importorskip("xarray.core.indexing")

    class OnDisk(xarray.backends.BackendArray):
        shape, dtype = (10**6,), np.dtype("f8")

        def __getitem__(self, key):
            raise AssertionError("read")

    variable = xarray.Variable("x", indexing.LazilyIndexedArray(OnDisk()))
    assert sizeof(variable) < 10_000
    assert sizeof(xarray.Dataset({"foo": variable})) < 10_000
