"""Tokens of arrays, scalars, dtypes and ufuncs."""

import cloudpickle
import numpy as np
import pytest

from plait.lazy.tokens import TokenizationError
from plait.lazy.tokens import tokenize as fresh_or_not


def tokenize(value):
    token = fresh_or_not(value, ensure_deterministic=True)
    assert fresh_or_not(cloudpickle.loads(cloudpickle.dumps(value))) == token
    return token


NUMBERS = np.arange(12.0)
DIFFERENT = [
    NUMBERS,
    NUMBERS.astype("f4"),
    NUMBERS.reshape(3, 4),
    NUMBERS.reshape(4, 3),
    NUMBERS.reshape(3, 4)[:, ::2],
    np.arange(12),
    np.array([]),
    np.array([], dtype=int),
    np.empty((0, 3)),
    np.empty((3, 0)),
    np.array(1.0),
    np.float64(1.0),
    np.float32(1.0),
    np.int64(1),
    np.uint8(1),
    np.bool_(True),
    np.str_("a"),
    np.bytes_(b"a"),
    np.array(["2000-01-01"], dtype="M8[ns]"),
    np.array(["2000-01-01"], dtype="M8[s]"),
    np.array([1], dtype="m8[s]"),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("c", "f8")]),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])[0],
    np.array(["a", "bc"], dtype=object),
    np.array(["ab", "c"], dtype=object),
    np.array(["ab", None], dtype=object),
    np.array([b"a", "b"], dtype=object),
    np.array([1, "b", np.nan], dtype=object),
    np.array(["Jos\xe9", "\ud83d"], dtype=object),
    np.array(["a", "bc"]),
    np.array([b"a", b"bc"]),
    np.array(["a", "bc"], dtype=np.dtypes.StringDType()),
    np.array(["a", "bd"], dtype=np.dtypes.StringDType()),
    np.ma.array([1, 2], mask=[0, 1]),
    np.ma.array([1, 2], mask=[1, 0]),
    np.dtype("f8"),
    np.dtype("f4"),
    np.dtype([("a", "i4")]),
    np.float64,
    np.sin,
    np.cos,
    np.add.reduce,
]


def test_different_ones():
    assert len({tokenize(value) for value in DIFFERENT}) == len(DIFFERENT)


def test_equal_ones_by_layout_or_view():
    square = NUMBERS.reshape(3, 4)
    assert tokenize(square) == tokenize(square.copy())
    assert tokenize(NUMBERS[::2]) == tokenize(NUMBERS[::2].copy())
    assert tokenize(np.broadcast_to(1.0, (2, 3))) == tokenize(np.ones((2, 3)))


def test_equal_texts_that_are_other_objects():
    one = np.array(["ab" * 2, None], dtype=object)
    other = np.array(["".join(["abab"]), None], dtype=object)
    assert tokenize(one) == tokenize(other)


def test_what_is_printed_does_not_count():
    big = np.zeros(100_000)
    other = big.copy()
    other[50_000] = 1
    assert tokenize([big]) != tokenize([other])
    with np.printoptions(formatter={"all": lambda x: "?"}):
        assert tokenize(np.array(1)) != tokenize(np.array(2))


def test_files_mapped_into_memory(tmp_path):
    file = tmp_path / "data"
    file.write_bytes(bytes(range(10)))
    maps = [np.memmap(file, dtype="u1", mode="r", offset=offset, shape=5) for offset in (0, 5, 0)]
    assert tokenize(maps[0]) == tokenize(maps[2]) != tokenize(maps[1])
    assert tokenize(maps[0][1:3]) == tokenize(maps[2][1:3]) != tokenize(maps[0][1:4])


def test_random_states():
    one, same, other = (np.random.RandomState(seed) for seed in (1, 1, 2))
    assert tokenize(one) == tokenize(same) != tokenize(other)
    before = tokenize(one.random)
    one.random()
    assert tokenize(one.random) != before
    assert (
        tokenize(np.random.default_rng(1)) == tokenize(np.random.default_rng(1)) != tokenize(np.random.default_rng(2))
    )


def test_a_ufunc_of_ones_own_has_no_token():
    own = np.frompyfunc(lambda x: x + 1, 1, 1)
    assert fresh_or_not(own) != fresh_or_not(own)
    with pytest.raises(TokenizationError, match="Cannot tokenize"):
        fresh_or_not(own, ensure_deterministic=True)


def test_ufuncs_of_scipy():
    special = pytest.importorskip("scipy.special")
    assert tokenize(special.expit) != tokenize(special.logit)


def test_sparse_arrays():
    sparse = pytest.importorskip("scipy.sparse")
    for kind in ("coo", "csr", "csc", "dok", "lil", "bsr"):
        one, same, other = (sparse.random(10, 9, density=0.2, random_state=seed).asformat(kind) for seed in (1, 1, 2))
        assert tokenize(one) == tokenize(same) != tokenize(other)
