"""The name of the operation in a key."""

import pytest

from plait.lazy.key_names import key_split, renamed


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


@pytest.mark.parametrize("key", [1, (), (1,)])
def test_what_is_no_key_is_not_renamed(key):
    with pytest.raises(TypeError, match="is no key"):
        renamed(key, {})


def test_a_block_is_renamed_by_its_collection():
    assert renamed(("x-1", (1.5, "a")), {"x-1": "y"}) == ("y", (1.5, "a"))
