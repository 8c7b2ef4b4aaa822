"""Tokens of functions that numba compiles."""

import cloudpickle
import pytest

from plait.lazy.tokens import tokenize

numba = pytest.importorskip("numba")


@numba.njit
def added(x, y):
    return x + y


def test_compiled_functions_count_by_what_they_are_made_from():
    local = [numba.njit(lambda x: x), numba.njit(lambda x: x + 1), numba.vectorize(lambda x: x), added]
    tokens = [tokenize(f, ensure_deterministic=True) for f in local]
    assert len(set(tokens)) == len(local)
    assert [tokenize(cloudpickle.loads(cloudpickle.dumps(f))) for f in local] == tokens


def test_compiling_changes_nothing():
    before = tokenize(added)
    assert added(1, 2) == 3
    assert tokenize(added) == before
