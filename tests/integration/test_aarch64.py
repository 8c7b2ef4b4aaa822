"""The native parts compile for aarch64, with Debian's cross compiler and this Python's headers."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

COMPILER = "aarch64-linux-gnu-gcc"
SOURCES = Path(__file__).parents[2] / "src" / "plait"


@pytest.mark.parametrize(
    "source", sorted(SOURCES.glob("*/_native/*.c")), ids=lambda path: f"{path.parts[-3]}-{path.stem}"
)
def test_a_native_source_compiles_for_aarch64(source, tmp_path):
    if shutil.which(COMPILER) is None:
        pytest.skip(f"needs {COMPILER} (Debian: gcc-aarch64-linux-gnu); CI installs it")
    command = [
        COMPILER,
        "-std=gnu11",
        "-O2",
        "-fPIC",
        "-Wall",
        "-Werror",
        "-c",
        f"-I{sysconfig.get_paths()['include']}",
        f"-I{SOURCES / 'trace' / '_native'}",
        str(source),
        "-o",
        str(tmp_path / "object.o"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
