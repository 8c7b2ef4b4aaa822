"""Arrays in Zarr, HDF5 and numpy's own files."""

import numpy as np
import pytest

import plait.lazy.array as da
from plait.lazy.array.chunks import PerformanceWarning

VALUES = np.arange(70.0).reshape(7, 10)


def test_zarr_there_and_back(tmp_path):
    pytest.importorskip("zarr")
    lazy = da.from_array(VALUES, chunks=(3, 4))
    lazy.to_zarr(tmp_path / "x.zarr")
    back = da.from_zarr(tmp_path / "x.zarr")
    assert back.chunks == lazy.chunks
    np.testing.assert_array_equal(back.compute(), VALUES)
    (lazy + 1).to_zarr(tmp_path / "g.zarr", component="inner/y")
    np.testing.assert_array_equal(da.from_zarr(tmp_path / "g.zarr", component="inner/y").compute(), VALUES + 1)


def test_blocks_never_share_a_chunk_of_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    target = zarr.create_array(store={}, shape=(7, 10), chunks=(4, 4), dtype="f8")
    lazy = da.from_array(VALUES, chunks=(3, 5))
    with pytest.warns(PerformanceWarning, match="share stored chunks"):
        stored = lazy.to_zarr(target, return_stored=True)
    assert stored.chunks == ((4, 3), (4, 4, 2))
    np.testing.assert_array_equal(target[:], VALUES)
    with pytest.warns(UserWarning, match="irregular chunk"):
        lazy.rechunk(((1, 3, 3), 10)).to_zarr(tmp_path / "x.zarr")
    np.testing.assert_array_equal(da.from_zarr(tmp_path / "x.zarr").compute(), VALUES)


def test_unknown_chunks_are_refused():
    pytest.importorskip("zarr")
    lazy = da.from_array(VALUES, chunks=3)
    with pytest.raises(ValueError, match="unknown chunk sizes"):
        lazy[lazy > 3].to_zarr({})


def test_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    lazy = da.from_array(VALUES, chunks=(3, 4))
    da.to_hdf5(tmp_path / "x.h5", {"/x": lazy, "/y": lazy[0]})
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["/x"].chunks == (3, 4)
        again = da.from_array(file["/x"], chunks=(2, 10))
        np.testing.assert_array_equal((again * 2).compute(), VALUES * 2)
        np.testing.assert_array_equal(file["/y"][:], VALUES[0])


def test_npy_stack(tmp_path):
    lazy = da.from_array(VALUES, chunks=(3, 4))
    da.to_npy_stack(tmp_path / "stack", lazy, axis=1)
    assert sorted(path.name for path in (tmp_path / "stack").iterdir()) == ["0.npy", "1.npy", "2.npy", "info"]
    np.testing.assert_array_equal(da.from_npy_stack(tmp_path / "stack").compute(), VALUES)
