"""What importlib.metadata says of a library that plait stands in for."""


def test_the_version_is_the_one_that_plait_matches(holds):
    holds("""
        from importlib import metadata
        from plait import compat
        compat.install(*compat.names())
        expected = {"greenlet": "3.5.6", "gevent": "26.9.0", "joblib": "1.6.0", "dask": "2026.8.0"}
        assert {name: metadata.version(name) for name in expected} == expected
        assert metadata.version("GreenLet") == "3.5.6"
        import greenlet
        assert greenlet.__version__ == metadata.version("greenlet")
    """)


def test_the_rest_of_the_metadata_can_be_asked_for(holds):
    holds("""
        from importlib import metadata
        from plait import compat
        compat.install("greenlet", "gevent")
        found = metadata.distribution("gevent")
        assert found.metadata["Name"] == "gevent" and found.metadata["Summary"]
        assert metadata.requires("gevent") is None and metadata.files("gevent") is None
        assert list(found.entry_points) == []
        assert found.read_text("RECORD") is None
        assert {"greenlet", "gevent", "plait"} & {d.metadata["Name"] for d in metadata.distributions()} >= {"greenlet"}
        assert "greenlet" in metadata.packages_distributions()["greenlet"]
        assert found.locate_file("plait/green/event.py").exists()
    """)


def test_others_are_found_as_before(holds):
    holds("""
        from importlib import metadata
        from plait import compat
        before = metadata.version("pytest")
        compat.install("greenlet")
        assert metadata.version("pytest") == before
        try:
            metadata.version("no-such-distribution")
        except metadata.PackageNotFoundError:
            pass
        else:
            raise AssertionError("found")
    """)


def test_the_metadata_ends_with_the_alias(holds):
    holds("""
        from importlib import metadata
        from plait import compat
        def where():
            try:
                return type(metadata.distribution("dask")).__module__
            except metadata.PackageNotFoundError:
                return None
        before = where()
        compat.install("dask")
        assert where() == "plait.compat.distributions"
        compat.uninstall("dask")
        assert where() == before
    """)
