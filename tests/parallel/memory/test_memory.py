"""Memory: what is kept, for whom, and when it is computed again."""

import asyncio
import datetime
import importlib
import os
import pickle
import stat
import sys
import warnings
from pathlib import Path

import numpy
import pytest

from plait.parallel import MemorizedResult, Memory, Parallel, delayed, expires_after
from plait.parallel.memory import JobLibCollisionWarning
from plait.parallel.memory.functions import filter_args
from plait.parallel.memory.memorized import NotMemorizedFunc

calls = []


def double(x, offset=0, *rest, scale=2, **named):
    """Twice."""
    calls.append((x, offset, rest, scale, named))
    return x * scale + offset


def square(x):
    return x * x


def generator():
    return (i for i in (1, 2))


@pytest.fixture
def memory(tmp_path):
    calls.clear()
    return Memory(str(tmp_path / "cache"), verbose=0)


def files(memory, name):
    return list(Path(memory.store_backend.location).rglob(name))


def test_equal_calls_run_once(memory):
    cached = memory.cache(double)
    assert [cached(3), cached(3, 0), cached(x=3), cached(3, scale=2)] == [6, 6, 6, 6]
    assert len(calls) == 1
    assert cached(3, 1) == 7
    assert cached(3, 1, 9, extra=5) == 7
    assert len(calls) == 3


def test_it_stays_the_function_that_it_was(memory):
    cached = memory.cache(double)
    assert cached.__name__ == "double"
    assert "Twice." in cached.__doc__
    assert cached.func is double


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, "Wrong number of arguments for double"),
        ((1,), {"x": 2}, "Argument x was given both as positional and as keyword"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(memory, args, kwargs, text):
    with pytest.raises(ValueError, match=text):
        memory.cache(double)(*args, **kwargs)


def test_ignored_arguments(memory):
    cached = memory.cache(double, ignore=["offset"])
    assert [cached(1, 5), cached(1, 6)] == [7, 7]
    with pytest.raises(ValueError, match="argument 'nothing' is not defined"):
        memory.cache(double, ignore=["nothing"])(1)
    with pytest.raises(ValueError, match=r"must be a list of parameters.*pass \['x'\]"):
        filter_args(double, "x", (1,))


def test_new_defaults_are_seen(memory):
    def power(x, exponent=2):
        return x**exponent

    cached = memory.cache(power)
    assert cached(3) == 9
    power.__defaults__ = (3,)
    assert cached(3) == 27


def test_a_bound_method_is_known_by_its_object(memory):
    assert [memory.cache(Scale(by).of)(5) for by in (2, 3, 2)] == [10, 15, 10]
    assert len(calls) == 2


class Scale:
    def __init__(self, by):
        self.by = by

    def of(self, x):
        calls.append(x)
        return x * self.by


def test_positional_only_parameters(memory):
    def divide(x, /, y):
        return x / y

    cached = memory.cache(divide)
    assert [cached(6, 3), cached(6, y=3)] == [2, 2]


def test_another_version_of_a_function_is_computed_again(memory, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = tmp_path / "versioned.py"
    results = []
    for text in ("return x", "return -x", "return -x"):
        module.write_text(f"def f(x):\n    {text}\n")
        importlib.invalidate_caches()
        sys.modules.pop("versioned", None)
        cached = memory.cache(importlib.import_module("versioned").f)
        results += [cached.check_call_in_cache(1), cached(1)]
    sys.modules.pop("versioned")
    assert results == [False, 1, False, -1, True, -1]


def test_two_functions_of_one_name_are_told(memory):
    def one():
        def f():
            return 1

        return f

    def other():
        def f():
            return 2

        return f

    first, second = one(), other()
    for function in (first, second):
        function.__qualname__ = "f"
    with pytest.warns(JobLibCollisionWarning, match="Possible name collisions"):
        assert [memory.cache(first)(), memory.cache(second)()] == [1, 2]


def test_each_place_has_the_source(memory, tmp_path):
    other = Memory(str(tmp_path / "other"), verbose=0)
    for place in (memory, other):
        place.cache(double)(1)
    assert len(calls) == 2
    assert len(list(tmp_path.glob("*/joblib/**/double/func_code.py"))) == 2


@pytest.mark.parametrize("compress", [False, 3, "gzip", ("lzma", 1)])
@pytest.mark.parametrize("mmap_mode", [None, "r", "c"])
def test_arrays(tmp_path, compress, mmap_mode):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the two together
        memory = Memory(str(tmp_path), verbose=0, compress=compress, mmap_mode=mmap_mode)
        cached = memory.cache(sort)
        values = numpy.random.default_rng(1).random((500, 300))
        found = [cached(values, axis=0), cached(values, axis=0)]
    for each in found:
        assert (each == numpy.sort(values, axis=0)).all()
        assert isinstance(each, numpy.memmap) == (mmap_mode is not None and not compress)


def sort(values, axis):
    return numpy.sort(values, axis=axis)


def test_references(memory):
    cached = memory.cache(double)
    first, second = cached.call_and_shelve(4), cached.call_and_shelve(4)
    assert isinstance(first, MemorizedResult)
    assert len(calls) == 1
    again = pickle.loads(pickle.dumps(second))
    assert [each.get() for each in (first, second, again)] == [8, 8, 8]
    assert first.duration is not None
    first.clear()
    with pytest.raises(KeyError, match="does not exist"):
        second.get()


def test_forced_calls_renew_the_entry(memory):
    cached = memory.cache(double)
    cached(1)
    value, noted = cached.call(1)
    assert value == 2
    assert len(calls) == 2
    assert set(noted) == {"duration", "input_args", "time"}
    assert noted["input_args"]["x"] == "1"


def test_without_a_place_nothing_is_kept():
    memory = Memory(None)
    cached = memory.cache(double)
    assert isinstance(cached, NotMemorizedFunc)
    calls.clear()
    assert [cached(1), cached(1), cached.call_and_shelve(1).get()] == [2, 2, 2]
    assert len(calls) == 3
    memory.clear()
    memory.reduce_size(items_limit=0)


def test_cached_functions_travel_to_processes(memory):
    cached = memory.cache(square)
    assert Parallel(n_jobs=2)(delayed(cached)(i) for i in range(4)) == [0, 1, 4, 9]
    assert all(cached.check_call_in_cache(i) for i in range(4))


def test_results_expire(memory):
    cached = memory.cache(double, cache_validation_callback=expires_after(hours=1))
    cached(1)
    assert cached.check_call_in_cache(1)
    (noted,) = files(memory, "metadata.json")
    noted.write_text(noted.read_text().replace('"time": 1', '"time": 0.1'))
    assert not cached.check_call_in_cache(1)
    cached(1)
    assert len(calls) == 2


def test_limits(memory):
    cached = memory.cache(double)

    def kept():
        return [cached.check_call_in_cache(i) for i in range(6)]

    outputs = []
    for i in range(6):
        cached(i)
        (output,) = set(files(memory, "output.pkl")) - set(outputs)
        outputs.append(output)
        os.utime(output, (1000 + i, 1000 + i))
    memory.reduce_size(items_limit=4)
    assert kept() == [False, False, True, True, True, True]
    memory.reduce_size(bytes_limit=sum(item.size for item in memory.store_backend.get_items()) - 1)
    assert kept() == [False, False, False, True, True, True]
    os.utime(outputs[5])
    memory.reduce_size(age_limit=datetime.timedelta(days=1))
    assert kept() == [False] * 5 + [True]
    with pytest.raises(ValueError, match="has to be a positive timedelta"):
        memory.reduce_size(age_limit=datetime.timedelta(days=-1))


def test_folders_belong_to_their_owner(memory, tmp_path):
    old = os.umask(0)
    try:
        Memory(str(tmp_path / "private" / "cache"), verbose=0).cache(double)(1)
    finally:
        os.umask(old)
    folders = [path for path in (tmp_path / "private").rglob("*") if path.is_dir()]
    assert len(folders) > 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_coroutines(memory):
    runs = []

    async def fetch(x):
        runs.append(x)
        await asyncio.sleep(0)
        return x + 1

    cached = memory.cache(fetch)

    async def main():
        return await asyncio.gather(*(cached(i % 2) for i in range(6))), await cached.call_and_shelve(1)

    values, shelved = asyncio.run(main())
    assert values == [1, 2] * 3
    assert shelved.get() == 2
    assert sorted(runs) == [0, 1]


def test_what_cannot_be_kept_is_given(memory):
    cached = memory.cache(generator)
    with pytest.warns(Warning, match="Unable to cache to disk"):
        assert list(cached()) == [1, 2]
    assert files(memory, "output.pkl*") == []


def test_an_unknown_store_is_named(tmp_path):
    with pytest.raises(TypeError, match="backend elsewhere; pass a backend of 'local'"):
        Memory(str(tmp_path), backend="elsewhere")
