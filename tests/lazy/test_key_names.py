"""The name of the operation in a key."""

import pytest

from plait.lazy.key_names import key_split


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("x", "x"),
        ("x-1", "x"),
        ("x-1-2-3", "x"),
        (("x-2", 1), "x"),
        ("('x-2', 1)", "x"),
        ("('x', 1)", "x"),
        ("hello-world-1", "hello-world"),
        (b"hello-world-1", "hello-world"),
        ("ae05086432ca935f6eba409a8ecd4896", "data"),
        ("<module.submodule.myclass object at 0xdaf372", "myclass"),
        ("x-abcdefab", "x"),
        ("_(x)", "x"),
        (None, "Other"),
        ("", "Other"),
        ((), "Other"),
        (1, "Other"),
    ],
)
def test_names(key, name):
    assert key_split(key) == name
