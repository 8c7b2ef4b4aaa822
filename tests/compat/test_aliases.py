"""Installing, refusing and undoing aliases."""

import pytest

from plait import compat


def test_the_names_are_the_four_peers_in_the_order_of_the_layers():
    assert compat.names() == ("greenlet", "gevent", "joblib", "dask")


def test_nothing_is_imported_or_changed_by_importing_compat(holds):
    holds("""
        import os, sys
        finders, environment = list(sys.meta_path), dict(os.environ)
        from plait import compat
        assert compat.installed() == ()
        assert sys.meta_path == finders and dict(os.environ) == environment
        assert not {"plait.greenlet", "plait.green", "importlib.metadata"} & sys.modules.keys()
        compat.install("greenlet", "gevent")
        assert not {"plait.greenlet", "plait.green", "importlib.metadata"} & sys.modules.keys()
    """)


def test_installing_again_changes_nothing(holds):
    holds("""
        import os, sys
        from plait import compat
        compat.install("gevent", "greenlet")
        finders, environment = list(sys.meta_path), dict(os.environ)
        import greenlet
        compat.install("greenlet", "greenlet")
        assert compat.installed() == ("greenlet", "gevent")
        assert sys.meta_path == finders and dict(os.environ) == environment
        assert sys.modules["greenlet"] is greenlet
    """)


def test_the_finder_stands_first(holds):
    holds("""
        import sys
        from plait import compat
        first = sys.meta_path[0]
        compat.install("greenlet")
        assert sys.meta_path[1] is first
    """)


def test_an_unknown_name_is_refused_and_nothing_is_installed(holds):
    with pytest.raises(
        ValueError, match="'numpy' is no library that plait stands in for; choose from greenlet, gevent"
    ):
        compat.install("numpy")
    with pytest.raises(compat.UnknownPeerError, match="'numpy'"):
        compat.uninstall("numpy")
    holds("""
        from plait import compat
        try:
            compat.install("greenlet", "numpy")
        except compat.UnknownPeerError:
            pass
        assert compat.installed() == ()
    """)


@pytest.mark.parametrize("already", ["greenlet", "greenlet.inner"])
def test_a_real_library_that_is_imported_is_refused_by_name(tmp_path, holds, already):
    library = tmp_path / "real" / "greenlet"
    library.mkdir(parents=True)
    (library / "__init__.py").touch()
    (library / "inner.py").touch()
    holds(
        f"""
        import os, sys
        sys.path.insert(0, {str(tmp_path / "real")!r})
        import {already}
        from plait import compat
        environment = dict(os.environ)
        try:
            compat.install("gevent", "greenlet")
        except compat.AlreadyImportedError as error:
            assert isinstance(error, RuntimeError)
            assert "the real greenlet is imported already, from {library}/__init__.py; call" in str(error)
            assert "plait run --as greenlet" in str(error)
        else:
            raise AssertionError("not refused")
        assert compat.installed() == ()
        assert dict(os.environ) == environment
        compat.install("gevent")
        """
    )


def test_uninstalling_gives_the_name_back_to_the_path(tmp_path, holds):
    library = tmp_path / "real" / "greenlet"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("real = True")
    holds(
        f"""
        import os, sys
        sys.path.insert(0, {str(tmp_path / "real")!r})
        import plait.greenlet
        from plait import compat
        before = set(vars(plait.greenlet))
        finders, environment = list(sys.meta_path), dict(os.environ)
        compat.install("greenlet")
        import greenlet, greenlet._greenlet
        assert greenlet is plait.greenlet
        compat.uninstall("greenlet")
        assert compat.installed() == ()
        assert set(vars(plait.greenlet)) == before, set(vars(plait.greenlet)) ^ before
        assert sys.meta_path == finders and dict(os.environ) == environment
        import greenlet
        assert greenlet.real
        try:
            compat.install("greenlet")
        except compat.AlreadyImportedError:
            pass
        else:
            raise AssertionError("not refused")
        """
    )


def test_an_alias_can_be_ended_and_begun_again_alone(holds):
    holds("""
        import sys
        from plait import compat
        compat.install("greenlet", "gevent")
        import greenlet, gevent.event
        compat.uninstall("gevent")
        assert compat.installed() == ("greenlet",)
        assert "greenlet" in sys.modules and not [name for name in sys.modules if name.startswith("gevent")]
        compat.uninstall("gevent")
        compat.install("gevent")
        import gevent.event as again
        assert again is sys.modules["plait.green.event"]
        compat.uninstall()
        assert compat.installed() == ()
    """)


def test_plaits_own_attributes_are_never_replaced(holds):
    holds("""
        import plait.greenlet
        plait.greenlet.CLOCKS_PER_SEC = "own"
        from plait import compat
        compat.install("greenlet")
        import greenlet
        assert greenlet.CLOCKS_PER_SEC == "own" and greenlet.GREENLET_USE_GC
        compat.uninstall()
        assert plait.greenlet.CLOCKS_PER_SEC == "own" and not hasattr(plait.greenlet, "GREENLET_USE_GC")
    """)
