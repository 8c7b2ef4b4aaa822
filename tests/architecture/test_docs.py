"""What the documents say is true: commands and paths exist, programs are the ones in examples/, examples run."""

import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
FOLDERS = ("src", "tests", "docs", "tools", "examples", "benchmarks", ".ci")
MODULES = sorted(
    path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for path in (ROOT / "src").rglob("*.py")
    if path.with_name("__init__.py").exists()  # else a script that lies in the tree
)


@pytest.mark.parametrize("doc", DOCS)
def test_make_targets_in_the_documents_exist(doc):
    text = (ROOT / doc).read_text()
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= TARGETS


def test_the_commands_of_the_readme_are_found():
    text = (ROOT / "README.md").read_text()
    assert {"tour", "test"} == set(re.findall(r"^ {4}make ([a-z-]+)", text, re.MULTILINE))
    assert {"tour", "test", "test-all", "integration", "bench", "lint", "clean"} <= TARGETS


@pytest.mark.parametrize("doc", DOCS)
def test_plait_commands_in_the_documents_exist(doc):
    named = set(re.findall(r"(?:^ {4}|`)plait ([a-z]+)", (ROOT / doc).read_text(), re.MULTILINE))
    for command in named:
        result = subprocess.run(
            [sys.executable, "-m", "plait", command, "--help"], check=False, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("doc", DOCS)
def test_paths_in_the_documents_exist(doc):
    """Paths in backticks; one with a word in capitals is a pattern for the reader."""
    for path in re.findall(r"`([\w./-]+)`", (ROOT / doc).read_text()):
        if path.split("/")[0] in FOLDERS and "/" in path and not re.search(r"\b[A-Z]{2,}\b", path):
            assert (ROOT / path).exists(), f"{doc} names {path}"


def test_the_programs_in_the_readme_are_the_examples():
    blocks = re.findall(r"```python\n# (examples/\w+\.py)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [path for path, _ in blocks] == [
        "examples/switch_by_hand.py",
        "examples/two_sleepers.py",
        "examples/parallel_squares.py",
        "examples/lazy_squares.py",
    ]
    for path, text in blocks:
        assert text == (ROOT / path).read_text(), f"README.md and {path} differ"


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings_run(module):
    failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize("doc", DOCS)
def test_examples_in_the_documents_run(doc):
    failed, _ = doctest.testfile(str(ROOT / doc), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert failed == 0


@pytest.mark.parametrize("doc", [doc for doc in DOCS if doc.startswith("docs/howto/")])
def test_programs_in_the_how_tos_run(doc):
    programs = re.findall(r"```python\n(.*?)```", (ROOT / doc).read_text(), re.DOTALL)
    assert programs
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False, cwd=ROOT
        )
        assert done.returncode == 0, f"{program}\n{done.stderr}"
