"""Deep recursion inside a greenlet, through Python and through C: an exception where the main stack raises one, and
never a crash. Each case runs in a process of its own."""

import textwrap

import pytest

# Each defines dig(n): recurse n levels deep, through one of the ways that CPython recurses in C. Where CPython counts
# nothing and crashes on the main stack as well, the depth has a bound that real programs stay below.
WAYS = {
    "sort": """
        def dig(n):
            if n:
                sorted([0], key=lambda _: dig(n - 1) or 0)
    """,
    "map": """
        def dig(n):
            if n:
                list(map(dig, [n - 1]))
    """,
    "reduce": """
        from functools import reduce
        def dig(n):
            if n:
                reduce(lambda _, m: dig(m), [0, n - 1])
    """,
    "partial": """
        from functools import partial
        def dig(n):
            f = int
            for _ in range(n):
                f = partial(partial(lambda g: g()), f)
            f()
    """,
    "getattr": """
        class Deep:
            def __init__(self, n):
                self.n = n
            def __getattr__(self, name):
                if self.n:
                    return getattr(Deep(self.n - 1), name)
                return 0
        def dig(n):
            Deep(n).missing
    """,
    "repr of lists": """
        def dig(n):
            deep = []
            for _ in range(n):
                deep = [deep]
            repr(deep)
    """,
    "repr of dicts": """
        def dig(n):
            deep = {}
            for _ in range(n):
                deep = {0: deep}
            repr(deep)
    """,
    "str of own classes": """
        class Deep:
            def __init__(self, inner):
                self.inner = inner
            def __repr__(self):
                return f"<{self.inner!r}>"
        def dig(n):
            deep = 0
            for _ in range(n):
                deep = Deep(deep)
            str(deep)
    """,
    "comparison of lists": """
        def dig(n):
            a, b = [], []
            for _ in range(n):
                a, b = [a], [b]
            a == b
    """,
    "hash of tuples": """
        def dig(n):
            deep = ()
            for _ in range(min(n, 2000)):
                deep = (deep,)
            hash(deep)
    """,
    "json.dumps": """
        import json
        def dig(n):
            deep = []
            for _ in range(n):
                deep = [deep]
            json.dumps(deep)
    """,
    "json.loads": """
        import json
        def dig(n):
            json.loads("[" * n + "]" * n)
    """,
    "pickle.dumps": """
        import pickle
        def dig(n):
            deep = []
            for _ in range(n):
                deep = [deep]
            pickle.dumps(deep)
    """,
    "pickle with __reduce__": """
        import pickle
        class Deep:
            def __init__(self, inner):
                self.inner = inner
            def __reduce__(self):
                return Deep, (self.inner,)
        def dig(n):
            deep = 0
            for _ in range(n):
                deep = Deep(deep)
            pickle.loads(pickle.dumps(deep))
    """,
    "marshal": """
        import marshal
        def dig(n):
            deep = []
            for _ in range(n):
                deep = [deep]
            marshal.loads(marshal.dumps(deep))
    """,
    "copy.deepcopy": """
        import copy
        def dig(n):
            deep = []
            for _ in range(n):
                deep = [deep]
            copy.deepcopy(deep)
    """,
    "compile of minus": """
        def dig(n):
            compile("-" * n + "1", "deep", "eval")
    """,
    "compile of not": """
        def dig(n):
            compile("not " * n + "1", "deep", "eval")
    """,
    "compile of lambda": """
        def dig(n):
            compile("lambda: " * n + "1", "deep", "eval")
    """,
    "compile of addition": """
        def dig(n):
            compile("1" + "+x" * n, "deep", "eval")
    """,
    "compile of calls": """
        def dig(n):
            compile("f" + "()" * n, "deep", "eval")
    """,
    "compile of power": """
        def dig(n):
            compile("x**" * n + "1", "deep", "eval")
    """,
    "compile of if-else": """
        def dig(n):
            compile("0 if 1 else " * n + "1", "deep", "eval")
    """,
    "compile of elif": """
        def dig(n):
            compile("if x: pass\\n" + "elif x: pass\\n" * n, "deep", "exec")
    """,
    "ast": """
        import ast
        def dig(n):
            tree = ast.parse("-" * n + "x", mode="eval")
            ast.dump(tree)
            compile(tree, "deep", "eval")
    """,
    "eval in eval": """
        def dig(n):
            eval("dig(n - 1) if n else 0", {"dig": dig, "n": n})
    """,
    "re": """
        import re
        def dig(n):
            re.compile("(?:" * n + "a" + ")" * n).match("a")
    """,
    "re alternation": """
        import re
        def dig(n):
            re.compile("(a|b)*c").match("ab" * n + "c")
    """,
    "isinstance": """
        def dig(n):
            deep = (int,)
            for _ in range(n):
                deep = (deep,)
            isinstance("", deep)
    """,
    "iterators": """
        def dig(n):
            deep = iter([0])
            for _ in range(min(n, 5000)):
                deep = map(int, deep)
            list(deep)
    """,
    "itertools.chain": """
        from itertools import chain
        def dig(n):
            deep = iter([0])
            for _ in range(min(n, 5000)):
                deep = chain(deep)
            list(deep)
    """,
    "generators": """
        def dig(n):
            def level(m):
                if m:
                    yield from level(m - 1)
                else:
                    yield 0
            list(level(n))
    """,
    "coroutines": """
        def dig(n):
            async def level(m):
                if m:
                    await level(m - 1)
            try:
                level(n).send(None)
            except StopIteration:
                pass
    """,
    "descriptors": """
        class Deep:
            def __init__(self, n):
                self.n = n
            @property
            def next(self):
                return Deep(self.n - 1).next if self.n else 0
        def dig(n):
            Deep(n).next
    """,
    "metaclass calls": """
        class Meta(type):
            def __call__(cls, n):
                return super().__call__(n)
        class Deep(metaclass=Meta):
            def __init__(self, n):
                if n:
                    Deep(n - 1)
        def dig(n):
            Deep(n)
    """,
    "operators": """
        class Deep:
            def __init__(self, n):
                self.n = n
            def __add__(self, other):
                return Deep(self.n - 1) + other if self.n else 0
        def dig(n):
            Deep(n) + 1
    """,
    "imports": """
        import sys
        from importlib.machinery import ModuleSpec
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                return ModuleSpec(name, Finder) if name.startswith("deep_") else None
            @staticmethod
            def create_module(spec):
                return None
            @staticmethod
            def exec_module(module):
                number = int(module.__name__[5:])
                if number:
                    __import__(f"deep_{number - 1}")
        sys.meta_path.insert(0, Finder)
        def dig(n):
            for name in [name for name in sys.modules if name.startswith("deep_")]:
                del sys.modules[name]
            __import__(f"deep_{n}")
    """,
    "exec": """
        def dig(n):
            if n:
                exec("dig(n - 1)", {"dig": dig, "n": n})
    """,
    "python": """
        def dig(n):
            if n:
                dig(n - 1)
    """,
}

SCRIPT = """
import sys
from plait.greenlet import greenlet

def attempt(n):
    try:
        dig(n)
    except BaseException as failure:
        return type(failure).__name__
    return "done"

attempt(1)
for n in map(int, sys.argv[1:]):
    here = attempt(n)
    there = greenlet(attempt).switch(n)
    again = greenlet(attempt).switch(1)
    print(n, here, there, again, flush=True)
"""

# Ways that go through so many levels of Python for one of theirs that the recursion limit stops them early.
SHALLOW = {"imports": 50, "copy.deepcopy": 200, "pickle with __reduce__": 150, "re": 100, "metaclass calls": 200}


def run_way(run_script, way, *depths, **environment):
    source = textwrap.dedent(WAYS[way]) + SCRIPT
    done = run_script(source, *map(str, depths), timeout=100, **environment)
    assert done.returncode == 0, f"{way}: exit {done.returncode}\n{done.stdout}\n{done.stderr[-2000:]}"
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_deep_recursion_fails_as_on_the_main_stack_and_never_crashes(way, run_script):
    rows = run_way(run_script, way, 100, 1000, 10_000, 100_000)
    assert len(rows) == 4
    for _, here, there, again in rows:
        assert again == "done"
        if here != "done":
            assert there != "done"
        assert there in {"done", here, "RecursionError", "MemoryError"}


@pytest.mark.parametrize("way", WAYS)
def test_usual_depths_are_reached_in_a_greenlet(way, run_script):
    """As deep as real programs go, wherever the main stack allows it."""
    rows = run_way(run_script, way, SHALLOW.get(way, 200))
    assert rows[0][2] == rows[0][1] == "done"


@pytest.mark.parametrize("way", ["sort", "json.loads", "imports", "repr of lists"])
def test_depth_is_the_same_in_nested_greenlets(way, run_script):
    """Below several greenlets: each has a stack of its own, so nothing adds up but the counters."""
    source = textwrap.dedent(WAYS[way]) + textwrap.dedent(
        """
        from plait.greenlet import greenlet

        def nest(levels):
            if levels:
                return greenlet(nest).switch(levels - 1)
            try:
                dig(100_000)
            except RecursionError:
                return "refused"

        print(nest(20))
        """
    )
    done = run_script(source)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "refused\n"


def test_a_raised_recursion_limit_lets_python_recurse_deeper(run_script):
    done = run_script(
        """
        import sys
        from plait.greenlet import getcurrent, greenlet

        sys.setrecursionlimit(60_000)
        main = getcurrent()

        def dig(n):
            if n:
                return dig(n - 1) + 1
            main.switch("deep")
            return 0

        parked = [greenlet(dig) for _ in range(4)]
        print([one.switch(50_000) for one in parked])
        print([one.switch() for one in parked])
        """
    )
    assert done.stdout == "['deep', 'deep', 'deep', 'deep']\n[50000, 50000, 50000, 50000]\n", done.stderr[-2000:]


@pytest.mark.parametrize(
    "make",
    [
        "deep = [deep]",
        "deep = (deep,)",
        "deep = {0: deep}",
        "deep = Node(deep)",
        "deep = (lambda inner: lambda: inner)(deep)",
        "deep = map(int, deep if n else [])",
        "deep = Failure(deep)",
    ],
)
def test_dropping_a_deeply_nested_structure_in_a_greenlet(make, run_script):
    done = run_script(
        f"""
        from plait.greenlet import getcurrent, greenlet

        class Node:
            def __init__(self, inner):
                self.inner = inner

        class Failure(Exception):
            def __init__(self, inner):
                self.inner = inner

        def run():
            deep = None
            for n in range(200_000):
                {make}
            del deep
            return "dropped"

        for _ in range(2):
            print(greenlet(run).switch())
        """
    )
    assert done.stdout == "dropped\n" * 2, f"exit {done.returncode}: {done.stderr[-2000:]}"


def test_dropping_a_deeply_nested_structure_whose_destructors_switch(run_script):
    """The nesting of deallocation is counted for each greenlet: one that parks inside a destructor must not leave its
    count to the others."""
    done = run_script(
        """
        from plait.greenlet import getcurrent, greenlet

        main = getcurrent()
        log = []

        class Node:
            def __init__(self, inner, n):
                self.inner, self.n = inner, n
            def __del__(self):
                if self.n % 10_000 == 0:
                    main.switch(self.n)

        def run():
            deep = None
            for n in range(1, 100_001):
                deep = Node(deep, n)
            del deep
            return "end"

        def other():
            deep = None
            for n in range(200_000):
                deep = [deep]
            del deep
            return "other"

        one = greenlet(run)
        seen = []
        while not one.dead:
            seen.append(one.switch())
            assert greenlet(other).switch() == "other"
        print(sorted(seen[:-1]) == list(range(10_000, 100_001, 10_000)), seen[-1])
        """
    )
    assert done.stdout == "True end\n", f"exit {done.returncode}: {done.stderr[-2000:]}"


def test_a_chain_of_greenlets_that_start_greenlets_is_stopped(run_script):
    done = run_script(
        """
        from plait.greenlet import greenlet

        def forever(n):
            return sorted([0], key=lambda _: greenlet(forever).switch(n + 1))

        for _ in range(3):
            try:
                forever(0)
            except RecursionError:
                print("refused")
        """
    )
    assert done.stdout == "refused\n" * 3, f"exit {done.returncode}: {done.stderr[-2000:]}"


def test_greenlets_parked_inside_destructors_leave_deallocation_to_the_others_as_it_was(run_script):
    """CPython counts how deep deallocation is nested, and beyond a limit puts it off: counts that parked greenlets left
    behind would put it off for good."""
    done = run_script(
        """
        import weakref
        from plait.greenlet import getcurrent, greenlet

        main = getcurrent()

        class Parks:
            def __del__(self):
                main.switch()

        class Token:
            pass

        def run():
            deep = Parks()
            for _ in range(20):
                deep = [deep]
            del deep

        parked = [greenlet(run) for _ in range(20)]
        for one in parked:
            one.switch()
        token = Token()
        ref = weakref.ref(token)
        held = [[[[token]]]]
        del token, held
        print(ref() is None)
        for one in parked:
            one.switch()
        print(all(one.dead for one in parked))
        """
    )
    assert done.stdout == "True\nTrue\n", f"exit {done.returncode}: {done.stderr[-2000:]}"
