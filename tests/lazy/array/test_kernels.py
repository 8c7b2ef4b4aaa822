"""Kernels give what numpy gives, step by step: the same bits, dtypes, warnings and errors."""

import operator
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plait.lazy.array as da
from plait.lazy.array.kernels import Cast, Kernel, merged
from plait.lazy.array.kinds import Chunk, Folded, Mean
from plait.lazy.blocks.programs import Program, Step

DTYPES = ["bool", "int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64", "complex128"]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.lt, operator.eq, np.maximum, np.fmin]
UNARY = [operator.neg, operator.abs, np.square, np.sqrt, np.isnan, np.logical_not]
FOLDS = [
    Folded("sum", "add"),
    Folded("prod", "multiply"),
    Folded("min", "minimum", has_identity=False),
    Folded("max", "maximum", has_identity=False),
    Folded("any", "logical_or"),
    Folded("all", "logical_and"),
]


def chain(*functions):
    """A program of one input in which each function takes what the one before gave."""
    return Program(1, [], [Step(function, (number,)) for number, function in enumerate(functions)])


def runs(kernel, *inputs):
    """Whether a kernel does it without its steps."""
    arrays = tuple(map(np.asarray, inputs))
    return kernel._tiles(arrays) is not None and kernel._even(arrays)


@st.composite
def arrays(draw, shape=None):
    shape = (
        draw(st.sampled_from([(7,), (3, 5), (1, 5), (3, 1), (2, 3, 5), (0, 5), (130, 70)])) if shape is None else shape
    )
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    found = (random.normal(size=shape) * 5).astype(dtype) if dtype.kind != "u" else random.integers(0, 9, shape, dtype)
    if dtype.kind in "fc" and draw(st.booleans()) and found.size:
        found.flat[0] = draw(st.sampled_from([np.nan, np.inf, -np.inf, 0]))
    if draw(st.booleans()):
        found = np.asfortranarray(found)
    return found[..., ::-1] if draw(st.booleans()) else found


@st.composite
def programs(draw):
    """A program of two inputs and two constants; each step reads any registers."""
    constants = draw(
        st.tuples(st.sampled_from([2, 0.5, True, -3, 300]), st.sampled_from([np.float32(3), np.int8(2), 1.5]))
    )
    steps = []
    for place in range(draw(st.integers(2, 6))):
        registers = st.integers(0, 3 + place)
        kind = draw(st.sampled_from(["binary", "binary", "binary", "unary", "where", "cast"]))
        if kind == "binary":
            steps.append(Step(draw(st.sampled_from(BINARY)), (draw(registers), draw(registers))))
        elif kind == "unary":
            steps.append(
                Step(draw(st.sampled_from(UNARY)), (draw(st.sampled_from([0, 1, 3 + place][: 2 + (place > 0)])),))
            )
        elif kind == "where":
            steps.append(Step(np.where, (draw(registers), draw(registers), draw(registers))))
        else:
            steps.append(Step(Cast(np.dtype(draw(st.sampled_from(DTYPES)))), (draw(st.sampled_from([0, 1])),)))
    return Program(2, constants, steps)


def outcome(function, *args):
    """What a call gives, or raises, and what it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = function(*args)
        except Exception as error:
            found = type(error)
    return found, sorted({str(each.message) for each in caught if each.category is RuntimeWarning})


@settings(max_examples=400, deadline=None)
@given(programs(), arrays(), arrays())
def test_a_kernel_gives_what_its_steps_give(program, one, other):
    wanted, warned = outcome(program, one, other)
    found, told = outcome(Kernel(program), one, other)
    if isinstance(wanted, type):
        assert found is wanted
    else:
        assert np.asarray(found).dtype == np.asarray(wanted).dtype
        np.testing.assert_array_equal(found, wanted)
    assert told == warned


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(FOLDS), arrays(shape=(4, 70, 33)), st.sets(st.integers(0, 2), min_size=1), st.sampled_from([1, 2.5])
)
def test_a_fold_gives_what_numpy_gives(kind, array, axes, scalar):
    steps = [Step(operator.mul, (0, 1)), Step(Chunk(kind, tuple(sorted(axes)), {}), (2,))]
    program = Program(1, [scalar], steps)
    wanted, warned = outcome(program, array)
    found, told = outcome(Kernel(program), array)
    assert told == warned
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    if wanted.dtype.kind in "fc":
        np.testing.assert_allclose(found, wanted, rtol=1e-5 if wanted.dtype.itemsize == 4 else 1e-12, atol=1e-3)
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("exponent", [2, 2.0, 0.5, -1, 3, 1, 0, 1.5, np.float64(2), np.float32(0.5)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "complex64", "complex128"])
def test_powers(dtype, exponent):
    values = (np.random.default_rng(0).random(500) * 9).astype(dtype)
    program = Program(1, [exponent], [Step(operator.pow, (0, 1)), Step(operator.pos, (2,))])
    wanted, found = outcome(program, values)[0], outcome(Kernel(program), values)[0]
    if isinstance(wanted, type):
        assert found is wanted
    else:
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


def test_a_chain_and_its_reduction_become_one_step():
    program = Program(1, [2], [Step(operator.mul, (0, 1)), Step(np.sqrt, (2,)), Step(Chunk(Mean(), (0,), {}), (3,))])
    found = merged(program)
    assert [type(step.function) for step in found.steps] == [Kernel]
    array = np.arange(100.0)
    assert runs(found.steps[0].function, array)
    total, count = found(array)
    np.testing.assert_allclose(total, np.sqrt(array * 2).sum(keepdims=True))
    assert count == 100
    copied = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(copied(array)[0], total)


def test_steps_that_others_read_too_stay_apart():
    unknown = Step(np.sort, (1,))
    program = Program(1, [], [Step(np.sin, (0,)), unknown, Step(np.cos, (1,)), Step(operator.add, (2, 3))])
    found = merged(program)
    assert [step.function for step in found.steps[:2]] == [np.sin, np.sort]
    array = np.arange(10.0)
    np.testing.assert_array_equal(found(array), np.sort(np.sin(array)) + np.cos(np.sin(array)))


def test_an_operand_of_a_row_is_computed_once():
    row, whole = np.arange(5.0), np.ones((4, 5))
    program = Program(2, [], [Step(np.exp, (0,)), Step(operator.add, (1, 2))])
    assert not Kernel(program)._even((row, whole))
    np.testing.assert_array_equal(Kernel(program)(row, whole), np.exp(row) + whole)


@pytest.mark.parametrize(
    "block", [np.ma.array([1.0, 2.0], mask=[True, False]), np.array(["a", "b"]), np.array(["2020-01-01"], "M8[D]"), 3.5]
)
def test_what_is_no_plain_array_goes_step_by_step(block):
    program = (
        chain(operator.eq, np.logical_not)
        if False
        else Program(1, [], [Step(np.isfinite, (0,)), Step(np.logical_not, (1,))])
    )
    wanted, found = outcome(program, block)[0], outcome(Kernel(program), block)[0]
    assert type(found) is type(wanted)
    if not isinstance(wanted, type):
        np.testing.assert_array_equal(found, wanted)


def test_numpy_warns_and_raises_as_it_is_set_to():
    program = chain(np.reciprocal, operator.neg)
    zeros = np.zeros(3000)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        Kernel(program)(zeros)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        Kernel(program)(zeros)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (Kernel(program)(zeros) == -np.inf).all()
    whole = Program(2, [], [Step(operator.pow, (0, 1)), Step(operator.neg, (2,))])
    with pytest.raises(ValueError, match="negative integer powers"):
        Kernel(whole)(np.arange(5), np.full(5, -1))


def test_arrays_of_long_chains_in_chunks():
    values = np.random.default_rng(0).normal(size=(300, 200))
    lazy = da.from_array(values, chunks=(70, 90))
    found = (da.where(lazy > 0, lazy * 2 + 1, -lazy).clip(0.5, 3) ** 2 / 3).astype("float32")
    wanted = (np.where(values > 0, values * 2 + 1, -values).clip(0.5, 3) ** 2 / 3).astype("float32")
    np.testing.assert_array_equal(found.compute(), wanted)
    np.testing.assert_allclose(found.max(axis=0).compute(), wanted.max(axis=0))
    np.testing.assert_allclose(found.T.mean(axis=0).compute(), wanted.T.mean(axis=0), rtol=1e-6)
