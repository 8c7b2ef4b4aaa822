"""Arrays in files: Zarr, HDF5, and stacks of numpy's own files."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from plait.lazy._native.nodes import make
from plait.lazy.array.chunks import PerformanceWarning
from plait.lazy.array.collection import Array
from plait.lazy.array.creation import from_array
from plait.lazy.array.expression import FromNodes
from plait.lazy.array.storing import store
from plait.lazy.blocks import parts
from plait.lazy.decorator import delayed
from plait.lazy.expressions import layer_of
from plait.lazy.expressions.nodes import Nodes
from plait.lazy.tokens import tokenize


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError("Zarr arrays need the zarr package: pip install 'plait[zarr]'") from error
    return zarr


def _opened(url: Any, storage_options: Any) -> Any:
    """What zarr takes for a store."""
    if isinstance(url, os.PathLike):
        url = os.fspath(url)
    if isinstance(url, str) and storage_options:
        return _zarr().storage.FsspecStore.from_url(url, storage_options=dict(storage_options))
    return url


def from_zarr(
    url: Any,
    component: str | None = None,
    storage_options: Any = None,
    chunks: Any = None,
    name: str | None = None,
    inline_array: bool = False,
    **kwargs: Any,
) -> Array:
    """An array of a Zarr array: an object of zarr's, or where one is stored. component: its path within a group.

    chunks: of the array; those of the Zarr array, or its shards, if not given. kwargs: for zarr's Array.
    """
    zarr = _zarr()
    if isinstance(url, zarr.Array):
        stored = url
    else:
        stored = zarr.open_array(store=_opened(url, storage_options), path=component or "", mode="r", **kwargs)
    sizes = stored.chunks if chunks is None else chunks
    return from_array(stored, chunks=sizes, name=name, inline_array=inline_array)


def to_zarr(
    arr: Array,
    url: Any,
    component: str | None = None,
    storage_options: Any = None,
    region: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    **kwargs: Any,
) -> Any:
    """Store an array as a Zarr array: one that there is, or at a place. region: slices of an existing one.

    Two blocks never share a stored chunk, which two threads would write at once: an array whose blocks do is rechunked,
    with a warning. kwargs: for zarr's create_array, such as overwrite, shards. Raises ValueError for unknown chunks.
    """
    zarr = _zarr()
    if any(np.isnan(arr.shape)):
        raise ValueError(
            "Saving an array with unknown chunk sizes is not supported with Zarr; call compute_chunk_sizes() first"
        )
    if isinstance(url, zarr.Array):
        cut = [slice(0, size) for size in url.shape] if region is None else list(region)
        target, arr = url, _on_grid(arr, cut, getattr(url, "shards", None) or url.chunks)
    else:
        if region is not None:
            raise ValueError("Cannot use `region` keyword when url is not a `zarr.Array`; open it, and pass it")
        mode = kwargs.pop("mode", None)
        if mode == "r":
            raise ValueError("Cannot use mode='r' to write; leave it out, or pass mode='w' to overwrite")
        if mode == "w":
            kwargs["overwrite"] = True
        arr = _regular(arr)
        sizes = tuple([max(*along, 1) for along in arr.chunks])
        options = {"shape": arr.shape, "chunks": sizes, "dtype": arr.dtype, **kwargs}
        target = zarr.create_array(store=_opened(url, storage_options), name=component, **options)
        arr = _on_grid(arr, [slice(0, size) for size in arr.shape], getattr(target, "shards", None) or sizes)
    wanted = return_stored or not compute  # a lazy result is an array, as dask's
    return store(arr, target, lock=False, regions=region, compute=compute, return_stored=wanted)


def _regular(arr: Array) -> Array:
    """In blocks of one size along each axis, but for a smaller last one, as Zarr's chunks are."""
    if all(len(set(along[:-1])) <= 1 and along[-1] <= along[0] for along in arr.chunks):
        return arr
    warnings.warn(
        "The array uses irregular chunk sizes, which Zarr has not: it is rechunked to the largest of each axis; "
        "rechunk it yourself to choose",
        UserWarning,
        stacklevel=3,
    )
    return arr.rechunk(tuple([max(along) for along in arr.chunks]))


def _on_grid(arr: Array, region: Sequence[slice], grid: Sequence[int]) -> Array:
    """In blocks that do not share a stored chunk. region: where the array goes; grid: sizes of stored chunks."""
    wanted = []
    for along, part, size in zip(arr.chunks, region, grid, strict=True):
        start = part.start or 0
        bounds = np.cumsum([0, *along])
        inner = [bound for bound in bounds[1:-1] if (bound + start) % size == 0]
        if len(inner) < len(along) - 1 and not inner:
            first = -start % size or size
            inner = list(range(first, int(bounds[-1]), size))
        wanted.append(tuple([int(high - low) for low, high in pairwise([0, *inner, int(bounds[-1])])]))
    whole = [slice(part.start or 0, part.stop) for part in region]
    shared = any(part.start % size for part, size in zip(whole, grid, strict=True))
    if tuple(wanted) != arr.chunks or shared:
        warnings.warn(
            "Blocks share stored chunks: the array is rechunked along the Zarr array's; a region that begins within a "
            "stored chunk reads it first",
            PerformanceWarning,
            stacklevel=3,
        )
    return arr if tuple(wanted) == arr.chunks else arr.rechunk(tuple(wanted))


def to_hdf5(filename: Any, *args: Any, chunks: Any = True, **kwargs: Any) -> None:
    """Store arrays in an HDF5 file: to_hdf5(file, "/x", x), or to_hdf5(file, {"/x": x, "/y": y}).

    chunks: of the dataset: True for the arrays' blocks, None for none, or sizes. kwargs: for h5py's
    require_dataset. One thread writes at a time.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("HDF5 files need the h5py package: pip install 'plait[hdf5]'") from error
    if len(args) == 1 and isinstance(args[0], dict):
        data = args[0]
    elif len(args) == 2 and isinstance(args[0], str) and isinstance(args[1], Array):
        data = {args[0]: args[1]}
    else:
        raise ValueError("Please provide {'/data/path': array} dictionary, or a path and an array")
    with h5py.File(filename, mode="a") as file:
        targets = [
            file.require_dataset(
                path,
                shape=each.shape,
                dtype=each.dtype,
                chunks=tuple([along[0] for along in each.chunks]) if chunks is True else chunks,
                **kwargs,
            )
            for path, each in data.items()
        ]
        store(list(data.values()), targets)


def to_npy_stack(dirname: Any, x: Array, axis: int = 0) -> None:
    """Store an array as a folder of .npy files, one for each block along an axis, and a file `info` about them."""
    folder = Path(dirname)
    folder.mkdir(parents=True, exist_ok=True)
    axis = axis % x.ndim
    stacked = x.rechunk({each: -1 for each in range(x.ndim) if each != axis})
    with open(folder / "info", "wb") as file:
        pickle.dump({"chunks": stacked.chunks, "dtype": stacked.dtype, "axis": axis}, file)
    nodes = parts(layer_of(stacked.expr))
    delayed(_written)([delayed(_save)(folder / f"{i}.npy", node) for i, node in enumerate(nodes)]).compute()


def _save(path: Path, block: Any) -> None:
    np.save(path, block)


def _written(done: list[None]) -> None:
    """All files are there."""


def from_npy_stack(dirname: Any, mmap_mode: str | None = "r") -> Array:
    """The array that to_npy_stack() stored. mmap_mode: as of np.load; None reads files whole. `info` is a pickle: read
    only folders that you trust.
    """
    folder = Path(dirname)
    with open(folder / "info", "rb") as file:
        info = pickle.load(file)
    chunks, dtype = info["chunks"], np.dtype(info["dtype"])
    name = f"from-npy-stack-{tokenize(str(folder.resolve()), info, mmap_mode)}"
    index = [[0] * len(chunks) for _ in chunks[info["axis"]]]
    for i, each in enumerate(index):
        each[info["axis"]] = i
    nodes = [
        make(_load, (folder / f"{i}.npy", mmap_mode), None, None, None, (name, *each)) for i, each in enumerate(index)
    ]
    return Array.of(FromNodes(Nodes(nodes), chunks, np.empty((0,) * len(chunks), dtype=dtype), name=name))


def _load(path: Path, mmap_mode: Any) -> Any:
    return np.load(path, mmap_mode=mmap_mode)
