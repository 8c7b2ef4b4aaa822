"""eventlet: green threads, a pool, a queue, timeouts, and an echo server whose clients all run in this thread."""

import eventlet
import witness
from eventlet.green import socket
from eventlet.queue import Queue

CLIENTS = 50


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data.upper())
    connection.close()


def serve(listener):
    while True:
        connection, _ = listener.accept()
        eventlet.spawn_n(echo, connection)


def ask(address, number):
    with socket.create_connection(address) as client:
        lines = []
        for turn in range(5):
            text = f"client {number} turn {turn}".encode()
            client.sendall(text)
            lines.append(client.recv(1024) == text.upper())
        return all(lines)


def echoed():
    listener = eventlet.listen(("127.0.0.1", 0))
    server = eventlet.spawn(serve, listener)
    address = listener.getsockname()
    answers = list(eventlet.GreenPool(20).imap(lambda number: ask(address, number), range(CLIENTS)))
    server.kill()
    listener.close()
    return sum(answers)


def queued():
    queue = Queue(2)
    producer = eventlet.spawn(lambda: [queue.put(i) for i in range(100)])
    taken = [queue.get() for _ in range(100)]
    producer.wait()
    return taken == list(range(100))


def timed_out():
    try:
        with eventlet.Timeout(0.01):
            eventlet.sleep(3600)
    except eventlet.Timeout:
        return True
    return False


def failed():
    def fail():
        raise LookupError("from a green thread")

    try:
        eventlet.spawn(fail).wait()
    except LookupError as error:
        return str(error)
    return None


if __name__ == "__main__":
    witness.report(echoed=echoed(), queued=queued(), timed_out=timed_out(), failed=failed())
