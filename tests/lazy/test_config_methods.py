"""globalmethod: what the configuration replaces."""

from plait.lazy import config
from plait.lazy.config_methods import globalmethod


def first():
    return 1


def second():
    return 2


class Owner:
    plain = globalmethod(first, key="test-method", falsey=second)

    @globalmethod(key="test-decorated")
    def decorated():
        return 3


def test_the_default_holds_until_the_key_is_set():
    assert (Owner.plain(), Owner().decorated()) == (1, 3)
    with config.set({"test-method": lambda: 5, "test-decorated": first}):
        assert (Owner().plain(), Owner().decorated()) == (5, 1)


def test_a_false_value_has_a_method_of_its_own():
    with config.set({"test-method": False}):
        assert Owner.plain() == 2
