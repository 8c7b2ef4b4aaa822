"""psycopg2 with psycogreen: libpq's waiting is done by gevent; transactions, locks, cursors, notifications, a pool.

psycopg2_green.py HOST PORT USER
"""

from gevent import monkey

monkey.patch_all()

from psycogreen.gevent import patch_psycopg

patch_psycopg()

import os
import sys
from contextlib import closing

import gevent
import psycopg2
import psycopg2.errorcodes
import psycopg2.extensions
import sqlalchemy
import witness
from gevent.pool import Pool
from gevent.queue import Queue
from gevent.socket import wait_read
from psycopg2.extras import execute_values

TABLE = f"account_{os.getpid()}"  # so that two programs may use one server


class Connections:
    """A pool: connections are taken and put back by greenlets."""

    def __init__(self, size, **where):
        self.where = where
        self.free = Queue()
        for _ in range(size):
            self.free.put(psycopg2.connect(**where))

    def __call__(self, function, *args):
        connection = self.free.get()
        try:
            with connection, connection.cursor() as cursor:
                return function(cursor, *args)
        finally:
            self.free.put(connection)

    def close(self):
        while self.free.qsize():
            self.free.get().close()


def fill(cursor):
    cursor.execute(f"CREATE TABLE {TABLE} (id int PRIMARY KEY, amount int NOT NULL CHECK (amount >= 0), note text)")
    execute_values(cursor, f"INSERT INTO {TABLE} VALUES %s", [(number, 100, "é" * number) for number in range(20)])


def move(cursor, source, target):
    cursor.execute(f"UPDATE {TABLE} SET amount = amount - 1 WHERE id = %s", (min(source, target),))
    cursor.execute(f"UPDATE {TABLE} SET amount = amount + 1 WHERE id = %s", (max(source, target),))


def moved(run):
    """Transfers that meet on the same rows, so that one waits in the server for the other's commit."""
    Pool(20).map(lambda number: run(move, number % 3, 3 + number % 2), range(100))

    def amounts(cursor):
        cursor.execute(f"SELECT sum(amount), min(amount), max(amount) FROM {TABLE}")
        return cursor.fetchone()

    return [int(value) for value in run(amounts)]


def waited(where):
    """One greenlet's query waits for another's to give a lock back: who blocks the thread here, waits for ever."""
    order = []
    key = os.getpid()
    with closing(psycopg2.connect(**where)) as one, closing(psycopg2.connect(**where)) as two:

        def wait():
            with two, two.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
                order.append("second")

        with one.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (key,))
            waiting = gevent.spawn(wait)
            cursor.execute("SELECT pg_sleep(0.05)")
            order.append("first")
            cursor.execute("SELECT pg_advisory_unlock(%s)", (key,))
        waiting.get(timeout=30)
    return order


def notified(where):
    """LISTEN in one greenlet, which waits for the connection's descriptor; NOTIFY in another."""
    channel = f"channel_{os.getpid()}"
    with closing(psycopg2.connect(**where)) as one, closing(psycopg2.connect(**where)) as two:
        one.autocommit = two.autocommit = True
        with one.cursor() as listening, two.cursor() as telling:
            listening.execute(f"LISTEN {channel}")

            def hear():
                heard = []
                while len(heard) < 20:
                    wait_read(one.fileno(), timeout=30)
                    one.poll()
                    while one.notifies:
                        heard.append(int(one.notifies.pop(0).payload))
                return heard

            listener = gevent.spawn(hear)
            for number in range(20):
                telling.execute("SELECT pg_notify(%s, %s)", (channel, str(number)))
            return listener.get(timeout=30) == list(range(20))


def failed(run, where):
    seen = []
    for number in (1, 1, 2):
        try:
            run(lambda cursor: cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, -1)", (number,)))
        except psycopg2.Error as error:
            seen.append(psycopg2.errorcodes.lookup(error.pgcode))
    with closing(psycopg2.connect(options="-c statement_timeout=50ms", **where)) as connection:
        try:
            connection.cursor().execute("SELECT pg_sleep(60)")
        except psycopg2.extensions.QueryCanceledError as error:
            seen.append(type(error).__name__)
    with closing(psycopg2.connect(**where)) as connection:
        try:
            with gevent.Timeout(0.05):
                connection.cursor().execute("SELECT pg_sleep(60)")
        except gevent.Timeout:
            seen.append(["gevent.Timeout", connection.closed])
    try:
        psycopg2.connect(**{**where, "port": 1})
    except psycopg2.OperationalError as error:
        seen.append(type(error).__name__)
    return seen


def large(run):
    """Answers of megabytes, several at once, and a cursor that stays in the server."""

    def fetch(cursor, number):
        cursor.execute("SELECT repeat(md5(i::text), 100) FROM generate_series(1, %s) i", (number,))
        return sum(len(text) for (text,) in cursor)

    def batches(cursor):
        cursor.execute("DECLARE numbers CURSOR FOR SELECT * FROM generate_series(1, 1000)")
        total = 0
        while True:
            cursor.execute("FETCH 100 FROM numbers")
            rows = cursor.fetchall()
            if not rows:
                return total
            total += sum(number for (number,) in rows)

    return Pool(5).map(lambda number: run(fetch, number), [500, 1000, 1500]), run(batches)


def through_sqlalchemy(host, port, user):
    """SQLAlchemy's QueuePool: more greenlets than connections."""
    engine = sqlalchemy.create_engine(
        f"postgresql+psycopg2://{user}@{host}:{port}/postgres", pool_size=4, max_overflow=0
    )
    try:

        def ask(number):
            with engine.begin() as connection:
                return connection.execute(
                    sqlalchemy.text("SELECT :number * 2, pg_sleep(0.001)"), {"number": number}
                ).scalar()

        return Pool(20).map(ask, range(40)) == [number * 2 for number in range(40)], engine.pool.checkedin()
    finally:
        engine.dispose()


def work(host, port, user):
    where = {"host": host, "port": int(port), "user": user, "dbname": "postgres", "connect_timeout": 30}
    run = Connections(8, **where)
    run(fill)
    try:
        return {
            "moved": moved(run),
            "waited": waited(where),
            "notified": notified(where),
            "failed": failed(run, where),
            "large": large(run),
            "sqlalchemy": through_sqlalchemy(host, port, user),
        }
    finally:
        run(lambda cursor: cursor.execute(f"DROP TABLE {TABLE}"))
        run.close()


if __name__ == "__main__":
    witness.report(work, *sys.argv[1:])
