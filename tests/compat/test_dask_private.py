"""Names of dask that plait has no use for: docstrings, temporary files, small functions, its command."""

import functools
import json
import operator
import os
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from plait.compat.dask_private import cli, docs, files, system, utils, utils_test
from plait.lazy import config, get


class Original:
    def f(self, a, b):
        """What it does.

        And more.

        Parameters
        ----------
        a: int
        b : float

        Examples
        --------
        >>> f(1)  # doctest: +ELLIPSIS
        >>> # a comment
        >>> f(2)
        """

    @property
    def p(self):
        """A property.

        With more.
        """

    @functools.cached_property
    def c(self):
        """A cached one.

        With more.
        """


def test_docstrings_are_taken_over_with_what_differs():
    class Copy:
        @docs.derived_from(Original, ua_args=["a"])
        def f(self, a):
            """Our own remark."""

    lines = [line.strip() for line in Copy.f.__doc__.splitlines()]  # without the indent, which is the version's
    assert lines[0] == "What it does."
    assert f"This docstring was copied from {__name__}.Original.f." in lines
    assert "Our own remark." in lines
    assert "b : float  (Not supported in Dask)" in lines
    assert "a: int  (Not supported in Dask)" in lines
    assert ">>> f(1)  # doctest: +ELLIPSIS, +SKIP" in lines
    assert ">>> # a comment" in lines
    assert ">>> f(2)  # doctest: +SKIP" in lines


def test_docstrings_of_properties_and_functions():
    class Copy:
        @property
        @docs.derived_from(Original)
        def p(self):
            "Own."

        @functools.cached_property
        @docs.derived_from(Original, inconsistencies="a few", skipblocks=1)
        def c(self):
            pass

    assert Copy.p.__doc__.startswith("A property.")
    assert "Own." in Copy.p.__doc__
    assert "Known inconsistencies: \n a few" in Copy.c.__doc__

    @docs.derived_from(operator)
    def add(a, b):
        "Own."

    assert add.__doc__ == operator.add.__doc__  # of one line: there is no place for a remark


def test_a_method_that_the_original_lacks_says_so_when_called():
    class Copy:
        @docs.derived_from(Original, version="2.0")
        def later(self):
            pass

    with pytest.raises(NotImplementedError, match=r"doesn't support 'later'.*2\.0 or later"):
        Copy().later()


def test_second_titles_are_extra():
    text = "Notes\n-----\na\n\nNotes\n-----\nb"
    assert docs.extra_titles(text) == "Notes\n-----\na\n\nExtra Notes\n-----------\nb"


# -- files -------------------------------------------------------------------------------------------------------


def test_temporary_files_are_gone_at_the_end(tmp_path):
    with files.tmpfile("csv", dir=str(tmp_path)) as path:
        assert path.endswith(".csv")
        assert not os.path.exists(path)
        os.makedirs(os.path.join(path, "a"))
    with files.filetext("text", extension=".txt") as path, open(path) as file:
        assert file.read() == "text"
    with files.tmpdir(str(tmp_path)) as folder:
        open(os.path.join(folder, "x"), "w").close()
    assert not list(tmp_path.iterdir())
    assert not os.path.exists(path)
    before = os.getcwd()
    with files.filetexts({"a.txt": "1", "b/c.txt": "2"}) as names:
        assert names == ["a.txt", "b/c.txt"]
        with open("b/c.txt") as file:
            assert file.read() == "2"
        assert os.getcwd() != before
    assert os.getcwd() == before
    files.ensure_not_exists(str(tmp_path / "never"))


# -- small functions ---------------------------------------------------------------------------------------------


def test_text_and_bytes():
    for text in ("é", "é".encode(), bytearray("é".encode()), memoryview("é".encode())):
        assert utils.ensure_bytes(text) == "é".encode()
        assert utils.ensure_unicode(text) == "é"
    for convert in (utils.ensure_bytes, utils.ensure_unicode):
        with pytest.raises(TypeError, match="Object 5 is neither"):
            convert(5)
    assert utils.asciitable("ab", [(1, 22)]).splitlines()[1:4:2] == ["| a | b  |", "| 1 | 22 |"]
    assert utils.maybe_pluralize(1, "file") == "1 file"
    assert utils.maybe_pluralize(2, "box", "boxes") == "2 boxes"
    assert sorted(["f10", "f2"], key=utils.natural_sort_key) == ["f2", "f10"]


def test_parameters_of_what_is_called_in_the_end():
    def f(x, y):
        pass

    @functools.wraps(f)
    def wrapper(*args):
        pass

    for each in (f, functools.partial(f, 2), wrapper):
        assert utils.getargspec(each).args == ["x", "y"]

    class Kind:
        def __init__(self, x):
            pass

    class Child(Kind):
        pass

    assert utils.getargspec(Kind).args == utils.getargspec(Child).args == ["self", "x"]


def test_deprecations():
    @utils._deprecated(after_version="1.2", use_instead="new")
    def old():
        return 1

    with pytest.warns(FutureWarning, match="old was deprecated after version 1.2 .* Please use new instead"):
        assert old() == 1


def test_libraries():
    with pytest.raises(RuntimeError, match="get it"):
        utils.import_required("no_such_module", "get it")
    assert utils.get_meta_library(type("Lazy", (), {"_meta": json.JSONDecoder()})()) is json


def test_sums_are_kept_by_tuple():
    class Counted(int):
        additions = 0

        def __add__(self, other):
            Counted.additions += 1
            return Counted(int(self) + int(other))

    numbers = (Counted(1), Counted(2), Counted(3))
    assert utils.cached_cumsum(numbers) == (1, 3, 6)
    once = Counted.additions
    assert utils.cached_cumsum(numbers) == (1, 3, 6)
    assert Counted.additions == once
    assert utils.cached_cumsum([1, 2], initial_zero=True) == (0, 1, 3)
    assert utils.cached_max(numbers) == 3


def test_operators_made_by_two_methods():
    class Symbol(utils.OperatorMethodMixin):
        @classmethod
        def _get_unary_operator(cls, op):
            return lambda self: op.__name__

        @classmethod
        def _get_binary_operator(cls, op, inv=False):
            return lambda self, other: (op.__name__, inv, other)

    for op in (operator.neg, operator.inv, operator.sub, operator.and_, operator.lt):
        Symbol._bind_operator(op)
    assert (-Symbol(), ~Symbol(), Symbol() - 1, 1 - Symbol()) == ("neg", "inv", ("sub", False, 1), ("sub", True, 1))
    assert Symbol() & 1 == ("and_", False, 1)
    assert (Symbol() < 1) == ("lt", False, 1)


def test_the_collector_rests():
    import gc

    with utils.disable_gc():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_package_that_is_not_installed_is_named(run_script):
    result = run_script("""
        from plait import compat
        compat.install("dask")
        from dask.ml.model_selection import GridSearchCV
        """)
    assert result.stderr.splitlines()[-1].startswith("ImportError: ")
    assert "pip install dask-ml" in result.stderr


def test_cores_are_counted_anew(monkeypatch):
    assert system.CPU_COUNT >= 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert system.cpu_count() == 1


# -- the command -------------------------------------------------------------------------------------------------


def invoke(command, *words):
    return CliRunner().invoke(command, list(words), catch_exceptions=False)


def test_options_are_shown():
    assert invoke(cli.cli, "config", "get", "array.backend").output == "numpy\n"
    assert "array:" in invoke(cli.cli, "config", "list").output
    assert invoke(cli.config_get, "no.such").exit_code == 1
    with config.set({"foo.bar": None}):
        assert invoke(cli.config_get, "foo.bar").output == "None\n"


def test_options_are_set_and_found(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "paths", [str(tmp_path)])
    monkeypatch.setattr(config, "PATH", str(tmp_path))
    assert invoke(cli.config_find, "a.b").output.startswith("Unable to find [a.b]")
    file = tmp_path / "dask.yaml"
    assert invoke(cli.config_set, "a.b", "5").output == f"Updated [a.b] to [5], config saved to {file}\n"
    assert invoke(cli.config_find, "a.b").output.splitlines()[1] == f"{file}  [a.b=5]"


def test_versions():
    assert invoke(cli.cli, "--version").output == "cli, version 2026.8.0\n"
    assert json.loads(invoke(cli.cli, "info", "versions").output)["Platform"] == "Linux"


def test_the_version_of_distributed_needs_no_child(run_script):
    pytest.importorskip("distributed")
    result = run_script("""
        import os
        from importlib.metadata import version
        from plait import compat
        compat.install("dask")
        from distributed import __version__
        from plait.lazy.versions import versions
        assert __version__ == versions()["distributed"] == version("distributed")
        assert not open(f"/proc/self/task/{os.getpid()}/children").read()
        """)
    assert result.returncode == 0, result.stderr


@click.command(name="more")
def command():
    pass


def test_commands_of_other_packages():
    @click.group()
    def group():
        pass

    cli._register_command_ep(group, EntryPoint("more", f"{__name__}:command", "dask_cli"))
    assert list(group.commands) == ["more"]
    for value, says in (("invoke", "must be instances of"), ("absent", "exception occurred")):
        with pytest.warns(UserWarning, match=says):
            cli._register_command_ep(group, EntryPoint("x", f"{__name__}:{value}", "dask_cli"))
    with pytest.warns(UserWarning, match="one of that name was there"):
        cli._register_command_ep(group, EntryPoint("more", f"{__name__}:command", "dask_cli"))


def test_the_command_runs_as_a_module(run_plait):
    result = run_plait("run", "--as", "dask", "-m", "dask", "config", "get", "array.backend")
    assert result.stdout == "numpy\n", result.stderr


# -- what tests share --------------------------------------------------------------------------------------------


class TestOurGet(utils_test.GetFunctionTestMixin):
    get = staticmethod(get)


def test_layers_by_name():
    graph = SimpleNamespace(layers={"a-1": {}, "b-2": {}})
    assert utils_test.hlg_layer(graph, "b") is graph.layers["b-2"]
    with pytest.raises(KeyError, match="No layer starts with 'c'"):
        utils_test.hlg_layer(graph, "c")
    assert utils_test.import_or_none("no_such_module") is None
    assert utils_test.import_or_none("json") is json


def test_what_the_library_imports_by_itself_needs_no_import(run_script):
    script = """
    from plait import compat
    compat.install("dask")
    import sys, dask
    assert dask.multiprocessing.get is sys.modules["dask.multiprocessing"].get
    print(dask.order.order({"x": 1}), dask.sizeof.sizeof(b"abc"), hasattr(dask, "bag"))
    """
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("{'x': 0} 3 False\n", "")
