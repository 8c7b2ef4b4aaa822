"""Tokens of functions and classes: by name where their module gives them, else by what they do."""

import functools
import operator
import subprocess
import sys
import textwrap

import cloudpickle
import pytest

from plait.lazy.tokens import tokenize as fresh_or_not


def tokenize(*values):
    return fresh_or_not(*values, ensure_deterministic=True)


def copy(value):
    return cloudpickle.loads(cloudpickle.dumps(value))


FACTOR = 2


def local_functions():
    inner, other = lambda x: x, lambda x: x + 1

    def recursive(n):
        return recursive(n - 1)

    def closed():
        return inner

    def closed_otherwise():
        return other

    def with_default(x, f=inner):
        return f(x)

    def with_other_default(x, f=other):
        return f(x)

    def scaled(x):
        return x * FACTOR

    def keyword(*, x=1):
        return x

    def generator(x):
        yield x

    return [
        inner,
        other,
        lambda y: y,
        recursive,
        closed,
        closed_otherwise,
        with_default,
        with_other_default,
        scaled,
        keyword,
        generator,
        lambda x: [y - 1 for y in x],
        lambda x: [y + 1 for y in x],
    ]


def test_local_functions_are_told_apart_and_survive_a_copy():
    functions = local_functions()
    tokens = [tokenize(f) for f in functions]
    assert len(set(tokens)) == len(tokens)
    assert [tokenize(copy(f)) for f in functions] == tokens
    assert [tokenize(f) for f in local_functions()] == tokens


def test_what_a_function_of_a_script_uses_counts():
    def use():
        return FACTOR

    before = tokenize(use)
    namespace = {**use.__globals__, "FACTOR": 3}
    changed = type(use)(use.__code__, namespace, use.__name__)
    changed.__qualname__, changed.__module__ = use.__qualname__, use.__module__
    assert tokenize(changed) != before
    changed.__globals__.update(FACTOR=2, UNUSED=1)
    assert tokenize(changed) == before


def test_a_script_is_one_in_worker_processes_too():
    here, there = {"__name__": "__main__"}, {"__name__": "__mp_main__"}
    for namespace in (here, there):
        exec("def f(x): return x\nclass C:\n    def m(self): return 1", namespace)
    assert [tokenize(here[name]) for name in "fC"] == [tokenize(there[name]) for name in "fC"]


def test_many_names_in_one_function():
    """Above 255 names an instruction's argument has a second byte."""
    names = [f"name_{i}" for i in range(600)]
    text = "def f():\n    return [" + ", ".join(names) + "]"
    functions = []
    for last in (1, 2):
        namespace = dict.fromkeys(names, 0) | {names[-1]: last, "__name__": "__main__"}
        exec(text, namespace)
        functions.append(namespace["f"])
    assert tokenize(functions[0]) != tokenize(functions[1])


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args):
        return f(*args)

    return wrapper


@decorated
def module_function(x):
    return x


class Base:
    def __init__(self, x):
        self.x = x

    def method(self):
        return super().__repr__()

    @classmethod
    def made(cls):
        return cls(0)

    @staticmethod
    def plain():
        pass

    @property
    def doubled(self):
        return 2 * self.x

    def __repr__(self):
        return "always the same"


def local_classes():
    class Local(Base):
        def method(self):
            return super().method()

        @property
        def p(self):
            return self.x

        @classmethod
        def c(cls):
            return cls

        @staticmethod
        def s():
            return 0

    class Other(Base):
        def method(self):
            return super().method() + "!"

    class Slotted:
        __slots__ = ("x",)

        def __init__(self, x):
            self.x = x

    return Local, Other, Slotted


def test_classes_and_their_objects():
    values = [Base, Base(1), Base(2), *local_classes(), *(each(1) for each in local_classes())]
    tokens = [tokenize(value) for value in values]
    assert len(set(tokens)) == len(tokens)
    assert [tokenize(copy(value)) for value in values] == tokens
    assert [tokenize(each) for each in local_classes()] == tokens[3:6]


@functools.cache
def cached_function(x):
    return x


def test_cached_functions():
    def local(size, value):
        return functools.lru_cache(size)(lambda: value)

    assert tokenize(cached_function) == tokenize(copy(cached_function))
    assert tokenize(local(1, 2)) == tokenize(local(1, 2))
    assert len({tokenize(local(1, 2)), tokenize(local(2, 2)), tokenize(local(1, 3))}) == 3


def test_cached_properties_are_their_function():
    def made(value):
        class Local:
            @functools.cached_property
            def slow(self):
                return value

        return Local

    assert tokenize(made(1)) == tokenize(made(1)) != tokenize(made(2))


def test_methods_belong_to_their_object_or_class():
    a, b = Base(1), Base(2)
    assert tokenize(a.method) == tokenize(Base(1).method) != tokenize(b.method)
    assert tokenize(a.made) == tokenize(b.made)
    assert tokenize(a.plain) == tokenize(b.plain)
    assert tokenize(a.__str__) == tokenize(Base(1).__str__) != tokenize(b.__str__)
    assert tokenize(Base.__str__) == tokenize(object.__str__)


@pytest.mark.parametrize("f", [module_function, operator.add, len, str.join, dict.fromkeys, getattr])
def test_functions_of_modules(f):
    assert tokenize(copy(f)) == tokenize(f)


def test_a_function_of_a_script_that_is_defined_anew_is_another_one():
    script = """
    from plait.lazy import tokenize

    def f(x):
        return x + 1

    def g(x):
        return f(x)

    before = tokenize(f), tokenize(g)

    def f(x):
        return x + 2

    after = tokenize(f), tokenize(g)
    assert before[0] != after[0] and before[1] != after[1]
    print(*before, *after)
    """
    run = [
        subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert run[0].stdout == run[1].stdout != ""
