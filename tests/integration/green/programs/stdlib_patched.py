"""The standard library's own clients, servers, threads and processes under patch_all, many at once."""

from gevent import monkey

monkey.patch_all()

import concurrent.futures
import ftplib
import io
import logging
import logging.handlers
import multiprocessing
import os
import pickle
import queue
import select
import selectors
import signal
import smtplib
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
import xmlrpc.client
import xmlrpc.server
from contextlib import contextmanager
from email.message import EmailMessage

import gevent
import witness

CLIENTS = 20


class ThreadingServer(socketserver.ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True
    request_queue_size = 128


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def at_once(function, count=CLIENTS):
    with concurrent.futures.ThreadPoolExecutor(count) as executor:
        return list(executor.map(function, range(count)))


class Mail(socketserver.StreamRequestHandler):
    """SMTP, as much as smtplib asks for."""

    def handle(self):
        self.say("220 localhost")
        for line in self.rfile:
            word = line[:4].upper().strip()
            if word == b"EHLO":
                self.say("250-localhost", "250 8BITMIME")
            elif word == b"DATA":
                self.say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.kept.append(text)
                self.say("250 kept")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def mailed():
    server = ThreadingServer(("127.0.0.1", 0), Mail)
    server.kept = []

    def send(number):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@localhost", "b@localhost", f"number {number}"
        message.set_content(f"text {number}\n" * 100)
        with smtplib.SMTP(*address, local_hostname="localhost", timeout=30) as client:
            return client.send_message(message)

    with served(server) as address:
        refused = at_once(send)
    return refused == [{}] * CLIENTS, len(set(server.kept)), sum(map(len, server.kept)) > 10_000


class Files(socketserver.StreamRequestHandler):
    """FTP, as much as ftplib asks for; data go over connections that the client makes."""

    def handle(self):
        self.say("220 ready")
        listener = None
        for line in self.rfile:
            word, _, rest = line.decode().strip().partition(" ")
            if word == "USER":
                self.say("331 password?")
            elif word == "PASS":
                self.say("230 welcome")
            elif word in ("PASV", "EPSV"):
                listener = socket.create_server(("127.0.0.1", 0))
                self.say(f"229 ok (|||{listener.getsockname()[1]}|)" if word == "EPSV" else self.passive(listener))
            elif word == "RETR":
                self.say("150 coming")
                with listener, listener.accept()[0] as data:
                    data.sendall(rest.encode() * 100_000)
                self.say("226 done")
            elif word == "STOR":
                self.say("150 give")
                with listener, listener.accept()[0] as data:
                    self.server.stored[rest] = sum(len(part) for part in iter(lambda: data.recv(65536), b""))
                self.say("226 done")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("200 ok")

    def passive(self, listener):
        port = listener.getsockname()[1]
        return f"227 here (127,0,0,1,{port >> 8},{port & 255})"

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


def transferred():
    server = ThreadingServer(("127.0.0.1", 0), Files)
    server.stored = {}

    def transfer(number):
        with ftplib.FTP(timeout=30) as client:
            client.connect(*address)
            client.login()
            parts = []
            client.retrbinary(f"RETR {number}", parts.append)
            client.storbinary(f"STOR {number}", io.BytesIO(b"".join(parts)))
            return len(b"".join(parts)) == 100_000 * len(str(number))

    with served(server) as address:
        return all(at_once(transfer)), sum(server.stored.values())


class XMLRPCServer(xmlrpc.server.SimpleXMLRPCServer):
    request_queue_size = 128  # with five the kernel resets some of many that come at once


def called():
    """XML-RPC, over http.server and http.client."""
    server = XMLRPCServer(("127.0.0.1", 0), logRequests=False)
    server.register_function(pow)

    def call(number):
        with xmlrpc.client.ServerProxy("http://{}:{}".format(*address)) as proxy:
            try:
                proxy.nothing()
            except xmlrpc.client.Fault:
                return proxy.pow(number, 2)

    with served(server) as address:
        return at_once(call) == [number**2 for number in range(CLIENTS)]


def logged():
    """Records over sockets, and over a queue to a listener's thread."""

    class Receiver(socketserver.StreamRequestHandler):
        def handle(self):
            while header := self.rfile.read(4):
                (size,) = struct.unpack(">L", header)
                self.server.records.append(pickle.loads(self.rfile.read(size))["msg"])

    class Keeping(logging.Handler):
        def emit(self, record):
            kept.append(record.getMessage())

    server, kept = ThreadingServer(("127.0.0.1", 0), Receiver), []
    server.records = []
    with served(server) as address:
        logger, handler = logging.Logger("test"), logging.handlers.SocketHandler(*address)
        entries = queue.Queue()
        listener = logging.handlers.QueueListener(entries, Keeping())
        listener.start()
        logger.addHandler(handler)
        logger.addHandler(logging.handlers.QueueHandler(entries))
        at_once(lambda number: logger.info("record %d", number))
        listener.stop()
        handler.close()
    return len(server.records), len(set(kept))


def threads():
    """Conditions, timers, barriers, locals and queues, between threads that are greenlets."""
    found, condition, local = [], threading.Condition(), threading.local()
    tasks = queue.Queue(2)

    def consume(_):
        local.count = 0
        while tasks.get() is not None:
            local.count += 1
            time.sleep(0)
        tasks.put(None)
        with condition:
            found.append(local.count)
            condition.notify_all()

    workers = [threading.Thread(target=consume, args=(number,), name=f"worker {number}") for number in range(3)]
    for worker in workers:
        worker.start()
    for number in range(30):
        tasks.put(number)
    tasks.put(None)
    with condition:
        condition.wait_for(lambda: len(found) == 3, timeout=30)
    for worker in workers:
        worker.join()
    fired = threading.Event()
    timer = threading.Timer(0.001, fired.set)
    timer.start()
    barrier = threading.Barrier(5)
    with concurrent.futures.ThreadPoolExecutor(5) as executor:
        places = sorted(future.result() for future in [executor.submit(barrier.wait, 30) for _ in range(5)])
        done, _ = concurrent.futures.wait([executor.submit(time.sleep, 0)], timeout=30)
    return sum(found), fired.wait(30), places, len(done), threading.active_count(), hasattr(local, "count")


def polled():
    """select, poll, epoll-free selectors: other threads run meanwhile."""
    seen = []
    for wait in (by_select, by_poll, by_selector):
        one, two = socket.socketpair()
        with one, two:
            threading.Timer(0.002, two.send, [b"x"]).start()
            seen.append((wait(one, 0), wait(one, 30)))
    return seen


def by_select(end, timeout):
    return len(select.select([end], [], [], timeout)[0])


def by_poll(end, timeout):
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return len(poll.poll(timeout * 1000))


def by_selector(end, timeout):
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return len(selector.select(timeout))


def children():
    """subprocess in many threads, fork, multiprocessing's processes, signals."""
    many = at_once(lambda number: subprocess.check_output([sys.executable, "-Sc", f"print({number})"], text=True), 5)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = gevent.spawn(lambda: 5).get() if at_once(lambda number: number, 3) == [0, 1, 2] else 2
        finally:
            os._exit(code)
    forked = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    context = multiprocessing.get_context("fork")
    process = context.Process(target=os._exit, args=(7,))
    process.start()
    process.join(30)
    caught = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
    subprocess.run(["sh", "-c", f"kill -USR1 {os.getpid()}"], check=True)
    deadline = time.monotonic() + 30
    while not caught and time.monotonic() < deadline:
        time.sleep(0.001)
    signal.signal(signal.SIGUSR1, before)
    code = process.exitcode
    process.close()
    return [text.strip() for text in many], forked, code, caught == [signal.SIGUSR1]


def piped():
    """A pipe of the shell, fed and read by threads; and files, which stay as they are."""
    with tempfile.TemporaryFile() as file:
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            reader = threading.Thread(target=lambda: file.write(child.stdout.read()))
            reader.start()
            for _ in range(100):
                child.stdin.write(b"x" * 10_000)
            child.stdin.close()
            reader.join()
        size = file.tell()
    return size, child.returncode


def kept_alive():
    """http.client on one connection, from a server of http.server's kind."""
    import http.server

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.path.encode() * 1000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):
            pass

    def ask(number):
        connection = http.client.HTTPConnection(*address, timeout=30)
        total = 0
        for turn in range(5):
            connection.request("GET", f"/{turn}")
            total += len(connection.getresponse().read())
        connection.close()
        return total

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    with served(server) as address:
        return at_once(ask) == [10_000] * CLIENTS


def work():
    return {
        "mailed": mailed(),
        "transferred": transferred(),
        "called": called(),
        "logged": logged(),
        "threads": threads(),
        "polled": polled(),
        "children": children(),
        "piped": piped(),
        "kept_alive": kept_alive(),
    }


if __name__ == "__main__":
    witness.report(work)
