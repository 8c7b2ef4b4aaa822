"""redis-py in many greenlets: a shared pool, pipelines, transactions, blocking lists, publish and subscribe, locks.

redis_many.py HOST PORT
"""

from gevent import monkey

monkey.patch_all()

import os
import sys
import threading

import gevent
import redis
import witness
from gevent.pool import Pool

OURS = f"{os.getpid()}:"  # so that two programs may use one server


def counted(client):
    """Transactions that meet on one key: each is tried again until it has its turn."""

    def add(_):
        with client.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(OURS + "counter")
                    value = int(pipe.get(OURS + "counter") or 0)
                    pipe.multi()
                    pipe.set(OURS + "counter", value + 1)
                    pipe.execute()
                    return
                except redis.WatchError:
                    continue

    Pool(20).map(add, range(60))
    return int(client.get(OURS + "counter"))


def piped(client):
    def store(number):
        with client.pipeline(transaction=False) as pipe:
            for field in range(100):
                pipe.hset(OURS + f"hash{number}", field, field * number)
            return sum(pipe.execute())

    stored = Pool(10).map(store, range(30))
    values = [sum(map(int, client.hvals(OURS + f"hash{number}"))) for number in range(30)]
    return sum(stored), values == [4950 * number for number in range(30)]


def handed_over(client):
    """Takers that block in the server until an item is there, more of them than items at first."""
    takers = [gevent.spawn(client.blpop, [OURS + "items"], timeout=30) for _ in range(20)]
    gevent.sleep(0)
    givers = [gevent.spawn(client.rpush, OURS + "items", number) for number in range(20)]
    gevent.joinall(givers, raise_error=True)
    return sorted(int(taker.get()[1]) for taker in takers)


def published(client):
    """A listening greenlet, and redis-py's own listening thread, which is a greenlet here."""
    heard, in_thread, ready, done = [], [], threading.Semaphore(0), threading.Event()

    def listen():
        with client.pubsub() as channel:
            channel.subscribe(OURS + "news")
            for message in channel.listen():
                if message["type"] == "subscribe":
                    ready.release()
                elif message["data"] == b"end":
                    return
                else:
                    heard.append(int(message["data"]))

    def note(message):
        in_thread.append(int(message["data"]))
        if len(in_thread) == 50:
            done.set()

    listener = gevent.spawn(listen)
    ready.acquire()
    with client.pubsub() as channel:
        channel.subscribe(**{OURS + "numbers": note})
        while channel.get_message(timeout=1) is None:
            pass
        thread = channel.run_in_thread(sleep_time=0.01)
        for number in range(50):
            client.publish(OURS + "news", number)
            client.publish(OURS + "numbers", number)
        client.publish(OURS + "news", "end")
        listener.join(30)
        done.wait(30)
        thread.stop()
        thread.join(30)
    return heard == list(range(50)), in_thread == list(range(50))


def locked(client):
    inside, most = 0, 0

    def enter(_):
        nonlocal inside, most
        with client.lock(OURS + "lock", timeout=30, sleep=0.001):
            inside += 1
            most = max(most, inside)
            gevent.sleep(0)
            inside -= 1

    Pool(10).map(enter, range(20))
    return most


def timed_out(host, port):
    """By the client's own time-out and by gevent's; the connection is not used again with an answer in it."""
    seen = []
    with redis.Redis(host, port, socket_timeout=0.05, retry=None, max_connections=1) as client:
        try:
            client.blpop([OURS + "never"], timeout=0)
        except redis.TimeoutError as error:
            seen.append(type(error).__name__)
        seen.append(client.ping())
    with redis.Redis(host, port, max_connections=1) as client:
        try:
            with gevent.Timeout(0.05):
                client.blpop([OURS + "never"], timeout=0)
        except gevent.Timeout:
            seen.append("gevent.Timeout")
        client.connection_pool.disconnect()
        seen.append(client.ping())
    return seen


def streamed(client):
    """Two consumers of a group share what a producer adds."""
    stream = OURS + "stream"
    client.xgroup_create(stream, "group", mkstream=True)
    taken = []

    def consume(name):
        while True:
            for _, entries in client.xreadgroup("group", name, {stream: ">"}, count=5, block=10_000):
                for key, fields in entries:
                    client.xack(stream, "group", key)
                    if b"end" in fields:
                        return
                    taken.append(int(fields[b"number"]))

    consumers = [gevent.spawn(consume, name) for name in ("one", "two")]
    for number in range(100):
        client.xadd(stream, {"number": number})
    for left in (1, 0):
        client.xadd(stream, {"end": 1})
        while sum(not consumer.ready() for consumer in consumers) > left:
            gevent.sleep(0.001)
    gevent.joinall(consumers, raise_error=True)
    return sorted(taken) == list(range(100)) or sorted(taken)


def work(host, port):
    pool = redis.BlockingConnectionPool(host=host, port=int(port), max_connections=25, timeout=30)
    with redis.Redis(connection_pool=pool) as client:
        try:
            return {
                "counted": counted(client),
                "piped": piped(client),
                "handed_over": handed_over(client),
                "published": published(client),
                "locked": locked(client),
                "streamed": streamed(client),
                "timed_out": timed_out(host, int(port)),
            }
        finally:
            client.delete(*client.scan_iter(OURS + "*"))
            pool.disconnect()


if __name__ == "__main__":
    witness.report(work, *sys.argv[1:])
