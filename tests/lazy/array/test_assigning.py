"""array[index] = value does what numpy does, and touches only the blocks that it must."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da


@st.composite
def indexes(draw, length):
    kind = draw(st.sampled_from(["slice", "slice", "all", "int"]))
    if kind == "int":
        return draw(st.integers(-length, length - 1))
    if kind == "all":
        return slice(None)
    bound = st.one_of(st.none(), st.integers(-length - 2, length + 2))
    return slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, -1, -3])))


@st.composite
def fancy(draw, length):
    if draw(st.booleans()):
        return np.array(draw(st.lists(st.booleans(), min_size=length, max_size=length)))
    return np.array(draw(st.lists(st.integers(-length, length - 1), max_size=8)), dtype=int)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_it_is_numpy_s(data):
    shape = (7, 9)
    values = np.arange(63.0).reshape(shape)
    index = [data.draw(indexes(length)) for length in shape]
    axis = data.draw(st.sampled_from([None, 0, 1]))
    if axis is not None:
        index[axis] = data.draw(fancy(shape[axis]))
    index = tuple(index)
    wanted = values.copy()
    target = wanted[index].shape
    full = np.random.default_rng(0).normal(size=target)
    value = data.draw(st.sampled_from([-1.0, full, full[..., :1] if target and target[-1] else full]))
    if data.draw(st.booleans()) and np.ndim(value):
        given_value = da.from_array(value, chunks=2)
    else:
        given_value = value
    wanted[index] = value
    lazy = da.from_array(values, chunks=data.draw(st.sampled_from([(3, 4), (7, 2), (1, 9)])))
    lazy[index] = given_value
    np.testing.assert_array_equal(lazy.compute(), wanted)


def test_a_lazy_mask_is_elementwise():
    values = np.arange(20).reshape(4, 5)
    lazy = da.from_array(values, chunks=2)
    lazy[lazy > 7] = -lazy
    np.testing.assert_array_equal(lazy.compute(), np.where(values > 7, -values, values))
    assert lazy.dtype == values.dtype


def test_blocks_without_a_position_stay_as_they_are():
    lazy = da.from_array(np.zeros((8, 8)), chunks=4)
    lazy[0, 0] = 1
    names = [type(node).__name__ and getattr(node, "key", "") for node in lazy.to_delayed().ravel()]
    assert len(names) == 4
    assert lazy.compute().sum() == 1


@pytest.mark.parametrize(
    ("index", "value", "error", "match"),
    [
        ((9,), 1, IndexError, "not smaller"),
        ((slice(0, 3),), np.ones(4), ValueError, "broadcast"),
        (([0, 1], [0, 1]), 1, NotImplementedError, "in turn|fancy|several"),
        ((None, 0), 1, NotImplementedError, "new axis"),
        ((np.array([True, False]),), 1, IndexError, "not long enough"),
    ],
)
def test_what_does_not_fit_is_refused(index, value, error, match):
    lazy = da.from_array(np.zeros((4, 5)), chunks=2)
    with pytest.raises(error, match=match):
        lazy[index] = value


def test_masked_elements():
    lazy = da.from_array(np.arange(6), chunks=4)
    lazy[2:5] = np.ma.masked
    found = lazy.compute()
    assert list(np.ma.getmaskarray(found)) == [False, False, True, True, True, False]
