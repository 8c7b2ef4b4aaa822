"""Small servers of gevent's kinds with clients in the same process: echo, datagrams, a forwarder, HTTP, TLS, a proxy.

servers.py AUTHORITY.pem SERVER.pem
"""

from gevent import monkey

monkey.patch_all()

import contextlib
import os
import signal
import socket
import ssl
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import gevent
import witness
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer
from gevent.server import DatagramServer, StreamServer
from gevent.socket import wait_write

SIZE = 3_000_000


@contextlib.contextmanager
def running(server):
    server.start()
    try:
        yield server
    finally:
        server.stop()


def echo(connection, address):
    with connection.makefile("rb") as lines:
        for line in lines:
            if line.strip() == b"quit":
                break
            connection.sendall(line)


def chat(address, name, tls=None):
    with socket.create_connection(address) as plain:
        connection = plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost")
        with connection, connection.makefile("rwb") as lines:
            answers = []
            for turn in range(10):
                lines.write(b"%s says %d\n" % (name, turn))
                lines.flush()
                answers.append(lines.readline())
            lines.write(b"quit\n")
            lines.flush()
            return answers == [b"%s says %d\n" % (name, turn) for turn in range(10)] and lines.read() == b""


def echoed(tls, pem):
    with running(StreamServer(("127.0.0.1", 0), echo)) as server:
        plain = Pool(20).map(lambda number: chat(server.address, b"%d" % number), range(40))
    with running(StreamServer(("127.0.0.1", 0), echo, keyfile=pem, certfile=pem)) as server:
        secure = Pool(20).map(lambda number: chat(("127.0.0.1", server.server_port), b"%d" % number, tls), range(40))
    return all(plain), all(secure)


def limited():
    """A pool bounds how many connections are served at once."""
    now, most = 0, 0

    def handle(connection, address):
        nonlocal now, most
        now += 1
        most = max(most, now)
        echo(connection, address)
        now -= 1

    with running(StreamServer(("127.0.0.1", 0), handle, spawn=Pool(3))) as server:
        return all(Pool(10).map(lambda number: chat(server.address, b"%d" % number), range(20))), most


def datagrams():
    class Echo(DatagramServer):
        def handle(self, data, address):
            self.socket.sendto(data.upper(), address)

    with running(Echo(("127.0.0.1", 0))) as server:

        def ask(number):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.connect(server.address)
                client.send(b"message %d" % number)
                return client.recv(1024)

        return Pool(10).map(ask, range(20)) == [b"MESSAGE %d" % number for number in range(20)]


def forwarded():
    def forward(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def handle(connection, address):
        with socket.create_connection(server.address) as other:
            gevent.joinall([gevent.spawn(forward, connection, other), gevent.spawn(forward, other, connection)])

    with running(StreamServer(("127.0.0.1", 0), echo)) as server:
        with running(StreamServer(("127.0.0.1", 0), handle)) as forwarder:
            return all(Pool(10).map(lambda number: chat(forwarder.address, b"%d" % number), range(20)))


def sent_by_the_kernel():
    """os.sendfile on a non-blocking descriptor, with a wait between its parts."""
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(1000) * (SIZE // 1000))
        file.flush()

        def handle(connection, address):
            offset = 0
            while offset < SIZE:
                try:
                    offset += os.sendfile(connection.fileno(), file.fileno(), offset, SIZE - offset)
                except BlockingIOError:
                    wait_write(connection.fileno(), timeout=30)

        with running(StreamServer(("127.0.0.1", 0), handle)) as server:
            with socket.create_connection(server.address) as client:
                return sum(len(part) for part in iter(lambda: client.recv(65536), b""))


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello ", environ["REQUEST_METHOD"].encode(), b" ", environ["wsgi.input"].read()]
    if path == "/parts":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts()
    if path == "/failing":
        raise LookupError("in the application")
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"no such page"]


def parts():
    for number in range(100):
        yield b"%d " % number
        gevent.sleep(0)


def got(url, context=None, **options):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), context=context, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def webserver(address, **options):
    return running(WSGIServer(address, application, log=None, error_log=open_null, **options))


def pages(url, context=None):
    many = Pool(20).map(lambda number: got(url, context, data=b"%d" % number)[1], range(40))
    return {
        "get": got(url, context),
        "posts": many == [f"hello POST {number}" for number in range(40)],
        "parts": sum(map(int, got(f"{url}/parts", context)[1].split())),
        "failing": got(f"{url}/failing", context)[0],
        "missing": got(f"{url}/nothing", context)[0],
    }


def web(tls, pem):
    with webserver(("127.0.0.1", 0)) as server:
        plain = pages(f"http://127.0.0.1:{server.server_port}")
    with webserver(("127.0.0.1", 0), keyfile=pem, certfile=pem) as server:
        secure = pages(f"https://localhost:{server.server_port}", tls)
    return plain, secure


def on_a_path():
    """HTTP on a Unix socket."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(folder, "http"))
        listener.listen(10)
        with webserver(listener), socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(folder, "http"))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
    return answer.split(b"\r\n")[0].decode(), answer.rpartition(b"\r\n")[2].decode()


def proxied():
    """A server whose application asks another server."""

    def relay(environ, start_response):
        status, body = got(environ["QUERY_STRING"])
        start_response(f"{status} Relayed", [("Content-Type", "text/plain")])
        return [body.encode()]

    with webserver(("127.0.0.1", 0)) as server:
        with running(WSGIServer(("127.0.0.1", 0), relay, log=None)) as proxy:
            url = f"http://127.0.0.1:{proxy.server_port}/?http://127.0.0.1:{server.server_port}"
            return Pool(10).map(lambda path: got(url + path)[0], ["/", "/parts", "/nothing"] * 5)


def resolved():
    """Many names at once, without a network: literals, this machine's, and one that cannot be."""

    def ask(name):
        try:
            return socket.gethostbyname(name)
        except socket.gaierror as error:
            return type(error).__name__

    return Pool(10).map(ask, ["127.0.0.1", "localhost", "10.1.2.3", "-"] * 10)[:4]


def polled_for():
    """Long polling: a request that is answered when there is news."""
    news, ready = gevent.event.Event(), threading.Semaphore(0)

    def wait(environ, start_response):
        ready.release()
        news.wait(30)
        start_response("200 OK", [])
        return [b"news"]

    with running(WSGIServer(("127.0.0.1", 0), wait, log=None)) as server:
        readers = [gevent.spawn(got, f"http://127.0.0.1:{server.server_port}") for _ in range(10)]
        for _ in readers:
            ready.acquire()
        news.set()
        return [reader.get() for reader in readers] == [(200, "news")] * 10


def stopped_gracefully():
    """A signal stops the server; who is connected is served to the end, and then nothing is left to wait for."""
    server = StreamServer(("127.0.0.1", 0), echo)
    server.start()
    stopped = gevent.event.Event()

    def stop():
        server.close()
        stopped.set()

    watcher = gevent.signal_handler(signal.SIGTERM, stop)
    seen = []
    with socket.create_connection(server.address) as client, client.makefile("rwb") as lines:
        lines.write(b"before\n")
        lines.flush()
        seen.append(lines.readline().decode())
        os.kill(os.getpid(), signal.SIGTERM)
        seen.append(stopped.wait(30))
        lines.write(b"after\n")
        lines.flush()
        seen.append(lines.readline().decode())
        try:
            socket.create_connection(server.address).close()
        except ConnectionRefusedError:
            seen.append("refused")
    watcher.cancel()
    return seen, server.closed, gevent.wait(timeout=30)


def work(authority, pem):
    tls = ssl.create_default_context(cafile=authority)
    return {
        "echoed": echoed(tls, pem),
        "limited": limited(),
        "datagrams": datagrams(),
        "forwarded": forwarded(),
        "sent_by_the_kernel": sent_by_the_kernel(),
        "web": web(tls, pem),
        "on_a_path": on_a_path(),
        "proxied": proxied(),
        "resolved": resolved(),
        "polled_for": polled_for(),
        "stopped_gracefully": stopped_gracefully(),
    }


if __name__ == "__main__":
    with open(os.devnull, "w") as open_null:
        witness.report(work, *sys.argv[1:])
