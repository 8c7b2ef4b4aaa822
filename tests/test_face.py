"""`import plait`: what it offers and what it costs."""

import importlib.metadata
import subprocess
import sys

import pytest

import plait


def test_the_version_is_the_distributions():
    assert plait.__version__ == importlib.metadata.version("plait")


def test_importing_plait_imports_nothing_else():
    code = "import sys; before = set(sys.modules); import plait; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == ["plait"]


@pytest.mark.parametrize("name", plait.__all__)
def test_every_public_name_is_there(name):
    assert getattr(plait, name) is not None
    assert name in dir(plait)


def test_the_layers_functions_are_the_same_objects():
    from plait import green, lazy, parallel

    assert plait.spawn is green.spawn
    assert plait.joinall is green.joinall
    assert plait.sleep is green.sleep
    assert plait.Parallel is parallel.Parallel
    assert plait.delayed is lazy.delayed
    assert plait.compute is lazy.compute


def test_an_unknown_name_is_an_attribute_error_that_lists_the_known():
    with pytest.raises(AttributeError, match="'nonsense'; it has .*spawn"):
        plait.nonsense
