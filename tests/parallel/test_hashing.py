"""Digests: joblib's own, for every value, and so that equal values have equal ones."""

from __future__ import annotations

import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import pathlib
import pickle
import re
import sys
import types
import uuid
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plait.parallel import hashing


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(frozen=True)
class Point:
    x: Any
    y: Any = None


class Plain:
    def __init__(self, *values: Any) -> None:
        self.values = values
        self.own = self

    def method(self) -> None: ...

    @classmethod
    def of_class(cls) -> None: ...

    @staticmethod
    def of_none() -> None: ...

    class Inner:
        class Innermost:
            def method(self) -> None: ...


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


class Words(list):
    pass


class Named(dict):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.name = "named"


class Number(int):
    pass


class Text(str):
    pass


class Numbers(tuple):
    pass


class KeywordOnly:
    def __new__(cls, *, size: int) -> KeywordOnly:
        self = super().__new__(cls)
        self.size = size
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"size": self.size}


class State:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __getstate__(self) -> Any:
        return ("state", self.value)

    def __setstate__(self, state: Any) -> None:
        _, self.value = state


def rebuild(*args: Any) -> Any:
    return args


def give(thing: Any, state: Any) -> None:
    thing.state = state


class Reduced:
    """__reduce_ex__ gives what the test wants."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce_ex__(self, protocol: int) -> Any:
        return tuple(
            iter(part) if isinstance(part, tuple) and at in (3, 4) else part for at, part in enumerate(self.reduced)
        )


class Meta(type):
    pass


class OfMeta(metaclass=Meta):
    pass


class Listed:
    """Registered with copyreg."""


copyreg.pickle(Listed, lambda thing: (Listed, ()))


def same(value: Any, **options: Any) -> bool:
    return hashing.hash(value, **options) == joblib.hash(value, **options)


def cyclic_list() -> list[Any]:
    value: list[Any] = [1]
    value.append(value)
    return value


def cyclic_tuple(size: int) -> tuple[Any, ...]:
    inside: list[Any] = []
    value = (inside, *range(size - 1))
    inside.append(value)
    return value


def cyclic_dict() -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    value["self"] = {"again": value}
    return value


def cyclic_reduced() -> Reduced:
    inside: list[Any] = []
    value = Reduced(rebuild, (inside,))
    inside.append(value)
    return value


SHARED = [1, (2, 3), "text"]
STRUCTURED = np.dtype([("a", "i4"), ("b", ">f8"), ("c", "U3", (2,))])
VALUES: dict[str, Any] = {
    "singletons": [None, True, False, ..., NotImplemented],
    "integers": [0, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -1, -(2**31), -(2**31) - 1, 2**63, -(2**63), 2**64],
    "bytes in an integer": [s * (2**n + d) for n in range(30, 68) for d in (-1, 0, 1) for s in (1, -1)],
    "a huge integer": [1 << 5000, -(1 << 3000)],
    "floats": [0.0, -0.0, 1.5, float("inf"), float("nan"), 1e-310, 1 + 2j],
    "text": ["", "é", "\ud800", "x" * 300, "x" * 70_000, "é" * 70_000],
    "bytes": [b"", b"a" * 255, b"a" * 256, b"a" * 70_000, bytearray(), bytearray(b"ab")],
    "the same text twice": ["".join(("ab", "c")), "abc", b"ab" + b"c", b"abc"],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "a shared part": [SHARED, SHARED, {"a": SHARED}, (SHARED,)],
    "many parts": [[i] for i in range(600)],
    "the second mention of many": [SHARED] + [[i] for i in range(300)] + [SHARED] + [[]] * 3,
    **{f"a list of {n}": list(range(n)) for n in (1, 2, 999, 1000, 1001, 2001)},
    **{f"a dict of {n}": dict.fromkeys(map(str, range(n))) for n in (1, 2, 999, 1000, 1001, 2001)},
    "a dict out of order": {"b": 1, "a": 2, "c": 0},
    **{
        f"many keys of {name}": {make(number * 7919 % 1009): number for number in range(1009)}
        for name, make in {
            "text": str,
            "text that begins alike": "the same beginning {}".format,
            "text with nulls": lambda n: "\0" * (n % 20) + "x" * (n // 20),
            "text that is not ASCII": "é{}".format,
            "text and numbers": lambda n: n if n % 2 else str(n),
            "numbers": lambda n: n - 500,
        }.items()
    },
    "integers as keys": {3: "a", 1: "b", -2: "c"},
    "keys of several types": {1: "a", "b": 2, (3,): 4, None: 5},
    "booleans among integers": {True: 1, 0: 2, 5: 3},
    "unordered keys": {1j: 1, 2j: 2, frozenset([1]): 3},
    "a set": {3, 1, 2},
    "a set of several types": {1, "a", (2, "b"), None},
    "a set of decimals": {decimal.Decimal(1), decimal.Decimal("NaN")},
    "sets of sets": {frozenset([1, 2]), frozenset([3])},
    "a frozenset": frozenset([1, 2, 3]),
    "the same set twice": [{1, 2}] * 2,
    "a cyclic list": cyclic_list(),
    "a cyclic dict": cyclic_dict(),
    **{f"a cyclic tuple of {n}": cyclic_tuple(n) for n in (1, 2, 3, 4, 5)},
    "a cyclic reduction": cyclic_reduced(),
    "an object": Plain(1, [2], {"a"}),
    "slots": Slots(1, SHARED),
    "a dataclass": Point(1, Point(2)),
    "enums": [Colour.RED, Colour.BLUE, Access.READ | Access.WRITE, Colour],
    "a list's subclass": Words(["a", "b"]),
    "a dict's subclass": Named({"b": 1, "a": 2}),
    "a dict's subclass of mixed keys": Named({"b": 1, 1: 2}),
    "other subclasses": [Number(5), Text("abc"), Text("abc"), Numbers((1, 2)), collections.Counter("abca")],
    "ordered": collections.OrderedDict(b=1, a=2),
    "a defaultdict": collections.defaultdict(list, a=[1]),
    "a deque": collections.deque([1, 2], maxlen=3),
    "keyword arguments of __new__": KeywordOnly(size=3),
    "__getstate__": [State(1), State(SHARED)],
    "listitems": Reduced(rebuild, (1,), None, ("a", "b")),
    "dictitems": Reduced(rebuild, (1,), None, None, (("b", 1), ("a", 2))),
    "dictitems without order": Reduced(rebuild, (1,), None, None, (("b", 1), (1, 2))),
    "a state setter": Reduced(rebuild, (1,), {"a": 1}, None, None, give),
    "copyreg": Listed(),
    "classes": [int, Plain, OfMeta, Meta, collections.OrderedDict, type, object],
    "classes within classes": [Plain.Inner, Plain.Inner.Innermost, Plain.Inner, Plain.Inner.Innermost()],
    "functions": [rebuild, re.compile, functools.reduce, len, print, Plain.of_none],
    "methods": [
        Plain(1).method,
        Plain.of_class,
        Plain.method,
        [].append,
        {}.get,
        "".join,
        dict.fromkeys,
        object.__new__,
    ],
    "methods of a shared object": (lambda thing: [thing, thing.method, thing.method])(Plain(2)),
    "a function within a class": Plain.Inner.Innermost.method,
    "partial": functools.partial(rebuild, 1, a=2),
    "stdlib": [
        datetime.datetime(2020, 1, 2),
        datetime.timedelta(3),
        decimal.Decimal("1.50"),
        fractions.Fraction(1, 3),
        pathlib.PurePosixPath("/a/b"),
        uuid.UUID(int=5),
        re.compile("a+", re.I),
        range(3),
        slice(1, 2),
        types.SimpleNamespace(a=1),
    ],
    "a union": [int | str, list[int]],
    "arrays": [np.arange(3), np.arange(3.0), np.arange(12).reshape(3, 4), np.arange(12).reshape(3, 4)],
    "an array twice": (lambda array: [array, array])(np.arange(3)),
    "no dimension": [np.array(5), np.array(5.0), np.float32(3), np.str_("a"), np.bool_(True)],
    "no element": [np.array([]), np.zeros((0, 3)), np.zeros((3, 0), dtype="i2")],
    "views": [
        np.arange(20)[::2],
        np.arange(20).reshape(4, 5)[1:, ::2],
        np.arange(20).reshape(4, 5).T,
        np.arange(5)[::-1],
    ],
    "Fortran order": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "broadcast": np.broadcast_to(np.arange(3), (4, 3)),
    "kinds of elements": [
        np.array([1, 0]).astype(kind) for kind in ("?", "i1", ">i4", "c16", "S3", "U4", "M8[D]", "m8[s]", "V4")
    ],
    "structured": [np.zeros(3, STRUCTURED), np.zeros(3, STRUCTURED)["b"], np.zeros((), STRUCTURED)],
    "dtypes": [np.dtype("f4"), np.dtype("f4"), STRUCTURED, pickle.loads(pickle.dumps(STRUCTURED)), np.dtype("O")],
    "arrays of objects": [np.array([1, "a", None], dtype=object), np.array([{"a": 1}, [1]], dtype=object)],
    "subclasses of arrays": [
        np.arange(3).view(np.recarray),
        np.asmatrix([[1, 2]]),
    ],
    "random state": np.random.RandomState(0),
    "ufuncs and names of numpy": [np.add, np.sum, np.ndarray, np.float64, np.arange(3).sum],
    "a frame": pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.to_datetime(["2020", "2021"])}),
    "a series": pd.Series([1.5, None], index=["a", "b"], name="s"),
    "an index": [pd.Index(["a", "b"]), pd.RangeIndex(3), pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])],
    "categories": pd.Series(["a", "b", "a"], dtype="category"),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("hash_name", ["md5", "sha1"])
def test_the_digest_is_joblibs(name: str, hash_name: str) -> None:
    assert same(VALUES[name], hash_name=hash_name)


def test_all_values_together_have_joblibs_digest() -> None:
    assert same(list(VALUES.values()))


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(codec=None), max_size=5),
    st.binary(max_size=5),
    st.sampled_from([Colour.RED, Plain, len, rebuild, SHARED, Plain.Inner, np.float64(2), np.dtype("i4")]),
)
keys = st.one_of(st.integers(), st.text(max_size=3), st.binary(max_size=3), st.booleans(), st.floats(), st.none())


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    twice = st.tuples(inner, st.integers(1, 3)).map(lambda pair: [pair[0]] * pair[1])
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(st.tuples(keys, keys), inner, max_size=3),
        st.sets(keys, max_size=4),
        st.frozensets(keys, max_size=3),
        st.builds(Point, inner, inner),
        st.builds(Plain, inner),
        st.builds(State, inner),
        st.lists(inner, max_size=3).map(Words),
        st.dictionaries(keys, inner, max_size=3).map(Named),
        st.builds(Slots, inner, inner),
        twice,
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(atoms, deeper, max_leaves=12))
def test_any_nested_value_has_joblibs_digest(value: Any) -> None:
    try:
        expected = joblib.hash(value)
    except Exception as error:
        with pytest.raises(type(error)):
            hashing.hash(value)
    else:
        assert hashing.hash(value) == expected


dtypes = st.sampled_from(["?", "i1", "<i4", ">i8", "f2", "f8", "c8", "S4", "U2", "M8[ns]", STRUCTURED])


@settings(max_examples=150, deadline=None)
@given(dtypes, st.lists(st.integers(0, 4), max_size=4), st.data())
def test_any_view_of_any_array_has_joblibs_digest(dtype: Any, shape: list[int], data: st.DataObject) -> None:
    array = np.zeros(shape, dtype)
    bytes_of = array.view("u1") if array.ndim and array.size else None
    if bytes_of is not None:
        bytes_of[...] = np.arange(bytes_of.size).reshape(bytes_of.shape) % (2 if dtype == "?" else 100)
    step = st.sampled_from([slice(None), slice(None, None, 2), slice(1, None), slice(None, None, -1)])
    view = array[tuple(data.draw(step) for _ in shape)]
    view = view.transpose(data.draw(st.permutations(range(view.ndim))))
    assume(view.itemsize)
    assert same([view, view.copy(), view.dtype])


def test_a_subclass_may_add_values_in_its_own_way() -> None:
    class Ours(hashing.Hasher):
        def save(self, obj: Any) -> None:
            if isinstance(obj, Plain):
                self._hash.update(b"plain")
            else:
                super().save(obj)

    class Theirs(joblib.hashing.NumpyHasher):
        def save(self, obj: Any) -> None:
            if isinstance(obj, Plain):
                self._hash.update(b"plain")
            else:
                super().save(obj)

    value = [Plain(1), {"a": Plain(2)}, np.arange(2), {1, 2}]
    assert (
        Ours().hash(value)
        == Theirs().hash(value)
        == Ours("md5").hash([Plain(5), {"a": Plain(6)}, np.arange(2), {1, 2}])
    )


@pytest.mark.parametrize("coerce_mmap", [False, True])
def test_a_mapped_array_is_told_from_one_in_memory_unless_coerced(tmp_path: Any, coerce_mmap: bool) -> None:
    mapped = np.memmap(tmp_path / "array", dtype="f8", mode="w+", shape=(3,))
    mapped[:] = 1
    assert same([mapped], coerce_mmap=coerce_mmap)
    equal = hashing.hash(mapped, coerce_mmap=coerce_mmap) == hashing.hash(np.ones(3), coerce_mmap=coerce_mmap)
    assert equal is coerce_mmap


def test_masked_arrays_differ_by_their_masks() -> None:
    one, other = (np.ma.masked_greater(np.arange(5.0), limit) for limit in (2, 3))
    assert hashing.hash([one]) == hashing.hash([one.copy()])
    assert hashing.hash(one) != hashing.hash(other)


def test_a_value_that_fails_midway_is_treated_as_joblib_treats_it() -> None:
    assert same({"a": [(i for i in ())]})
    for value in ({"a": (i for i in ())}, [(i for i in ())]):
        with pytest.raises(TypeError, match="generator"):
            hashing.hash(value)


def test_what_has_no_name_is_named_in_the_error() -> None:
    with pytest.raises(pickle.PicklingError, match="PicklingError while hashing"):
        hashing.hash({"a": lambda: None})


@pytest.mark.parametrize("hash_name", ["", "sha256", None, 3])
def test_an_unknown_hash_is_refused_by_name(hash_name: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Got hash_name={hash_name!r}")):
        hashing.hash(1, hash_name=hash_name)


def test_xxh3_is_of_the_package_xxhash() -> None:
    xxhash = pytest.importorskip("xxhash")
    assert hashing.hash(3, "xxh3") == xxhash.xxh3_128(b"\x80\x03K\x03.").hexdigest()
    assert hashing.hash([np.arange(3)], "xxh3") != hashing.hash([np.arange(1, 4)], "xxh3")


def test_xxh3_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xxhash", None)
    with pytest.raises(ImportError, match="package xxhash"):
        hashing.hash(3, "xxh3")


def test_the_stream_of_a_small_value_is_a_pickle() -> None:
    value = ["a", 1.5, (2, 3)]
    stream = b"\x80\x03]q\x00(X\x01\x00\x00\x00aG?\xf8\x00\x00\x00\x00\x00\x00K\x02K\x03\x86q\x01e."
    assert pickle.loads(stream) == value
    assert hashing.hash(value) == hashlib.md5(stream).hexdigest()


def test_a_deep_value_is_hashed_or_refused_and_never_crashes() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecursionError):
        hashing.hash(value)
    while value:  # so that it is freed from the outside
        value = value[0]


def test_numpy_is_not_imported(run_script: Any) -> None:
    ran = run_script(
        "import sys; from plait.parallel import hashing; hashing.hash({'a': [1]}); print('numpy' in sys.modules)"
    )
    assert ran.stdout == "False\n", ran.stderr


def test_a_digest_is_the_same_in_a_script(run_script: Any) -> None:
    text = """
class Mine:
    def __init__(self): self.a = {1, 2}
    def method(self): pass
import joblib
from plait.parallel import hashing
value = [Mine, Mine(), Mine().method, Mine.method]
print(hashing.hash(value) == joblib.hash(value))
"""
    ran = run_script(text)
    assert ran.stdout == "True\n", ran.stderr
