"""What imports under an alias give, and what they leave as it was."""

import pytest

from plait.compat.finder import AliasFinder
from plait.compat.tables import PEERS


def test_the_module_is_one_object_under_both_names(holds):
    holds("""
        import sys
        from plait import compat
        compat.install("greenlet", "gevent")
        import greenlet, gevent.event, plait.greenlet, plait.green.event
        assert greenlet is plait.greenlet is sys.modules["greenlet"] is sys.modules["plait.greenlet"]
        assert gevent.event is plait.green.event is sys.modules["gevent.event"]
        from greenlet import *
        from greenlet import getcurrent
        assert isinstance(getcurrent(), plait.greenlet.greenlet)
    """)


def test_the_module_keeps_its_own_spec_name_and_loader(holds):
    holds("""
        import plait.greenlet, plait.green.event
        def own(module):
            names = "__name__", "__spec__", "__loader__", "__package__", "__file__"
            return {name: getattr(module, name) for name in names}
        before = own(plait.greenlet), own(plait.green.event)
        from plait import compat
        compat.install("greenlet", "gevent")
        import greenlet, gevent.event
        assert (own(greenlet), own(gevent.event)) == before
        assert greenlet.__spec__.name == "plait.greenlet"
        assert greenlet.__path__ == greenlet.__spec__.submodule_search_locations
        assert not greenlet.__spec__._initializing
    """)


def test_import_alone_binds_what_the_library_binds(holds):
    holds("""
        from plait import compat
        compat.install("greenlet", "dask")
        import greenlet
        import plait.compat.greenlet_private
        assert greenlet._greenlet is plait.compat.greenlet_private
        assert greenlet._greenlet.greenlet is greenlet.greenlet
        assert greenlet.__version__ == "3.5.6"
    """)


def test_a_face_holds_the_cores_own_classes(holds):
    holds("""
        from plait import compat
        compat.install("gevent")
        import gevent, gevent.greenlet, gevent.hub, plait.green
        assert gevent.spawn is plait.green.spawn and gevent.Greenlet is gevent.greenlet.Greenlet is plait.green.Greenlet
        assert gevent.__version__ == "26.9.0" and gevent.__name__ == gevent.__spec__.name == "gevent"
        assert gevent.__file__.endswith("/plait/compat/tables/gevent.py") and gevent.__path__ == []
        assert set(dir(gevent)) >= set(gevent.__all__) >= {"spawn", "Greenlet"}
        from gevent import *
        assert sleep is plait.green.sleep
        assert gevent.joinall([gevent.spawn(lambda: 7)])[0].value == 7
    """)


def test_the_four_libraries_do_their_work_under_their_own_names(holds):
    said = holds("""
        from plait import compat
        compat.install(*compat.names())
        import dask, dask.base, gevent, greenlet, joblib

        def square(x):
            return x * x

        if __name__ == "__main__":
            print(greenlet.greenlet(square).switch(3))
            print([done.value for done in gevent.joinall([gevent.spawn(square, 3)])])
            print(joblib.Parallel(n_jobs=2)(joblib.delayed(square)(i) for i in range(4)))
            print(dask.compute(*[dask.delayed(square)(i) for i in range(4)]))
            print(dask.base.compute is dask.compute, joblib.parallel.Parallel is joblib.Parallel)
    """)
    assert said.splitlines() == ["9", "[9]", "[0, 1, 4, 9]", "(0, 1, 4, 9)", "True True"]


def test_a_function_named_as_its_module_stays_the_function(holds):
    holds("""
        from plait import compat
        compat.install("dask")
        import dask.delayed
        from dask.delayed import Delayed
        import plait.lazy
        assert dask.delayed is plait.lazy.delayed and Delayed is plait.lazy.Delayed
        from dask import delayed
        assert delayed is plait.lazy.delayed
    """)


def test_reload_reloads_the_one_module(holds):
    holds("""
        import importlib
        from plait import compat
        compat.install("greenlet", "gevent")
        import greenlet, gevent
        assert importlib.reload(greenlet) is greenlet and greenlet.__spec__.name == "plait.greenlet"
        assert importlib.reload(gevent) is gevent and gevent.spawn is importlib.import_module("plait.green").spawn
    """)


def test_find_spec_answers_before_and_after_the_import(holds):
    holds("""
        import importlib.util, inspect, pkgutil
        from plait import compat
        compat.install("greenlet", "gevent")
        import plait.green.event
        spec = importlib.util.find_spec("gevent.event")
        assert spec.name == "gevent.event" and spec.origin == plait.green.event.__file__
        assert spec.loader.get_source("gevent.event") == inspect.getsource(plait.green.event)
        assert spec.loader.get_code("gevent.event").co_filename == plait.green.event.__file__
        face = importlib.util.find_spec("gevent")
        assert face.loader.get_code("gevent") is face.loader.get_source("gevent") is None
        assert face.loader.is_package("gevent") and not spec.loader.is_package("gevent.event")
        import greenlet, gevent.event
        assert importlib.util.find_spec("greenlet") is greenlet.__spec__
        assert importlib.util.find_spec("gevent.event") is plait.green.event.__spec__
        assert pkgutil.resolve_name("gevent.event:Event") is plait.green.event.Event
        assert {module.name for module in pkgutil.iter_modules(greenlet.__path__)} >= {"headers"}
    """)


def test_classes_pickle_under_the_name_that_any_process_knows(holds):
    holds("""
        import pickle
        from plait import compat
        compat.install("greenlet", "gevent")
        from greenlet import GreenletExit, error
        from gevent import Timeout
        from gevent.queue import Empty
        for kind in (GreenletExit, error, Timeout, Empty):
            assert pickle.loads(pickle.dumps(kind)) is kind
        assert pickle.loads(b"cgreenlet\\nGreenletExit\\n.") is GreenletExit
    """)


@pytest.mark.parametrize(
    ("statement", "module", "peer"),
    [
        ("import gevent.nothing", "gevent.nothing", "gevent"),
        ("from gevent import nothing", "gevent.nothing", "gevent"),
        ("import gevent.nothing.below", "gevent.nothing", "gevent"),
        ("import greenlet.headers", "greenlet.headers", "greenlet"),
        ("import greenlet._core", "greenlet._core", "greenlet"),
        ("import dask.nothing", "dask.nothing", "dask"),
        ("from joblib import nothing", "joblib.nothing", "joblib"),
    ],
)
def test_what_has_no_counterpart_is_an_import_error_that_says_so(holds, statement, module, peer):
    """Also where a file of plait's own, or the real library, lies on the path under that name."""
    said = holds(f"""
        from plait import compat
        compat.install("greenlet", "gevent", "joblib", "dask")
        try:
            {statement}
        except ModuleNotFoundError as error:
            assert isinstance(error, compat.NotProvidedError)
            print(error)
    """)
    assert said.startswith(
        f"plait provides no counterpart of {module}, and stands in for all of {peer}; run without --as"
    )


def test_a_missing_attribute_is_an_attribute_error(holds):
    holds("""
        from plait import compat
        compat.install("gevent")
        import gevent
        assert not hasattr(gevent, "nothing")
        try:
            gevent.nothing
        except AttributeError as error:
            assert str(error) == "plait provides no counterpart of gevent.nothing"
    """)


def test_another_finder_may_answer_what_no_table_has(tmp_path, holds):
    """A test runner that mounts the library's own tests, put into sys.meta_path before or after."""
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "tests.py").write_text("import greenlet\nwhose = greenlet.__spec__.name")
    for install in ("before", "after"):
        holds(f"""
            import sys
            from importlib.machinery import PathFinder
            from plait import compat
            class Mount:
                def find_spec(name, path, target=None):
                    if name == "greenlet.tests":
                        return PathFinder.find_spec(name, [{str(tmp_path / "mounted")!r}])
            if {install!r} == "before":
                compat.install("greenlet")
            sys.meta_path.insert(0, Mount)
            compat.install("greenlet")
            import greenlet.tests
            assert greenlet.tests.whose == "plait.greenlet"
        """)


def test_threads_that_import_at_once_get_the_one_module(holds):
    holds("""
        import sys, threading
        from plait import compat
        compat.install("greenlet", "gevent")
        got, barrier = [], threading.Barrier(8)
        def take():
            barrier.wait()
            import greenlet, gevent.event
            got.append((greenlet.greenlet, gevent.event.Event))
        threads = [threading.Thread(target=take) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert len(got) == 8 and len(set(got)) == 1
    """)


def test_the_c_api_is_found_under_the_alias(holds):
    holds("""
        import ctypes
        from plait import compat
        compat.install("greenlet")
        find = ctypes.pythonapi.PyCapsule_Import
        find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
        assert find(b"greenlet._C_API", 0)
    """)


def test_names_of_others_are_none_of_the_finders_business():
    finder = AliasFinder()
    assert finder.find_spec("greenlet", None) is None
    finder.peers["greenlet"] = PEERS["greenlet"]
    assert finder.find_spec("greenlets", None) is None
    assert finder.find_spec("plait.greenlet", None) is None
    assert finder.find_spec("greenlet", None).name == "greenlet"
