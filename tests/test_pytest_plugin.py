"""The pytest plugin, in runs of pytest of their own."""

import os
import subprocess
import sys

import pytest

TESTS = """
import pytest
from plait import green

def test_passes(interleaving):
    green.sleep(3600)
    assert interleaving.now_ns() >= 3600 * 10**9

@pytest.mark.plait_seeds(200)
def test_depends_on_the_order(interleaving):
    order = []
    green.joinall([green.spawn(order.append, number) for number in range(3)])
    assert order != [2, 0, 1]

def test_without_it():
    pass
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "test_orders.py").write_text(TESTS)

    def run(*arguments):
        command = [sys.executable, "-m", "pytest", "-p", "plait.pytest_plugin", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        ).stdout

    return run


def test_a_test_runs_in_ten_orders_or_as_many_as_are_asked_for(run):
    assert "10 passed" in run("-k", "test_passes")
    assert "3 passed" in run("-k", "test_passes", "--plait-seeds=3")
    assert "1 passed" in run("-k", "test_without_it")


def test_a_failure_names_its_seed_and_is_replayed_from_it(run):
    first = run("-k", "test_depends_on_the_order", "-x")
    assert "1 failed" in first
    seed = first.partition("replay it with --plait-seed=")[2].split()[0]
    again = run("-k", "test_depends_on_the_order", f"--plait-seed={seed}")
    assert "1 failed" in again and "passed" not in again


def test_loading_it_loads_nothing_of_plait():
    code = "import plait.pytest_plugin, sys; print([name for name in sys.modules if name.startswith('plait.green')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
