"""requests and urllib3 in many greenlets: HTTP and TLS, pools of kept connections, streams, retries, time-outs.

requests_many.py AUTHORITY.pem SERVER.pem; the server is the standard library's, patched as the clients are.
"""

from gevent import monkey

monkey.patch_all()

import gc
import gzip
import http.server
import json
import ssl
import sys
import threading
from contextlib import contextmanager

import gevent
import requests
import urllib3
import witness
from gevent.pool import Pool
from requests.adapters import HTTPAdapter

TOGETHER = 20


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        getattr(self, self.path.strip("/").partition("/")[0] or "missing", self.missing)()

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(iter(self.chunk, b""))
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(json.dumps({"bytes": len(body), "sum": sum(body)}).encode())

    def chunk(self):
        size = int(self.rfile.readline(), 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def echo(self):
        self.answer(self.path.encode())

    def together(self):
        """Answers when TOGETHER requests are here: who sends them one after the other waits for ever."""
        self.server.barrier.wait()
        self.answer(b"together")

    def busy(self):
        self.server.refusals += 1
        if self.server.refusals % 3:
            self.answer(b"busy", status=503)
        else:
            self.answer(b"at last")

    def silent(self):
        self.server.silence.wait(60)
        self.close_connection = True

    def moved(self):
        self.answer(b"", status=302, Location="/echo/moved")

    def packed(self):
        self.answer(gzip.compress(b"packed " * 1000), **{"Content-Encoding": "gzip"})

    def parts(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(50):
            part = b"%04d " % number * 100
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            gevent.sleep(0)
        self.wfile.write(b"0\r\n\r\n")

    def missing(self):
        self.answer(b"no such page", status=404)

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.accepted = 0
        self.refusals = 0
        self.barrier = threading.Barrier(TOGETHER)
        self.silence = threading.Event()

    def process_request(self, request, address):
        self.accepted += 1
        super().process_request(request, address)

    def handle_error(self, request, address):
        if not isinstance(sys.exception() if sys.version_info >= (3, 11) else None, (OSError, ssl.SSLError)):
            super().handle_error(request, address)


@contextmanager
def served(pem=None):
    server = Server()
    if pem is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"{'https' if pem else 'http'}://localhost:{server.server_port}"
    finally:
        server.silence.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def session(pool=10, **options):
    with requests.Session() as session:
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=pool, pool_block=True, **options)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        yield session
    gc.collect()  # urllib3 closes a pool's connections when the pool goes, which an error's traceback may hold


def kept(server, url, **options):
    """100 requests of 25 greenlets over at most 10 connections."""
    before = server.accepted
    with session(pool=10) as client:
        bodies = Pool(25).map(lambda number: client.get(f"{url}/echo/{number}", **options).text, range(100))
    return bodies == [f"/echo/{number}" for number in range(100)], server.accepted - before <= 10


def together(url, **options):
    """Requests that are answered only when all of them are under way."""
    with session(pool=TOGETHER) as client:
        jobs = [gevent.spawn(client.get, f"{url}/together", timeout=30, **options) for _ in range(TOGETHER)]
        return sorted({job.get().text for job in jobs})


def odds(url, **options):
    with session() as client:
        moved = client.get(f"{url}/moved", **options)
        posted = client.post(f"{url}/", data=bytes(range(256)) * 1000, **options).json()
        chunked = client.post(f"{url}/", data=(bytes([number]) * 1000 for number in range(100)), **options).json()
        with client.get(f"{url}/parts", stream=True, **options) as parts:
            streamed = sum(len(part) for part in parts.iter_content(777))
        return {
            "moved": [moved.text, [response.status_code for response in moved.history]],
            "packed": len(client.get(f"{url}/packed", **options).content),
            "posted": posted,
            "chunked": chunked,
            "streamed": streamed,
            "missing": client.get(f"{url}/nothing", **options).status_code,
        }


def retried(url):
    with urllib3.PoolManager(retries=urllib3.Retry(5, status_forcelist=[503], backoff_factor=0)) as manager:
        return manager.request("GET", f"{url}/busy").data.decode()


def timed_out(url):
    """By the client's own time-out, and by gevent's."""
    seen = []
    with session() as client:
        for _ in range(3):
            try:
                client.get(f"{url}/silent", timeout=0.05)
            except requests.exceptions.Timeout as error:
                seen.append(type(error).__name__)
        try:
            with gevent.Timeout(0.05):
                client.get(f"{url}/silent")
        except gevent.Timeout:
            seen.append("gevent.Timeout")
        job = gevent.spawn(client.get, f"{url}/silent")
        gevent.sleep(0.01)
        job.kill()
        seen.append(job.ready() and not job.successful() or isinstance(job.value, gevent.GreenletExit))
        seen.append(client.get(f"{url}/echo/after").text)
    return seen


def refused(url):
    try:
        with session() as client:
            client.get(url)
    except requests.exceptions.RequestException as error:
        return type(error).__name__
    return None


def work(authority, pem):
    with served() as (server, url):
        plain = {
            "kept": kept(server, url),
            "together": together(url),
            **odds(url),
            "retried": retried(url),
            "timed_out": timed_out(url),
        }
    with served(pem) as (server, secure_url):
        secure = {
            "kept": kept(server, secure_url, verify=authority),
            "together": together(secure_url, verify=authority),
            **odds(secure_url, verify=authority),
            "untrusted": refused(secure_url),
        }
    return {"plain": plain, "secure": secure, "gone": refused(url)}


if __name__ == "__main__":
    witness.report(work, *sys.argv[1:])
