"""psycopg 3 under patch_all: pipelines, COPY, a server-side cursor, notifications, transactions that meet.

psycopg3_patched.py HOST PORT USER
"""

from gevent import monkey

monkey.patch_all()

import os
import sys

import gevent
import psycopg
import witness
from gevent.pool import Pool

TABLE = f"item_{os.getpid()}"  # so that two programs may use one server


def moved(connect):
    with connect() as connection:
        connection.execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY, amount int NOT NULL)")
        with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            for number in range(1000):
                copy.write_row((number, 100))

    def move(number):
        with connect() as connection, connection.transaction():
            connection.execute(f"UPDATE {TABLE} SET amount = amount - 1 WHERE id = %s", (number % 3,))
            connection.execute(f"UPDATE {TABLE} SET amount = amount + 1 WHERE id = %s", (3 + number % 2,))

    Pool(20).map(move, range(60))
    with connect() as connection:
        return connection.execute(f"SELECT sum(amount), min(amount), max(amount) FROM {TABLE}").fetchone()


def waited(connect):
    """One greenlet's query waits for another's to give a lock back: who blocks the thread here, waits for ever."""
    order = []
    key = os.getpid()

    def wait():
        with connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
            order.append("second")

    with connect() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
        waiting = gevent.spawn(wait)
        connection.execute("SELECT pg_sleep(0.05)")
        order.append("first")
    waiting.get(timeout=30)
    return order


def notified(connect):
    channel = f"channel_{os.getpid()}"
    with connect(autocommit=True) as listening, connect(autocommit=True) as telling:
        listening.execute(f"LISTEN {channel}")
        listener = gevent.spawn(lambda: [int(note.payload) for note in listening.notifies(timeout=30, stop_after=20)])
        with telling.pipeline():
            for number in range(20):
                telling.execute("SELECT pg_notify(%s, %s)", (channel, str(number)))
        return listener.get(timeout=30) == list(range(20))


def streamed(connect):
    def rows(_):
        with connect() as connection, connection.cursor(name="numbers") as cursor:
            cursor.execute("SELECT i, repeat('x', 1000) FROM generate_series(1, 2000) i")
            return sum(number + len(text) for number, text in cursor)

    def copied(_):
        with connect() as connection, connection.cursor() as cursor:
            with cursor.copy("COPY (SELECT i FROM generate_series(1, 20000) i) TO STDOUT") as copy:
                return sum(int(data) for block in copy for data in bytes(block).split())

    return Pool(4).map(rows, range(4)), Pool(4).map(copied, range(4))


def failed(connect):
    seen = []
    try:
        with connect() as connection:
            connection.execute("SELECT 1/0")
    except psycopg.Error as error:
        seen.append(type(error).__name__)
    try:
        with connect() as connection, gevent.Timeout(0.05):
            connection.execute("SELECT pg_sleep(60)")
    except gevent.Timeout:
        seen.append("gevent.Timeout")
    with connect() as connection:
        try:
            connection.execute("SET LOCAL statement_timeout = '50ms'")
            connection.execute("SELECT pg_sleep(60)")
        except psycopg.errors.QueryCanceled as error:
            seen.append(type(error).__name__)
    return seen


def work(host, port, user):
    def connect(**options):
        return psycopg.connect(host=host, port=int(port), user=user, dbname="postgres", **options)

    try:
        return {
            "implementation": psycopg.pq.__impl__,
            "moved": [int(value) for value in moved(connect)],
            "waited": waited(connect),
            "notified": notified(connect),
            "streamed": streamed(connect),
            "failed": failed(connect),
        }
    finally:
        with connect() as connection:
            connection.execute(f"DROP TABLE {TABLE}")


if __name__ == "__main__":
    witness.report(work, *sys.argv[1:])
