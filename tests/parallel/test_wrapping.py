"""What is wrapped travels by value through any pickler, and stands for its object meanwhile."""

import copy
import pickle

import pytest

from plait.parallel.wrapping import wrap_non_picklable_objects


def test_a_nested_function_pickles_and_is_called():
    offset = 10
    wrapped = wrap_non_picklable_objects(lambda x: x + offset)
    loaded = pickle.loads(pickle.dumps(wrapped))
    assert wrapped(1) == loaded(1) == 11
    assert pickle.loads(pickle.dumps(loaded))(2) == 12  # still wrapped


def test_without_the_wrapper_the_object_itself_arrives():
    loaded = pickle.loads(pickle.dumps(wrap_non_picklable_objects(lambda: 5, keep_wrapper=False)))
    assert loaded.__name__ == "<lambda>"
    assert loaded() == 5


def test_attributes_are_the_objects_own():
    class Local:
        x = 1

    wrapped = wrap_non_picklable_objects(Local())
    assert wrapped.x == pickle.loads(pickle.dumps(wrapped)).x == 1
    assert not callable(wrapped)
    with pytest.raises(AttributeError, match="'Local' object has no attribute 'y'"):
        wrapped.y
    assert copy.copy(wrapped).x == 1


def test_instances_of_a_wrapped_class_travel():
    @wrap_non_picklable_objects
    class Adder:
        "Adds."

        def __init__(self, by, *, twice=False):
            self.by = by * (2 if twice else 1)

        def __call__(self, x):
            return x + self.by

    adder = pickle.loads(pickle.dumps(Adder(1, twice=True)))
    assert adder(1) == 3
    assert adder.by == 2
    assert (Adder.__name__, Adder.__doc__) == ("Adder", "Adds.")


def test_an_instance_is_called_only_where_its_class_has_a_call():
    @wrap_non_picklable_objects
    class Plain:
        pass

    assert not callable(Plain())
