"""gunicorn with its gevent workers, serving a Flask application to wrk and to clients of the standard library."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socket import create_connection, create_server

import pytest

SIDES = ("gevent", "plait")


@contextmanager
def gunicorn(programs, side, worker, folder):
    """The master's process and its port, once it serves."""
    with create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {"workers": 2, "worker-connections": 200, "graceful-timeout": 20, "timeout": 60, "keep-alive": 5}
    options = ["--no-control-socket", *(f"--{name}={value}" for name, value in settings.items())]
    command = ["-m", "gunicorn", "-k", worker, "-b", f"127.0.0.1:{port}", *options, "flask_served:app"]
    path = os.pathsep.join(filter(None, [str(programs.folder), os.environ.get("PYTHONPATH")]))
    with programs.started(side, command, folder, PYTHONPATH=path) as process:
        deadline = time.monotonic() + 60
        while not answers(port):
            assert process.poll() is None and time.monotonic() < deadline, programs.told(folder)
            time.sleep(0.05)
        yield process, port
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, programs.told(folder)


def answers(port):
    try:
        return get(port, "/hello")[0] == 200
    except OSError:
        return False


def get(port, path, body=None, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", path, body, fields)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def load(port, path, seconds):
    """What wrk says of `seconds` of 50 connections: how many requests, and what went wrong."""
    assert shutil.which("wrk"), "this test needs wrk: apt-get install wrk"
    command = ["wrk", "-t2", "-c50", f"-d{seconds}s", f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    assert (found := re.search(r"(\d+) requests in", said)), said
    return int(found[1]), [line.strip() for line in said.splitlines() if re.search(r"Socket errors|Non-2xx", line)]


def witnesses(port, check):
    """Which workers answer; each must run on the side that it should."""
    workers = set()
    deadline = time.monotonic() + 30
    while len(workers) < 2 and time.monotonic() < deadline:
        with ThreadPoolExecutor(20) as together:
            for _, body in together.map(lambda _: get(port, "/witness"), range(20)):
                said = json.loads(body)
                workers.add(said.pop("pid"))
                check(said)
    return len(workers)


def left_alone(port):
    """A request that is being served when the master is told to stop."""
    connection = create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(b"GET /slow?seconds=1.5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    return connection


def everything(port, check):
    requests, wrong = load(port, "/hello", 2)
    with ThreadPoolExecutor(30) as together:
        met = [int(body) for _, body in together.map(lambda _: get(port, "/meet"), range(30))]
    data = bytes(range(256)) * 4000
    return requests > 200, {
        "wrong": wrong,
        "workers": witnesses(port, check),
        "patched": json.loads(get(port, "/patched")[1]),
        "met": max(met) > 5,  # of 30, one of the two workers gets half or more
        "sum": json.loads(get(port, "/sum", data)[1]),
        "sum of chunks": json.loads(get(port, "/sum", iter([data, data]))[1]),
        "stream": get(port, "/stream")[1] == "".join(f"line {number}\n" for number in range(100)),
        "fail": get(port, "/fail")[0],
        "missing": get(port, "/missing")[0],
        "load after all": load(port, "/stream", 1)[1],
    }


@pytest.mark.timeout(200)
@pytest.mark.parametrize("worker", ["gevent", "gunicorn.workers.ggevent.GeventPyWSGIWorker"])
def test_flask_under_load(programs, tmp_path, worker):
    seen = {}
    for side in SIDES:
        with gunicorn(programs, side, worker, tmp_path / side) as (process, port):
            enough, seen[side] = everything(port, lambda said, side=side: programs.check(side, said))
            assert enough
            with left_alone(port) as last:
                time.sleep(0.5)  # the worker takes it
                process.send_signal(signal.SIGTERM)
                with last.makefile("rb") as answer:
                    assert answer.read().endswith(b"slept"), programs.told(tmp_path / side)
        err = (tmp_path / side / "err").read_text()
        assert err.count("LookupError: of the application") == 1
        assert err.count("Traceback") == 1, err
    ours = ["plait", "plait"]
    assert seen["gevent"].pop("patched") == ["gevent", "gevent"] and seen["plait"].pop("patched") == ours
    assert seen["plait"] == seen["gevent"]
    assert seen["plait"] == {
        "wrong": [],
        "workers": 2,
        "met": True,
        "sum": {"bytes": 1_024_000, "sum": 130_560_000},
        "sum of chunks": {"bytes": 2_048_000, "sum": 261_120_000},
        "stream": True,
        "fail": 500,
        "missing": 404,
        "load after all": [],
    }
