"""The import rules that import-linter cannot see.

Imports point down, in the order that pyproject.toml has for import-linter. That reads Python; here are native sources,
facades, the peers and the array libraries, all read from the sources.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PLAIT = SRC / "plait"
PEERS = {"greenlet", "gevent", "joblib", "dask", "loky"}
ARRAYS = {"numpy", "pandas"}
FACES = (
    "plait/compat/dask_private/",
    "plait/compat/joblib_private/",
)  # names of a peer's modules that import them, too
COLLECTIONS = {"lazy/array", "lazy/dataframe", "lazy/bag"}
MODULES = sorted(path.relative_to(SRC).as_posix() for path in PLAIT.rglob("*.py"))
NATIVE = sorted(
    path.relative_to(SRC).as_posix() for path in PLAIT.rglob("*") if path.suffix in {".c", ".h", ".pyx", ".pxd", ".pxi"}
)


def layer_ranks() -> dict[str, int]:
    """Layer -> height, from the contract that import-linter checks; siblings have the same height."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return {name.strip(" ()"): height for height, level in enumerate(reversed(layers)) for name in level.split("|")}


RANKS = layer_ranks()


def layer_of(path: str) -> str:
    """plait/green/hub.py -> green; plait/__main__.py -> __main__."""
    return path.split("/")[1].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, str | None, int]]:
    """(module, name or None, line) of each import statement, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import; write the whole name"
            for alias in node.names:
                yield node.module or "", alias.name, node.lineno


def is_module(dotted: str) -> bool:
    """Whether the name is a module or package of the source tree, native ones (with a stub) included."""
    base = SRC.joinpath(*dotted.split("."))
    return base.with_suffix(".py").exists() or base.with_suffix(".pyi").exists() or base.is_dir()


def test_every_layer_has_its_place():
    folders = {path.name for path in PLAIT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= RANKS.keys()
    order = ["_base", "trace", "greenlet", "green", "parallel", "lazy", "adapters", "compat", "cli"]
    assert [RANKS[name] for name in order] == sorted({RANKS[name] for name in order})
    assert RANKS["compat"] == RANKS["dashboard"]


@pytest.mark.parametrize("path", MODULES)
def test_no_module_imports_the_package_it_lives_in(path):
    """A facade's names come from its modules; a module that asks the facade for them makes a hidden cycle."""
    own = path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    package = own if path.endswith("__init__.py") else own.rpartition(".")[0]
    above = {package.rsplit(".", n)[0] for n in range(package.count(".") + 1)}
    for module, name, line in imports(SRC / path):
        from_facade = module in above and (name is None or not is_module(f"{module}.{name}"))
        assert not from_facade, f"{path}:{line} imports {name or 'all'} from its own package {module}"


@pytest.mark.parametrize("path", MODULES)
def test_the_peers_are_never_imported(path):
    for module, _, line in imports(SRC / path):
        assert module.split(".")[0] not in PEERS, f"{path}:{line} imports {module}"


@pytest.mark.parametrize("path", MODULES)
def test_arrays_and_frames_stay_in_their_files(path):
    """numpy and pandas only in the collections, elsewhere only in *_numpy.py and *_pandas.py."""
    if path.removeprefix("plait/").rpartition("/")[0].startswith(tuple(COLLECTIONS)):
        return
    allowed = {library for library in ARRAYS if path.endswith(f"_{library}.py") or path.startswith(FACES)}
    for module, _, line in imports(SRC / path):
        library = module.split(".")[0]
        assert library not in ARRAYS - allowed, f"{path}:{line} imports {library}; move it to a *_{library}.py"


def native_code(path: str) -> str:
    """The source without comments, which may speak of any layer."""
    comment = r"/\*.*?\*/|//[^\n]*" if path.endswith((".c", ".h")) else r"#[^\n]*"
    return re.sub(comment, "", (SRC / path).read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("path", NATIVE)
def test_native_sources_obey_the_order(path):
    """A C or Cython source names (imports, cimports) only modules of its own layer or of a lower one."""
    for layer in set(re.findall(r"\bplait\.([A-Za-z_]\w*)", native_code(path))) & RANKS.keys():
        assert RANKS[layer] < RANKS[layer_of(path)] or layer == layer_of(path), f"{path} reaches up to plait.{layer}"


@pytest.mark.parametrize("path", NATIVE)
def test_native_sources_include_headers_not_sources(path):
    for included in re.findall(r'^\s*#?\s*include\s+["<\']([^">\']+)', (SRC / path).read_text(), re.MULTILINE):
        assert not included.endswith((".c", ".pyx")), f"{path} includes the source {included}"


def test_the_rules_see_what_they_forbid(tmp_path):
    """The checks above are only as good as what they find."""
    sample = tmp_path / "sample.py"
    sample.write_text(
        "import gevent.hub\ndef f():\n    from plait.green import spawn, waiter\n    import numpy as np\n"
    )
    assert set(imports(sample)) == {
        ("gevent.hub", None, 1),
        ("plait.green", "spawn", 3),
        ("plait.green", "waiter", 3),
        ("numpy", None, 4),
    }
    assert is_module("plait.trace.ring")
    assert is_module("plait.trace._ring")
    assert not is_module("plait.trace.start")
