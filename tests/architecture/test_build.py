"""The build: what is installed, what is refused, and which Pythons are found."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MACHINE = """
[binaries]
c = 'cc'

[host_machine]
system = '{system}'
cpu_family = '{family}'
cpu = '{family}'
endian = 'little'
"""


@pytest.mark.parametrize(("system", "family"), [("darwin", "aarch64"), ("windows", "x86_64"), ("linux", "riscv64")])
def test_an_unsupported_platform_is_refused_in_one_line(tmp_path, system, family):
    machine = tmp_path / "machine.ini"
    machine.write_text(MACHINE.format(system=system, family=family))
    meson = [sys.executable, "-m", "mesonbuild.mesonmain", "setup", "--cross-file", machine, tmp_path / "build", ROOT]
    result = subprocess.run(meson, check=False, capture_output=True, text=True)
    assert result.returncode != 0
    (line,) = [line for line in result.stdout.splitlines() if "ERROR" in line]
    assert line.endswith(f"plait supports Linux on x86_64 and aarch64; this is {system} on {family}")


def list_sources(root: Path, kind: str) -> list[str]:
    command = [sys.executable, root / "tools/sources.py", kind]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_sources_are_found_by_place_and_ending(tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/sources.py", tmp_path / "tools")
    files = [
        "src/plait/py.typed",
        "src/plait/green/hub.py",
        "src/plait/green/_native/fast.pyx",
        "src/plait/green/_native/fast.pxd",
        "src/plait/green/_native/fast.pyi",
        "src/plait/green/_native/fast.c",
        "src/plait/green/_native/private.h",
        "src/plait/greenlet/include/greenlet/greenlet.h",
        "src/plait/greenlet/_core.cpython-311-x86_64-linux-gnu.so",
        "src/plait/green/__pycache__/hub.cpython-311.pyc",
        "examples/one.py",
    ]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list_sources(tmp_path, "installed") == [
        "plait/green/_native/fast.pxd",
        "plait/green/_native/fast.pyi",
        "plait/green/hub.py",
        "plait/greenlet/include/greenlet/greenlet.h",
        "plait/py.typed",
    ]
    assert list_sources(tmp_path, "cython") == ["plait/green/_native/fast.pyx"]
    assert list_sources(tmp_path, "examples") == ["../examples/one.py"]


def test_every_c_source_is_built():
    """C sources are listed, so one may be forgotten."""
    for folder in (ROOT / "src").rglob("_native"):
        for source in folder.glob("*.c"):
            assert f"'{source.name}'" in (folder / "meson.build").read_text(), f"{source} is in no meson.build"


def test_other_pythons_that_are_found_can_be_used():
    command = [sys.executable, ROOT / "tools/pythons.py"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    own = ".".join(platform.python_version_tuple()[:2])
    assert own not in found[::2]
    for version, path in zip(found[::2], found[1::2], strict=True):
        shown = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
        assert shown.startswith(f"Python {version}.")
