"""Fourier transforms: each along axes that are in one block each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from plait.lazy.array.creation import arange, asarray
from plait.lazy.array.rearranging import roll


def fft_wrap(
    fft_func: Callable[..., Any], kind: str | None = None, dtype: Any = None, allow_fftpack: bool = False
) -> Callable[..., Any]:
    """A transform of numpy's or scipy's for lazy arrays. Raises ValueError for kinds that are none."""
    name = kind or fft_func.__name__
    if name not in _KINDS:
        raise ValueError(f"Given unknown `kind` {name}.")
    if fft_func.__module__.startswith("scipy.fftpack") and not allow_fftpack:
        raise NotImplementedError(
            "scipy.fftpack functions are not supported, because they give other layouts; pass allow_fftpack=True"
        )
    several = name.endswith(("n", "2"))

    def transform(a: Any, n: Any = None, axis: Any = None) -> Any:
        return _transformed(
            fft_func, name, a, None if n is None else (n,), (-1,) if axis is None else (axis,), False, dtype
        )

    def transform_several(a: Any, s: Any = None, axes: Any = None) -> Any:
        return _transformed(fft_func, name, a, s, axes, True, dtype)

    chosen: Callable[..., Any] = transform_several if several else transform
    chosen.__name__ = name
    chosen.__doc__ = f"As {fft_func.__module__}.{name}(), along axes that are in one block each."
    return chosen


_KINDS = "fft fft2 fftn ifft ifft2 ifftn rfft rfft2 rfftn irfft irfft2 irfftn hfft ihfft".split()  # noqa: SIM905


def _transformed(function: Any, name: str, a: Any, s: Any, axes: Any, several: bool, dtype: Any) -> Any:
    array = asarray(a)
    if axes is None:
        count = 2 if name.endswith("2") else array.ndim if s is None else len(s)
        axes = tuple(range(array.ndim))[-count:]
    if len(set(axes)) < len(axes):
        raise ValueError("Duplicate axes not allowed.")
    if len(axes) == 0 or any(not -array.ndim <= each < array.ndim for each in axes):
        raise ValueError(f"axes {axes} are no axes of an array of {array.ndim}")
    axes = tuple([each % array.ndim for each in axes])
    if any(len(array.chunks[each]) > 1 for each in axes):
        raise ValueError(
            f"Dask array only supports taking an FFT along an axis that has a single chunk. An FFT operation was "
            f"tried on axis {axes} "
            f"which has chunks: {[array.chunks[each] for each in axes]}. To change the array's chunks use "
            f"dask.Array.rechunk."
        )
    if not several and s is not None and len(np.atleast_1d(s)) != 1:
        raise ValueError("n is one length")
    lengths = [array.shape[each] for each in axes] if s is None else [int(each) for each in s]
    lengths = [
        array.shape[axis] if length in (None, -1) else length for length, axis in zip(lengths, axes, strict=True)
    ]
    out = list(lengths)
    if name.startswith("r") or name == "ihfft":
        out[-1] = lengths[-1] // 2 + 1
    elif name.startswith("ir") or name == "hfft":
        out[-1] = 2 * (array.shape[axes[-1]] - 1) if s is None else lengths[-1]
    chunks = list(array.chunks)
    for axis, length in zip(axes, out, strict=True):
        chunks[axis] = (length,)
    keywords: dict[str, Any] = (
        {"axes": axes, "s": None if s is None else lengths}
        if several
        else {"axis": axes[0], "n": None if s is None else lengths[0]}
    )
    if dtype is None:
        sample = function(np.ones((8,) * array.ndim if several else (8,), dtype=array.dtype))
        dtype = sample.dtype
    return array.map_blocks(
        function,
        chunks=tuple(chunks),
        dtype=dtype,
        **{key: value for key, value in keywords.items() if value is not None},
    )


fft, fft2, fftn, ifft, ifft2, ifftn, rfft, rfft2, rfftn, irfft, irfft2, irfftn, hfft, ihfft = [
    fft_wrap(getattr(np.fft, name)) for name in _KINDS
]


def fftfreq(n: int, d: float = 1.0, chunks: Any = "auto") -> Any:
    """As numpy's fftfreq()."""
    places = arange(n, chunks=chunks, dtype=float)
    return places.map_blocks(_frequencies, n, d, dtype=float)


def _frequencies(places: Any, n: int, d: float) -> Any:
    return np.where(places > (n - 1) // 2, places - n, places) / (n * d)


def rfftfreq(n: int, d: float = 1.0, chunks: Any = "auto") -> Any:
    """As numpy's rfftfreq()."""
    return arange(n // 2 + 1, chunks=chunks, dtype=float).map_blocks(np.divide, n * d, dtype=float)


def _shifted(x: Any, axes: Any, sign: int) -> Any:
    array = asarray(x)
    wanted: Sequence[int] = range(array.ndim) if axes is None else np.atleast_1d(axes).tolist()
    for axis in wanted:
        length = array.shape[axis]
        array = roll(array, length // 2 if sign > 0 else -(length // 2), axis)
    return array


def fftshift(x: Any, axes: Any = None) -> Any:
    """As numpy's fftshift()."""
    return _shifted(x, axes, 1)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """As numpy's ifftshift()."""
    return _shifted(x, axes, -1)
