import gc
import pickle
import weakref

import pytest

from plait.parallel.transport.identity import IdentityMap


class Thing:
    __hash__ = None


def test_a_value_is_known_by_its_object():
    known, thing, other = IdentityMap(), Thing(), Thing()
    known.set(thing, 1)
    assert known.get(thing) == known.find(thing) == 1
    assert known.find(other) is None
    with pytest.raises(KeyError):
        known.get(other)
    known.set(thing, 2)
    assert known.get(thing) == 2


def test_it_goes_with_the_object():
    known, thing, held = IdentityMap(), Thing(), Thing()
    known.set(thing, "value")
    known.set(held, "kept")
    del thing
    assert known.get(held) == "kept"
    assert len(known._data) == 1


def test_the_values_go_with_the_map():
    class Value:
        pass

    known, thing, value = IdentityMap(), Thing(), Value()
    known.set(thing, value)
    gone = weakref.ref(value)
    gc.disable()
    try:
        del known, value
        assert gone() is None
    finally:
        gc.enable()


def test_an_object_at_the_same_place_is_another():
    known = IdentityMap()
    for number in range(300):
        thing = Thing()
        assert known.find(thing) is None
        known.set(thing, number)
        del thing
    gc.collect()
    assert not known._data


def test_it_is_not_pickled():
    with pytest.raises(pickle.PicklingError, match="another process"):
        pickle.dumps(IdentityMap())
