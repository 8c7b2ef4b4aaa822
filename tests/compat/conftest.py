"""Aliases are state of a whole process, so what imports do is tested in fresh interpreters."""

import pytest

from plait.parallel import pool


@pytest.fixture(autouse=True)
def no_workers_stay():
    """Later tests count this process's children."""
    yield
    pool.shutdown()


@pytest.fixture
def holds(run_script):
    """Run a script of assertions in a fresh interpreter: it must end well, and what it prints is returned."""

    def run(source, *args, **environment):
        result = run_script(source, *args, **environment)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run
