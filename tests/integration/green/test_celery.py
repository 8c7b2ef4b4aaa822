"""celery's gevent pool: a worker process on a real Redis, asked by a client that knows nothing of gevent."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid

import pytest

CONCURRENCY = 20


@pytest.fixture
def worked(programs, redis_server, tmp_path):
    """Start a worker on a side, ask it for everything, end it; returns what the client saw, without the witness."""

    def work(side):
        environment = {
            "CELERY_BROKER": f"redis://{redis_server.host}:{redis_server.port}/1",
            "CELERY_QUEUE": f"{side}-{uuid.uuid4()}",
        }
        options = ["-P", "gevent", "-c", str(CONCURRENCY), "-n", f"{side}@localhost", "--loglevel", "WARNING"]
        worker = ["-m", "celery", "-A", "celery_tasks", "--workdir", str(programs.folder), "worker", *options]
        with programs.started(side, worker, tmp_path / side, **environment) as process:
            said = asked([sys.executable, programs.folder / "celery_client.py", str(CONCURRENCY)], process, environment)
            assert said, programs.told(tmp_path / side)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, programs.told(tmp_path / side)
        programs.check(side, said.pop("witness"))
        return said

    return work


def asked(client, worker, environment):
    """What the client prints, parsed; None where the worker ended before it."""
    with subprocess.Popen(client, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            while process.poll() is None and worker.poll() is None:
                time.sleep(0.05)
            return json.loads(process.stdout.readline()) if process.poll() == 0 else None
        finally:
            process.kill()


@pytest.mark.timeout(300)
def test_a_worker_with_the_gevent_pool(worked):
    gevent, plait = worked("gevent"), worked("plait")
    assert plait == gevent
    assert plait == {
        "added": 20_100,
        "together": list(range(CONCURRENCY)),
        "failed": ["LookupError", "from a task"],
        "retried": 3,
        "too_long": "TimeLimitExceeded",
        "revoked": False,
        "later": 3,
        "chord": 90,
        "chain": 10,
        "resized": [
            [{"ok": "pool will grow"}, {"ok": "pool will shrink"}],
            [{"implementation": "celery.concurrency.gevent:TaskPool", "max-concurrency": CONCURRENCY}],
        ],
    }
