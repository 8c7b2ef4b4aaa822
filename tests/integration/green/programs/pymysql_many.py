"""PyMySQL in many greenlets: a client in pure Python, on patched sockets; transactions, locks, streams, time-outs.

pymysql_many.py HOST PORT USER
"""

from gevent import monkey

monkey.patch_all()

import os
import sys
import threading
from contextlib import closing

import gevent
import pymysql
import pymysql.cursors
import sqlalchemy
import witness
from gevent.pool import Pool

DATABASE = f"plait_{os.getpid()}"  # so that two programs may use one server


def connect(where, **options):
    return closing(pymysql.connect(**where, **options))


def query(where, text, args=None):
    with connect(where, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(text, args)
        return cursor.fetchall()


def moved(where):
    """Each greenlet has a connection of its own; rows are locked by one transaction while others wait."""
    query(where, "CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB")
    query(where, "INSERT INTO account VALUES (0, 100), (1, 100), (2, 100)")

    def move(number):
        with connect(where) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT amount FROM account WHERE id = %s FOR UPDATE", (number % 2,))
            (amount,) = cursor.fetchone()
            gevent.sleep(0)
            cursor.execute("UPDATE account SET amount = %s WHERE id = %s", (amount - 1, number % 2))
            cursor.execute("UPDATE account SET amount = amount + 1 WHERE id = 2")
            connection.commit()

    Pool(20).map(move, range(60))
    return query(where, "SELECT amount FROM account ORDER BY id")


def waited(where):
    """One greenlet's query waits for another to give a lock back: who blocks the thread here, waits for ever."""
    order = []

    def wait():
        order.append(query(where, "SELECT GET_LOCK(%s, 30)", (DATABASE,)))

    with connect(where) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 30)", (DATABASE,))
        waiting = gevent.spawn(wait)
        cursor.execute("SELECT SLEEP(0.05)")
        order.append("first")
        cursor.execute("SELECT RELEASE_LOCK(%s)", (DATABASE,))
        waiting.get(timeout=30)
    return order


def streamed(where):
    """A result that is read row by row, several at once."""
    query(where, "CREATE TABLE number (value INT)")
    with connect(where) as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO number VALUES (%s)", [(value,) for value in range(1000)])
        connection.commit()

    def total(_):
        with connect(where) as connection, connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute("SELECT value, REPEAT('x', 100) FROM number")
            return sum(value + len(text) for value, text in cursor)

    return Pool(5).map(total, range(5))


def failed(where):
    seen = []
    for text in ("SELECT * FROM nothing", "INSERT INTO account VALUES (1, 1)", "SELEC 1"):
        try:
            query(where, text)
        except pymysql.MySQLError as error:
            seen.append([type(error).__name__, error.args[0]])
    with connect(where, read_timeout=0.05) as connection:
        try:
            connection.cursor().execute("SELECT SLEEP(60)")
        except pymysql.OperationalError as error:
            seen.append(error.args[0])
    with connect(where) as connection:
        try:
            with gevent.Timeout(0.05):
                connection.cursor().execute("SELECT SLEEP(60)")
        except gevent.Timeout:
            seen.append("gevent.Timeout")
        seen.append(connection.open)
    return seen


def through_sqlalchemy(where):
    """SQLAlchemy's QueuePool in threads, which are greenlets here."""
    url = sqlalchemy.URL.create("mysql+pymysql", where["user"], None, where["host"], where["port"], where["database"])
    engine = sqlalchemy.create_engine(url, pool_size=3, max_overflow=0)
    answers = []

    def ask(number):
        with engine.begin() as connection:
            answers.append(connection.execute(sqlalchemy.text("SELECT :number + 1"), {"number": number}).scalar())

    try:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers) == list(range(1, 21)), engine.pool.checkedin()
    finally:
        engine.dispose()


def work(host, port, user):
    where = {"host": host, "port": int(port), "user": user}
    query(where, f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
    inside = {**where, "database": DATABASE}
    try:
        return {
            "moved": moved(inside),
            "waited": waited(inside),
            "streamed": streamed(inside),
            "failed": failed(inside),
            "sqlalchemy": through_sqlalchemy(inside),
        }
    finally:
        query(where, f"DROP DATABASE {DATABASE}")


if __name__ == "__main__":
    witness.report(work, *sys.argv[1:])
