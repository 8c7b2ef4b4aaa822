"""Asks a celery worker for all kinds of tasks, without gevent, and prints what came of it as JSON.

celery_client.py CONCURRENCY; the environment is the worker's.
"""

import json
import sys
import time

import celery
import celery_tasks as tasks

PATIENCE_S = 60
control = tasks.app.control


def outcome(result):
    try:
        return result.get(timeout=PATIENCE_S)
    except Exception as error:
        return [type(error).__name__, str(error)]


def together(count):
    return [outcome(result) for result in [tasks.wait_for_others.delay(number, count) for number in range(count)]]


def revoked():
    """A task that runs, ended by the worker."""
    result = tasks.until_revoked.delay()
    deadline = time.monotonic() + PATIENCE_S
    while result.id not in under_way() and time.monotonic() < deadline:
        pass
    result.revoke(terminate=True)
    while result.id in under_way() and time.monotonic() < deadline:
        pass
    return result.id in under_way()


def under_way():
    active = control.inspect(timeout=1, limit=1).active() or {}
    return {task["id"] for tasks in active.values() for task in tasks}


def resized():
    grown = control.pool_grow(2, reply=True, timeout=10, limit=1)
    shrunk = control.pool_shrink(2, reply=True, timeout=10, limit=1)
    stats = control.inspect(timeout=10, limit=1).stats()
    return [list(reply.values())[0] for reply in grown + shrunk], [worker["pool"] for worker in stats.values()]


def main(concurrency):
    return {
        "added": sum(outcome(result) for result in [tasks.add.delay(number, 1) for number in range(200)]),
        "together": together(concurrency),
        "failed": outcome(tasks.fail.delay("from a task")),
        "retried": outcome(tasks.try_again.delay()),
        "too_long": outcome(tasks.too_long.delay())[0],
        "revoked": revoked(),
        "later": outcome(tasks.add.apply_async((1, 2), countdown=0.05)),
        "chord": outcome(celery.chord((tasks.add.s(number, number) for number in range(10)), tasks.total.s())()),
        "chain": outcome((tasks.add.s(1, 2) | tasks.add.s(3) | tasks.add.s(4))()),
        "resized": resized(),
        "witness": outcome(tasks.witness.delay()),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
