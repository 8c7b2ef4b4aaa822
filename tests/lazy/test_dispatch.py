"""Dispatch: the handler of the nearest class; other packages' are registered when one of their objects is seen."""

import decimal
import fractions

import pytest

from plait.lazy.dispatch import Dispatch


@pytest.fixture
def name():
    name = Dispatch(name="name")
    name.register(object, lambda x: "object")
    name.register((int, float), lambda x: "number")
    return name


class Mine(int):
    pass


def test_the_nearest_class_counts(name):
    assert [name(x) for x in (1, 1.0, True, Mine(), "")] == ["number"] * 4 + ["object"]
    name.register(Mine, lambda x: "mine")
    assert name(Mine()) == "mine"
    assert name.dispatch(Mine)(1) == "mine"


def test_a_later_handler_of_a_class_above_counts_at_once(name):
    class Base:
        pass

    class Child(Base):
        pass

    assert name(Child()) == "object"
    name.register(Base, lambda x: "base")
    assert name(Child()) == "base"


def test_register_decorates(name):
    @name.register(str)
    def text(x, suffix=""):
        return f"text{suffix}"

    assert name("", suffix="!") == "text!"
    assert text("") == "text"


def test_a_package_is_registered_when_it_is_seen_and_once(name):
    calls = []

    @name.register_lazy("decimal")
    def register():
        calls.append(1)
        name.register(decimal.Decimal, lambda x: "decimal")

    class Child(decimal.Decimal):
        pass

    assert name(1) == "number"
    assert not calls
    assert name(Child()) == name(decimal.Decimal()) == "decimal"
    assert calls == [1]


def test_a_registration_that_fails_is_tried_again(name):
    attempts = []

    @name.register_lazy("fractions")
    def register():
        attempts.append(1)
        if len(attempts) == 1:
            raise ImportError("not now")
        name.register(fractions.Fraction, lambda x: "fraction")

    with pytest.raises(ImportError):
        name(fractions.Fraction(1))
    assert name(fractions.Fraction(1)) == "fraction"


def test_without_a_handler_the_type_is_named():
    with pytest.raises(TypeError, match="no handler for <class 'str'>"):
        Dispatch()("")


def test_the_docstring_is_that_of_the_handler_of_objects():
    speak = Dispatch()

    @speak.register(object)
    def any(x):
        """Says something."""

    assert speak.__doc__ == "Says something."
