"""Greenlet-local attributes."""

import copy
import gc
import threading
import weakref

import pytest

from plait import green
from plait.green.local import local


def test_each_greenlet_sees_its_own():
    mine = local()
    mine.x = "main"

    def task(name):
        assert not hasattr(mine, "x")
        mine.x = name
        green.sleep(0)
        return mine.x, dict(vars(mine))

    values = [runner.value for runner in green.joinall([green.spawn(task, name) for name in "abc"])]
    assert values == [(name, {"x": name}) for name in "abc"]
    assert mine.x == "main"
    del mine.x
    with pytest.raises(AttributeError, match="has no attribute 'x'"):
        del mine.x


def test_init_runs_in_each_greenlet():
    class Mine(local):
        made = 0
        shared = "class"

        def __init__(self, start, *, step):
            type(self).made += 1
            self.value = start + step

        @property
        def doubled(self):
            return 2 * self.value

        @doubled.setter
        def doubled(self, value):
            self.value = value // 2

        def method(self):
            return self.value

    mine = Mine(5, step=1)
    assert (mine.value, mine.doubled, mine.shared, mine.method()) == (6, 12, "class", 6)
    mine.doubled = 100

    def task():
        return mine.value, mine.method()

    assert green.spawn(task).get() == (6, 6)
    assert Mine.made == 2
    assert mine.value == 50
    assert {"value", "method", "shared"} <= set(dir(mine))


def test_arguments_without_an_init_are_refused():
    with pytest.raises(TypeError, match="no __init__"):
        local(1)


def test_the_dictionary_cannot_be_replaced():
    mine = local()
    with pytest.raises(AttributeError, match="read-only"):
        mine.__dict__ = {}
    with pytest.raises(AttributeError, match="read-only"):
        del mine.__dict__


def test_a_copy_has_this_greenlets_values():
    mine = local()
    mine.x = [1]
    assert copy.copy(mine).x is mine.x


def test_values_go_with_their_greenlet_and_with_the_object():
    class Value:
        pass

    mine, refs = local(), []

    def task(storage):
        storage.x = Value()
        refs.append(weakref.ref(storage.x))

    green.spawn(task, mine).join()
    green.sleep(0)
    gc.collect()
    assert refs[0]() is None
    mine.x = Value()
    refs.append(weakref.ref(mine.x))
    del mine
    gc.collect()
    assert refs[1]() is None


def test_threads_see_their_own_too():
    mine, seen = local(), []
    mine.x = 1
    thread = threading.Thread(target=lambda: seen.append(hasattr(mine, "x")))
    thread.start()
    thread.join(10)
    assert seen == [False]
