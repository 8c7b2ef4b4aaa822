"""Linear algebra: factorings of tall arrays by blocks (Demmel et al., communication-optimal TSQR), solvers, norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from plait.lazy.array import random
from plait.lazy.array.creation import asanyarray, eye, from_delayed
from plait.lazy.array.products import dot
from plait.lazy.array.stacking import block as blocked
from plait.lazy.array.stacking import concatenate
from plait.lazy.array.statistics import max as greatest
from plait.lazy.array.statistics import min as least
from plait.lazy.decorator import delayed


def tsqr(data: Any, compute_svd: bool = False, _max_vchunk_size: Any = None) -> Any:
    """QR, or SVD, of an array in one column of blocks: of each block, then of the blocks' R together."""
    if data.ndim != 2 or data.numblocks[1] != 1:
        raise ValueError(
            "Input must have the following properties:\n  1. Have two dimensions\n  2. Have only one column of "
            "blocks\n\n"
            f"Note: This function (tsqr) supports QR decomposition in the case of tall-and-skinny matrices (single "
            f"column of blocks), got {data.numblocks}"
        )
    rows, (width,) = data.chunks[0], data.chunks[1]
    dtype = np.linalg.qr(np.ones((1, 1), dtype=data.dtype))[0].dtype
    firsts = [delayed(np.linalg.qr, nout=2)(each) for each in data.to_delayed()[:, 0]]
    heights = [np.nan if math.isnan(size) else min(size, width) for size in rows]
    stacked = delayed(np.concatenate)([r for _, r in firsts])
    second = delayed(np.linalg.qr, nout=2)(stacked)
    known = not any(map(math.isnan, heights))
    rank = min(sum(heights), width) if known else np.nan
    if not known:
        q = _unknown_q(firsts, second[0], rows, width, dtype)
    else:
        bounds = np.cumsum([0, *heights]).tolist()
        q = concatenate(
            [
                from_delayed(delayed(_product)(first[0], second[0], slice(low, high)), (size, rank), dtype=dtype)
                for first, size, low, high in zip(firsts, rows, bounds, bounds[1:], strict=False)
            ],
            allow_unknown_chunksizes=True,
        )
    r = from_delayed(second[1], (rank if known else width, width), dtype=dtype)
    if not compute_svd:
        return q, r
    u, s, vh = delayed(np.linalg.svd, nout=3)(second[1], full_matrices=False)
    inner = min(rank, width) if known else width
    real = np.linalg.svd(np.ones((1, 1), dtype=data.dtype))[1].dtype
    left = from_delayed(u, (rank if known else width, inner), dtype=dtype)
    return dot(q, left), from_delayed(s, (inner,), dtype=real), from_delayed(vh, (inner, width), dtype=dtype)


def _product(q: Any, other: Any, rows: slice) -> Any:
    return q @ other[rows]


def _unknown_q(firsts: Any, second: Any, rows: Any, width: int, dtype: Any) -> Any:
    shapes = delayed(_heights)([r for _, r in firsts])
    parts = [
        from_delayed(delayed(_product_at)(first[0], second, shapes, i), (size, width), dtype=dtype)
        for i, (first, size) in enumerate(zip(firsts, rows, strict=True))
    ]
    return concatenate(parts, allow_unknown_chunksizes=True)


def _heights(factors: list[Any]) -> Any:
    return np.cumsum([0, *[len(each) for each in factors]])


def _product_at(q: Any, other: Any, bounds: Any, i: int) -> Any:
    return q @ other[bounds[i] : bounds[i + 1]]


def sfqr(data: Any, name: Any = None) -> Any:
    """QR of an array in one row of blocks: of the first block, whose Q turns the others."""
    if data.ndim != 2 or data.numblocks[0] != 1:
        raise ValueError(f"Input must have two dimensions, and one row of blocks, got {data.numblocks}")
    rows, widths = data.chunks[0][0], data.chunks[1]
    if rows > widths[0] and len(widths) > 1:
        raise ValueError("Input must have a first block that is square or wide; rechunk it")
    dtype = np.linalg.qr(np.ones((1, 1), dtype=data.dtype))[0].dtype
    parts = data.to_delayed()[0]
    first = delayed(np.linalg.qr, nout=2)(parts[0])
    rank = min(rows, widths[0])
    q = from_delayed(first[0], (rows, rank), dtype=dtype)
    r = [from_delayed(first[1], (rank, widths[0]), dtype=dtype)]
    r += [
        from_delayed(delayed(_turned)(first[0], part), (rank, width), dtype=dtype)
        for part, width in zip(parts[1:], widths[1:], strict=True)
    ]
    return q, concatenate(r, axis=1)


def _turned(q: Any, part: Any) -> Any:
    return q.conj().T @ part


def qr(a: Any) -> Any:
    """As numpy's qr(), of arrays in one column, or one row, of blocks."""
    if a.ndim != 2:
        raise ValueError("qr needs an array of two axes")
    if a.numblocks[1] == 1:
        return tsqr(a)
    if a.numblocks[0] == 1:
        return sfqr(a)
    raise NotImplementedError(
        "qr currently supports only tall-and-skinny (single column chunk/block; see tsqr)\nand short-and-fat "
        "(single row chunk/block; see sfqr) matrices\n\n"
        "Consider use of the rechunk method. For example,\n\nx.rechunk({0: -1, 1: 'auto'}) or x.rechunk({0: 'auto', "
        "1: -1})"
    )


def svd(a: Any, coerce_signs: bool = True, full_matrices: bool = False) -> Any:
    """As numpy's svd(full_matrices=False), of arrays in one row or column of blocks. Raises for full_matrices=True."""
    if full_matrices:
        raise NotImplementedError("svd(full_matrices=True) would need all of a; pass full_matrices=False")
    if a.ndim != 2:
        raise ValueError(f"Array must be 2D.\nInput shape: {a.shape}\nInput ndim: {a.ndim}")
    if min(a.numblocks) > 1:
        raise NotImplementedError(
            f"Array must be chunked in one dimension only. This function (svd) only supports tall-and-skinny or "
            f"short-and-fat matrices (see da.linalg.svd_compressed for SVD on fully chunked arrays).\nInput shape: "
            f"{a.shape}\nInput numblocks: {a.numblocks}"
        )
    wide = a.shape[0] < a.shape[1] if a.numblocks == (1, 1) else a.numblocks[1] > 1
    u, s, v = tsqr(a.T if wide else a, compute_svd=True)
    if wide:
        u, v = v.T, u.T
    if coerce_signs:
        u, v = svd_flip(u, v)
    return u, s, v


def svd_flip(u: Any, v: Any, u_based_decision: bool = False) -> Any:
    """Signs such that each row of v, or column of u, has a sum that is not negative."""
    totals = u.sum(axis=0) if u_based_decision else v.sum(axis=1)
    signs = (totals >= 0) * totals.dtype.type(2) - totals.dtype.type(1)
    return u * signs, v * signs[:, None]


def compression_level(n: int, q: int, n_oversamples: int = 10, min_subspace_size: int = 20) -> int:
    """How many columns a sketch has for q singular values of n."""
    return min(max(min_subspace_size, q + n_oversamples), n)


def compression_matrix(
    data: Any,
    q: int,
    iterator: str = "power",
    n_power_iter: int = 0,
    n_oversamples: int = 10,
    seed: Any = None,
    compute: bool = False,
) -> Any:
    """Directions in which an array is large. Source: Halko, Martinsson, Tropp, Finding structure with randomness."""
    if iterator not in ("power", "QR"):
        raise ValueError(f"Iterator '{iterator}' not valid, must one one of ['power', 'QR']")
    rows, columns = data.shape
    size = compression_level(min(rows, columns), q, n_oversamples)
    state = seed if isinstance(seed, random.RandomState) else random.RandomState(seed)
    omega = state.standard_normal(size=(columns, size), chunks=(data.chunks[1], (size,))).astype(data.dtype)
    sketch = dot(data, omega)
    for _ in range(n_power_iter):
        if iterator == "power":
            sketch = dot(data, dot(data.T.conj(), sketch))
        else:
            q1, _ = tsqr(sketch.rechunk({1: -1}))
            q2, _ = tsqr(dot(data.T.conj(), q1).rechunk({1: -1}))
            sketch = dot(data, q2)
    found, _ = tsqr(sketch.rechunk({1: -1}))
    return found.T.conj()


def svd_compressed(
    a: Any,
    k: int,
    iterator: str = "power",
    n_power_iter: int = 0,
    n_oversamples: int = 10,
    seed: Any = None,
    compute: bool = False,
    coerce_signs: bool = True,
) -> Any:
    """The k greatest singular values and vectors, approximately, of an array in any blocks."""
    sketch = compression_matrix(a, k, iterator, n_power_iter, n_oversamples, seed)
    small = dot(sketch, a).rechunk({0: -1})
    v, s, u = tsqr(small.T.rechunk({1: -1}), compute_svd=True)
    u, v = dot(sketch.T.conj(), u.T), v.T
    u, s, v = u[:, :k], s[:k], v[:k, :]
    if coerce_signs:
        u, v = svd_flip(u, v)
    return u, s, v


# Square systems -----------------------------------------------------------------------------------------------


def _square(a: Any) -> int:
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ValueError("a must be a square matrix")
    if len({*a.chunks[0][:-1], *a.chunks[1][:-1]}) > 1 or a.chunks[0] != a.chunks[1]:
        raise ValueError(
            "All chunks must be a square matrix to perform lu decomposition. Use .rechunk method to change the size "
            "of chunks."
        )
    return len(a.chunks[0])


def _float(a: Any, function: Any) -> Any:
    return function(np.eye(1, dtype=a.dtype)).dtype


def cholesky(a: Any, lower: bool = False) -> Any:
    """The Cholesky factor of a Hermitian positive-definite array in square blocks."""
    count = _square(a)
    dtype = _float(a, np.linalg.cholesky)
    grid = a.to_delayed()
    found: dict[Any, Any] = {}
    for i in range(count):
        for j in range(i + 1):
            rest = grid[i, j]
            done = [(found[i, k], found[j, k]) for k in range(j)]
            if i == j:
                found[i, j] = delayed(_cholesky)(rest, done)
            else:
                found[i, j] = delayed(_below)(rest, done, found[j, j])
    sizes = a.chunks[0]
    rows = [
        [
            from_delayed(found[i, j], (sizes[i], sizes[j]), dtype=dtype)
            if j <= i
            else from_delayed(delayed(np.zeros)((sizes[i], sizes[j]), dtype), (sizes[i], sizes[j]), dtype=dtype)
            for j in range(count)
        ]
        for i in range(count)
    ]
    factor = blocked(rows)
    return factor if lower else factor.T.conj()


def _rest(block: Any, done: list[Any]) -> Any:
    for left, right in done:
        block = block - left @ right.conj().T
    return block


def _cholesky(block: Any, done: list[Any]) -> Any:
    return np.linalg.cholesky(_rest(block, done))


def _below(block: Any, done: list[Any], factor: Any) -> Any:
    return np.linalg.solve(factor.conj(), _rest(block, done).T).T


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """x of a x = b, of a triangular array in square blocks."""
    count = _square(a)
    if b.ndim not in (1, 2) or a.shape[1] != b.shape[0]:
        raise ValueError(
            f"a and b do not fit: {a.shape}, {b.shape}" if b.ndim in (1, 2) else "b must be 1 or 2 dimensional"
        )
    if a.chunks[1] != b.chunks[0]:
        raise ValueError(
            "a.chunks[1] and b.chunks[0] should be equal. Use .rechunk method to change the size of chunks."
        )
    dtype = np.linalg.solve(np.eye(1, dtype=a.dtype), np.ones(1, dtype=b.dtype)).dtype
    grid, right = a.to_delayed(), b.to_delayed()
    columns = [()] if b.ndim == 1 else [(j,) for j in range(b.numblocks[1])]
    order = range(count) if lower else range(count - 1, -1, -1)
    found: dict[Any, Any] = {}
    for column in columns:
        for i in order:
            known = range(i) if lower else range(i + 1, count)
            done = [(grid[i, k], found[(k, *column)]) for k in known]
            found[(i, *column)] = delayed(_solved)(grid[i, i], right[(i, *column)], done, lower)
    parts = [
        concatenate(
            [
                from_delayed(found[(i, *column)], (a.chunks[0][i], *[b.chunks[1][j] for j in column]), dtype=dtype)
                for i in range(count)
            ]
        )
        for column in columns
    ]
    return parts[0] if len(parts) == 1 else concatenate(parts, axis=1)


def _solved(block: Any, right: Any, done: list[Any], lower: bool) -> Any:
    for left, known in done:
        right = right - left @ known
    return np.linalg.solve(np.tril(block) if lower else np.triu(block), right)


def solve(a: Any, b: Any, sym_pos: Any = None, assume_a: str = "gen") -> Any:
    """x of a x = b, of an array in square blocks. assume_a: "pos" for a Hermitian positive-definite one."""
    if sym_pos or assume_a == "pos":
        lower = cholesky(a, lower=True)
        return solve_triangular(lower.T.conj(), solve_triangular(lower, b, lower=True))
    if assume_a != "gen":
        raise ValueError(
            f"{assume_a = } is not a recognized matrix structure, valid structures in Dask are 'pos' and 'gen'."
        )
    p, lower, upper = lu(a)
    return solve_triangular(upper, solve_triangular(lower, dot(p.T, b).rechunk({0: a.chunks[0]}), lower=True))


def inv(a: Any) -> Any:
    """The inverse of an array in square blocks."""
    return solve(a, eye(a.shape[0], chunks=a.chunks[0][0]))


def lu(a: Any) -> Any:
    """P, L, U of an array in square blocks; rows are exchanged within the columns of blocks below the diagonal."""
    count = _square(a)
    dtype = np.linalg.solve(np.eye(1, dtype=a.dtype), np.ones(1, dtype=a.dtype)).dtype
    factored = delayed(_lu, nout=3)([list(row) for row in a.to_delayed()], count)
    sizes = a.chunks[0]
    found = [from_delayed(each, a.shape, dtype=dtype).rechunk((sizes, sizes)) for each in factored]
    return tuple(found)


def _lu(grid: list[list[Any]], count: int) -> Any:
    import scipy.linalg

    return scipy.linalg.lu(np.block(grid))


def lstsq(a: Any, b: Any) -> Any:
    """x, residuals, rank and singular values of least squares, of a tall array."""
    q, r = qr(a)
    x = solve_triangular(r, dot(q.T.conj(), b))
    rest = b - dot(a, x)
    residuals = abs(rest**2).sum(axis=0, keepdims=b.ndim == 1)
    rank = from_delayed(delayed(np.linalg.matrix_rank)(delayed(np.asarray)(r.to_delayed().item())), (), dtype=int)
    singular = delayed(_singular)(r.to_delayed().item())
    real = r.dtype.type(0).real.dtype
    return x, residuals, rank, from_delayed(singular, (r.shape[1],), dtype=real)


def _singular(r: Any) -> Any:
    return np.linalg.svd(r, compute_uv=False)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """As numpy's norm()."""
    array = asanyarray(x)
    axes = tuple(range(array.ndim)) if axis is None else (axis,) if np.ndim(axis) == 0 else tuple(axis)
    if len(axes) > 2:
        raise ValueError("Improper number of dimensions to norm.")
    if ord == "fro":
        ord = None
        if len(axes) == 1:
            raise ValueError("Invalid norm order for vectors.")
    if array.dtype.kind not in "fc":
        array = array.astype(float)
    size = abs(array)
    if ord is None:
        return (size**2).sum(axis=axes, keepdims=keepdims) ** 0.5
    if len(axes) == 1:
        return _vector_norm(size, ord, axes, keepdims)
    return _matrix_norm(array, size, ord, axes, keepdims)


def _vector_norm(size: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord == np.inf:
        return greatest(size, axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return least(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return (size != 0).astype(size.dtype).sum(axis=axes, keepdims=keepdims)
    if not isinstance(ord, (int, float)):
        raise ValueError(f"Invalid norm order {ord!r} for vectors")
    return (size**ord).sum(axis=axes, keepdims=keepdims) ** (1 / ord)


def _matrix_norm(array: Any, size: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    first, second = [each % array.ndim for each in axes]
    if ord in (np.inf, -np.inf, 1, -1):
        along, over = (second, first) if abs(ord) == np.inf else (first, second)
        pick = greatest if ord > 0 else least
        found = pick(size.sum(axis=along, keepdims=True), axis=over, keepdims=True)
    elif ord in (2, -2, "nuc"):
        if array.ndim > 2:
            raise NotImplementedError("SVD based norm not implemented for ndim > 2")
        values = svd(array.rechunk({1: -1}) if min(array.numblocks) > 1 else array)[1][None, None, :]
        extreme = {2: greatest, -2: least}.get(ord)
        found = values.sum(axis=2) if extreme is None else extreme(values, axis=2)
    else:
        raise ValueError("Invalid norm order for matrices.")
    return found if keepdims else found.squeeze(tuple(sorted((first, second))))
