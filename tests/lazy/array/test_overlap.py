"""Blocks with their neighbours' elements, against numpy.pad and whole arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array.overlap import overlap, push, sliding_window_view, trim_internal

PADS = {
    "periodic": {"mode": "wrap"},
    "reflect": {"mode": "symmetric"},
    "nearest": {"mode": "edge"},
    7: {"mode": "constant", "constant_values": 7},
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(PADS)), st.integers(0, 2), st.integers(0, 2), st.sampled_from([(3, 4), (9, 2), (2, 10)]))
def test_ends_are_numpy_s_padding(boundary, rows, columns, chunks):
    values = np.arange(90.0).reshape(9, 10)
    lazy = overlap(da.from_array(values, chunks=chunks), {0: rows, 1: columns}, boundary)
    wanted = np.pad(values, ((rows, rows), (columns, columns)), **PADS[boundary])
    sizes = [[size - 2 * depth for size in along] for along, depth in zip(lazy.chunks, (rows, columns))]
    starts = [np.cumsum([0, *along]) for along in sizes]
    for i, height in enumerate(lazy.chunks[0]):
        for j, width in enumerate(lazy.chunks[1]):
            top, left = starts[0][i], starts[1][j]
            np.testing.assert_array_equal(lazy.blocks[i, j].compute(), wanted[top : top + height, left : left + width])
    back = trim_internal(lazy, {0: rows, 1: columns}, boundary)
    assert back.chunks == tuple(map(tuple, sizes))
    np.testing.assert_array_equal(back.compute(), values)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.sampled_from(["none", "reflect", "periodic", "nearest", 0]))
def test_a_moving_sum(width, chunk, boundary):
    values = np.random.default_rng(0).normal(size=20)

    def moving(block):
        return np.array([block[max(i - width, 0) : i + width + 1].sum() for i in range(len(block))])

    found = da.from_array(values, chunks=chunk).map_overlap(moving, depth=width, boundary=boundary).compute()
    if boundary == "none":
        wanted = moving(values)
    else:
        wanted = moving(np.pad(values, width, **PADS.get(boundary, {"mode": "constant"})))[width:-width]
    np.testing.assert_allclose(found, wanted)


def test_windows_are_numpy_s():
    values = np.arange(60).reshape(6, 10)
    found = sliding_window_view(da.from_array(values, chunks=(4, 3)), (2, 4))
    np.testing.assert_array_equal(found.compute(), np.lib.stride_tricks.sliding_window_view(values, (2, 4)))


@given(
    st.lists(st.sampled_from([np.nan, 1.0, 2.0]), min_size=1, max_size=12),
    st.integers(1, 5),
    st.sampled_from([None, 1, 3]),
)
def test_gaps_take_what_is_before_them(values, chunk, limit):
    wanted, last, since = [], np.nan, 0
    for each in values:
        last, since = (each, 0) if not np.isnan(each) else (last, since + 1)
        wanted.append(last if limit is None or since <= limit else np.nan)
    np.testing.assert_array_equal(push(da.from_array(np.array(values), chunks=chunk), limit, 0).compute(), wanted)


def test_a_depth_beyond_the_array_is_refused():
    with pytest.raises(ValueError, match="larger than your array"):
        overlap(da.ones(5, chunks=2), 6, "none")
    with pytest.raises(ValueError, match="smallest chunk size"):
        overlap(da.ones(5, chunks=2), 2, "none", allow_rechunk=False)
