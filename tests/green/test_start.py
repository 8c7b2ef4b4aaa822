"""What importing the layer loads: a program pays for it before its first line."""

import subprocess
import sys

import pytest

from plait import green

#: Each takes longer than half of the layer's own modules.
HEAVY = {"asyncio", "contextlib", "dataclasses", "enum", "inspect", "re", "socket", "ssl", "subprocess", "traceback"}


def test_importing_the_layer_loads_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import plait.green as green; green.joinall([green.spawn(green.sleep)]);"
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "plait.green.hub" in loaded
    assert not loaded & {*HEAVY, "typing"}


@pytest.mark.parametrize("name", green.__all__)
def test_every_public_name_is_there(name):
    assert getattr(green, name) is not None
    assert name in dir(green)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'plait.green' has no attribute 'nonsense'"):
        green.nonsense  # noqa: B018
