"""A celery application for a worker with the gevent pool. The environment names its broker and its queue."""

import os
import threading
import time

import celery
from witness import witness as what_runs

app = celery.Celery("tasks", broker=os.environ["CELERY_BROKER"], backend=os.environ["CELERY_BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_expires=600,
    task_default_queue=os.environ["CELERY_QUEUE"],
)

running: set[int] = set()
everybody = threading.Event()


@app.task
def witness():
    return what_runs()


@app.task
def add(one, two):
    return one + two


@app.task
def wait_for_others(number, count):
    """Ends when `count` of them run at once."""
    running.add(number)
    if len(running) == count:
        everybody.set()
    if not everybody.wait(30):
        raise TimeoutError(f"{len(running)} of {count} tasks run at once")
    return number


@app.task
def fail(text):
    raise LookupError(text)


@app.task(bind=True, max_retries=5)
def try_again(self):
    if self.request.retries < 3:
        raise self.retry(countdown=0.01)
    return self.request.retries


@app.task(time_limit=0.2)
def too_long():
    time.sleep(3600)


@app.task
def until_revoked():
    time.sleep(3600)


@app.task
def total(numbers):
    return sum(numbers)
