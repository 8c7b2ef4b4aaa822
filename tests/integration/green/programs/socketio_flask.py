"""Flask-SocketIO over pywsgi with many clients in the same process: polling, websockets, rooms, background tasks.

socketio_flask.py gevent-websocket|simple-websocket: what speaks websocket on the server's side.
"""

from gevent import monkey

monkey.patch_all()

import logging
import socket
import sys
import threading

if sys.argv[1] == "simple-websocket":
    sys.modules["geventwebsocket"] = None  # as if it were not installed

import gevent
import socketio
import witness
from flask import Flask, request
from flask_socketio import SocketIO, emit, join_room
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

CLIENTS = 20


def made_server():
    app = Flask(__name__)
    io = SocketIO(app, async_mode="gevent", logger=False, engineio_logger=False)

    @app.get("/page")
    def page():
        return "beside the sockets"

    @io.on("upper")
    def upper(text):
        emit("answer", text.upper())
        return len(text)

    @io.on("enter")
    def enter(room):
        join_room(room)
        emit("entered", request.sid[:0] + room)

    @io.on("shout")
    def shout(message):
        emit("heard", message["text"], to=message["room"])

    @io.on("later")
    def later(text):
        io.start_background_task(answer_later, request.sid, text)

    def answer_later(sid, text):
        io.sleep(0.01)
        io.emit("answer", f"{text}, later", to=sid)

    @io.on("bytes")
    def data(payload):
        return payload[::-1]

    return app


def handler_of():
    try:
        from geventwebsocket.handler import WebSocketHandler
    except ImportError:
        return None
    WebSocketHandler.logger = logging.getLogger("quiet")
    return WebSocketHandler


class Client:
    """A client whose events can be waited for."""

    def __init__(self, port, transport):
        self.io = socketio.Client(reconnection=False)
        self.seen = {name: gevent.queue.Queue() for name in ("answer", "entered", "heard")}
        for name, queue in self.seen.items():
            self.io.on(name, queue.put)
        self.io.connect(f"http://127.0.0.1:{port}", transports=transport)

    def next(self, name):
        return self.seen[name].get(timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.io.disconnect()
        self.io.eio.wait()


def talk(port, number, transport):
    with Client(port, transport) as client:
        answers = []
        for turn in range(5):
            client.io.emit("upper", f"text {number} {turn}")
            answers.append(client.next("answer") == f"TEXT {number} {turn}")
        client.io.emit("later", "x")
        called = client.io.call("upper", "abcd", timeout=20)
        client.next("answer")
        payload = bytes(range(256)) * 200
        same = client.io.call("bytes", payload, timeout=20) == payload[::-1]
        later = client.next("answer")
        return [client.io.transport(), all(answers), called, same, later]


def rooms(port):
    """All in a room hear what one of them says, and nobody else does."""
    clients = [Client(port, ["websocket"]) for _ in range(6)]
    for number, client in enumerate(clients):
        client.io.emit("enter", f"room {number % 2}")
        client.next("entered")
    clients[0].io.emit("shout", {"room": "room 0", "text": "hello"})
    clients[1].io.emit("shout", {"room": "room 1", "text": "others"})
    heard = [client.next("heard") for client in clients]
    for client in clients:
        client.__exit__()
    return [heard, sum(len(client.seen["heard"]) for client in clients)]


def page(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read().endswith(b"beside the sockets")


def work():
    handler = handler_of()
    server = WSGIServer(("127.0.0.1", 0), made_server(), log=None, **({"handler_class": handler} if handler else {}))
    server.start()
    port = server.server_port
    pool = Pool(CLIENTS)
    results = {
        "websocket": pool.map(lambda number: talk(port, number, ["websocket"]), range(CLIENTS)),
        "polling": pool.map(lambda number: talk(port, number, ["polling"]), range(5)),
        "upgraded": pool.map(lambda number: talk(port, number, ["polling", "websocket"]), range(5)),
        "rooms": rooms(port),
        "page": page(port),
        "threads": threading.active_count() < 50,
    }
    server.stop()
    return results


if __name__ == "__main__":
    witness.report(work)
