"""What the tests of layer 1 share: every test gives back the stacks and threads it took; extensions to test with."""

import gc
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import plait.greenlet
from plait.greenlet import get_include, getcurrent, settrace, stats

EXTENSIONS = Path(__file__).parent / "extensions"


@pytest.fixture(autouse=True)
def _nothing_leaks():
    gc.collect()
    getcurrent()  # ends what other threads have dropped of ours
    before = stats()
    running = threading.active_count()
    yield
    assert settrace(None) is None, "the test has left a trace function"
    gc.collect()
    getcurrent()
    gc.collect()
    after = stats()
    assert threading.active_count() == running
    assert after["used"] <= before["used"], "the test has left greenlets with a stack"
    assert after["threads"] <= before["threads"], "the test has left a thread's main greenlet"


def _compile(source: Path, folder: Path) -> Path:
    compiler, standard = ("c++", "-std=c++17") if source.suffix == ".cpp" else ("cc", "-std=c11")
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}, a compiler for {source.name}; CI installs it")
    target = folder / (source.stem + sysconfig.get_config_var("EXT_SUFFIX"))
    includes = [f"-I{get_include()}", f"-I{sysconfig.get_paths()['include']}"]
    command = [
        compiler,
        standard,
        "-shared",
        "-fPIC",
        "-O1",
        "-Wall",
        "-Werror",
        *includes,
        str(source),
        "-o",
        str(target),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return target


@pytest.fixture(scope="session")
def build_extension(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    """Compile `extensions/<name>` as a third party would, against greenlet.h; import it with plait as `greenlet`."""

    def build(name: str) -> ModuleType:
        source = EXTENSIONS / name
        target = _compile(source, tmp_path_factory.mktemp("extension"))
        spec = importlib.util.spec_from_file_location(source.stem, target)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "greenlet", plait.greenlet)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return module

    return build
