"""Servers and clients of asyncio, unmodified, with the same results on the standard library's loop and on ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).with_name("programs")


@pytest.fixture
def on_both_loops(tmp_path):
    """Run a program's work() on asyncio's loop and on ours; the results, which must be the same."""

    def run(program, *arguments):
        loops = {}
        for side, aliases in (("asyncio", []), ("plait", ["-m", "plait", "run", "--as", "greenlet"])):
            words = [*aliases, PROGRAMS / "asyncio_side.py", side, program, *arguments]
            loops[side] = _said(tmp_path, words)
        assert loops["plait"]["turns"] > 0, "no greenlet ran beside the loop"
        assert loops["plait"]["result"] == loops["asyncio"]["result"]
        return loops["plait"]["result"]

    return run


def _said(folder, words):
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROGRAMS), os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def test_aiohttp(on_both_loops, certificates):
    told = on_both_loops("asyncio_aiohttp", certificates.authority, certificates.server)
    for kind in ("plain", "secure"):
        assert told[kind]["many"] == 19900
        assert told[kind]["talked"] == ["eno", "owt", "eerht"]
        assert told[kind]["timed_out"] is True


def test_uvicorn_httpx_and_anyio(on_both_loops):
    told = on_both_loops("asyncio_uvicorn")
    assert told["served"] == [f"/{number} {f'body {number}'[::-1]}" for number in range(50)]
    assert told["grouped"] == [list(range(20)), True, 499500, "42\n", 4950]


def test_asyncpg_aiosqlite_and_sqlalchemy(on_both_loops, postgres_server):
    told = on_both_loops("asyncio_databases", *postgres_server)
    assert told["asyncpg"] == {
        "many": 3540,
        "heard": "hello",
        "timed_out": "usable",
        "copied": 12497500,
        "walked": 12497500,
        "failed": "DivisionByZeroError",
    }
    assert told["aiosqlite"] == 499500
    assert told["sqlalchemy"] == [[42, list(range(1, 11))]] * 2


def test_servers_and_clients_of_both_kinds_in_one_thread(tmp_path):
    told = _said(tmp_path, [PROGRAMS / "asyncio_and_greenlets.py"])
    assert told[:3] == [[f"coroutine /{number}" for number in range(10)]] * 3
    assert told[3:] == [[f"greenlet /{number}" for number in range(10)]] * 3
