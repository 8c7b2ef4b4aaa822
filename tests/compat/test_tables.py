"""Every row of every table leads somewhere, and no row hides what is plait's own."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from plait.compat.rows import Face, Made, Same, fetch
from plait.compat.tables import PEERS

ROWS = [pytest.param(peer, name, row, id=name) for peer in PEERS.values() for name, row in peer.modules.items()]


@pytest.mark.parametrize(("peer", "name", "row"), ROWS)
def test_a_row_leads_to_what_there_is(peer, name, row):
    assert name.partition(".")[0] == peer.name
    if isinstance(row, Made):
        assert callable(fetch(row.function))
        return
    places = row.names if isinstance(row, Face) else {"": row.module, **row.lends}
    for place in places.values():
        assert place.startswith("plait.")
        assert fetch(place) is not None or place.endswith(":newaxis")  # which is None in numpy, too
    assert places or row.submodules


@pytest.mark.parametrize(("peer", "name", "row"), ROWS)
def test_every_parent_of_a_row_is_a_row(peer, name, row):
    assert name == peer.name or name.rpartition(".")[0] in peer.modules


@pytest.mark.parametrize(("peer", "name", "row"), ROWS)
def test_importing_a_row_replaces_nothing_of_plaits(peer, name, row):
    """Importing binds the module in its parent: where that is plait's own, the name must be free, or mean the same."""
    parent = peer.modules.get(name.rpartition(".")[0])
    if isinstance(parent, Same):
        child = name.rpartition(".")[2]
        own = find_spec(f"{parent.module}.{child}")
        meant = row.module if isinstance(row, Same) else None
        assert own is None or own.name == meant
        assert not hasattr(import_module(parent.module), child) or meant is not None


@pytest.mark.parametrize(("peer", "name", "row"), ROWS)
def test_submodules_that_are_attributes_have_rows(peer, name, row):
    submodules = row.submodules if isinstance(row, Face) else ()
    assert {f"{name}.{child}" for child in submodules} <= peer.modules.keys()
    assert not set(submodules) & set(row.names if isinstance(row, Face) else ())


def test_a_submodule_is_an_attribute_when_it_is_asked_for(run_script):
    script = """
    from plait import compat
    compat.install("gevent")
    import sys, gevent
    assert "gevent.event" not in sys.modules
    assert gevent.event is sys.modules["gevent.event"] is sys.modules["plait.green.event"]
    assert "hub" in dir(gevent) and "hub" not in gevent.__all__
    print(gevent.hub.get_hub is gevent.get_hub, gevent.version_info[:2])
    """
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("True (26, 9)\n", "")


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_a_library_is_complete_in_itself(peer):
    assert peer.name in peer.modules
    assert set(peer.loads) <= peer.modules.keys()
    assert peer.is_package(peer.name)
    assert peer.version[0].isdigit()
    assert peer.summary


def test_a_place_may_be_an_attribute_of_an_attribute():
    assert fetch("plait.greenlet:greenlet.switch") is fetch("plait.greenlet").greenlet.switch
    with pytest.raises(AttributeError, match="nothing"):
        fetch("plait.greenlet:nothing")
